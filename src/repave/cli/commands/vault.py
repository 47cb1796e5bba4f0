"""``repave vault``."""

from pathlib import Path
from typing import Annotated

from repave.cli.codes import FAILED, OK
from repave.cli.misuse import Misused, no_action
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.parameters import Argument, Option
from repave.cli.phrases import counted, listed
from repave.cli.progress import size
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.config.addresses import shared_place
from repave.config.problems import Unfit
from repave.model.names import ImageName
from repave.operations.errors import Refused
from repave.operations.vaults.checking import Verified, Verifying
from repave.operations.vaults.exporting import export
from repave.operations.vaults.importing import import_archive
from repave.operations.vaults.listing import list_locks
from repave.operations.vaults.needs import NamedLock, chosen_lock, kept_locks
from repave.operations.vaults.sharing import pull, push
from repave.wiring import Wiring

Action = Annotated[str, Argument(help="list, export, import, push, pull or verify.", metavar="ACTION")]
Place = Annotated[
    Path | None,
    Argument(help="export, import: an archive (.tar), or a folder.", metavar="PATH"),
]
ReleaseName = Annotated[
    str | None,
    Option("--release", help="export, push, pull: this release's lock [default: repave.lock].", metavar="rN"),
]
LockPath = Annotated[Path | None, Option("--lock", help="export, push, pull: the lock in this file.", metavar="PATH")]
Image = Annotated[str | None, Option("--image", help="export: only what this image wants.", metavar="NAME")]
To = Annotated[
    str | None, Option("--to", help="push: to this one [default: all of `vault: shared:`].", metavar="PLACE")
]
Repair = Annotated[bool, Option("--repair", help="verify: fetch again what is missing or damaged.")]

ACTIONS = ("list", "export", "import", "push", "pull", "verify")


@example(
    "repave vault list",
    "repave vault export shop-r3.tar --release r3",
    "repave vault import shop-r3.tar",
    "repave vault push --to oci://registry.example/vault/shop",
    "repave vault pull --release r3",
    "repave vault verify --repair",
)
def vault(
    action: Action,
    path: Place = None,
    *,
    release: ReleaseName = None,
    lock: LockPath = None,
    image: Image = None,
    to: To = None,
    repair: Repair = False,
    as_json: Json = False,
    file: File = None,
) -> int:
    """Carry locked files elsewhere, bring them in, read them again.

    What a lock names is kept in the vault by its sha256, and bakes with no network. `list` says for each lock whether
    all of it is here; `export` writes a lock and its files to one archive, or a folder, the same bytes each time, and
    `import` brings them in elsewhere; `push` gives them to shared vaults (folders, repositories of a registry), and
    `pull` has what is missing from there, else from where it was locked; `verify` reads every file again and ends
    with 1 when one is missing or damaged.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        match action:
            case "list":
                return _list(wiring, screen)
            case "export":
                named = _named(wiring, release, lock)
                return _export(wiring, screen, named, ImageName(image) if image else None, _given(path, action))
            case "import":
                return _import(wiring, screen, _given(path, action))
            case "push":
                return _push(wiring, screen, _named(wiring, release, lock), to)
            case "pull":
                return _pull(wiring, screen, _named(wiring, release, lock))
            case "verify":
                return _verify(wiring, screen, repair=repair)
            case _:
                raise no_action("vault", action, ACTIONS)


def _given(path: Path | None, action: str) -> Path:
    if path is None:
        raise Misused(f"`repave vault {action}` needs to know where", hint=f"`repave vault {action} vault.tar`")
    return path


def _named(wiring: Wiring, release: str | None, lock: Path | None) -> NamedLock:
    if lock is None:
        return chosen_lock(wiring.store, wiring.locked.present(), release)
    if release is not None:
        raise Misused("--release and --lock exclude each other", hint="a release has a lock of its own")
    from repave.config.lockfile import read_lock  # noqa: PLC0415 - only this option reads another lock

    return NamedLock(names=(str(lock),), lock=read_lock(lock))


def _kept(wiring: Wiring) -> tuple[NamedLock, ...]:
    return kept_locks(wiring.store, wiring.locked.present())


def _list(wiring: Wiring, screen: Screen) -> int:
    found = list_locks(_kept(wiring), wiring.vault)
    screen.answer({"locks": found})
    rows = [
        (", ".join(one.names), one.lock[:19], one.files, size(one.size_bytes), len(one.missing) or "") for one in found
    ]
    screen.table(("LOCK", "DIGEST", "FILES", "SIZE", "MISSING"), rows)
    lacking = [one for one in found if one.missing]
    for one in lacking:
        screen.warn(f"{', '.join(one.names)} lacks {listed(one.missing)}")
    if lacking:
        screen.hint("`repave vault verify --repair` fetches again what an origin still has")
    return OK


def _export(wiring: Wiring, screen: Screen, named: NamedLock, image: ImageName | None, path: Path) -> int:
    with screen.progress() as progress:
        done = export(named, image, path, wiring.vault, progress)
    screen.answer(done)
    screen.show(f"{done.sha256}  {path}" if done.sha256 else str(path))
    screen.say(f"{named} with {counted(done.files, 'file')}, {size(done.size_bytes)}")
    screen.hint(f"elsewhere: `repave vault import {path.name}`; anywhere: `sha256sum --check SHA256SUMS`")
    return OK


def _import(wiring: Wiring, screen: Screen, path: Path) -> int:
    with wiring.adding(), screen.progress() as progress:
        done = import_archive(path, wiring.vault, progress)
    screen.answer(done)
    for digest in done.locks:
        screen.show(f"the lock {digest}")
    screen.say(f"{counted(done.files, 'file')} came in, {size(done.size_bytes)}; {done.present} were here already")
    if done.missing:
        names = [name for need in done.missing for name in need.what]
        screen.warn(f"the archive does not have all that its locks name: {listed(names)}")
    return OK


def _push(wiring: Wiring, screen: Screen, named: NamedLock, to: str | None) -> int:
    shared = wiring.shared_vaults if to is None else (wiring.shared_vault(_place(to)),)
    if not shared:
        raise Refused(
            "repave.yaml names no shared vault", hint="name one under `vault: {shared: [...]}`, or give it with --to"
        )
    with screen.progress() as progress:
        done = push(named, shared, wiring.vault, progress)
    screen.answer({"pushed": done})
    for one in done:
        there = f"{one.files - one.sent} were there already"
        screen.show(f"{one.lock} to {one.place}: {counted(one.sent, 'file')}, {size(one.sent_bytes)}; {there}")
    return OK


def _place(text: str) -> str:
    try:
        return shared_place(text)
    except Unfit as unfit:
        meant = f"did you mean `{unfit.nearest}`?" if unfit.nearest else f"expected {unfit.expected}"
        raise Misused(f"`{text}` is no place of a vault", hint=meant) from unfit


def _pull(wiring: Wiring, screen: Screen, named: NamedLock) -> int:
    with wiring.adding(), screen.progress() as progress:
        done = pull(named, wiring.vault, progress)
    screen.answer(done)
    here = f"{done.files - done.came} were here already"
    screen.show(f"{done.lock}: {counted(done.came, 'file')} came in, {size(done.came_bytes)}; {here}")
    return OK


def _verify(wiring: Wiring, screen: Screen, *, repair: bool) -> int:
    with screen.progress() as progress:
        verifying = Verifying(vault=wiring.vault, locks=_kept(wiring), folder=wiring.folder)
        done = verifying.verify(repair=repair, progress=progress)
    screen.answer({**vars(done), "whole": done.whole})
    _show(done, screen, repair=repair)
    return OK if done.whole else FAILED


def _show(done: Verified, screen: Screen, *, repair: bool) -> None:
    for flaw in done.flaws:
        state = f"{flaw.state}, repaired" if flaw.repaired else flaw.state
        what = f"{listed(flaw.what)}, needed by {listed(flaw.locks)}" if flaw.what else "no lock needs it"
        screen.show(f"{flaw.sha256}  {state}: {what}")
        if flaw.problem:
            screen.say(f"  {flaw.problem}")
    if done.whole:
        screen.say(f"{counted(done.files, 'file')}, {size(done.size_bytes)}: every one as its lock says")
    elif not repair:
        screen.hint("`repave vault verify --repair` fetches again what an origin still has")
    else:
        screen.hint("`repave vault import` brings in what somebody else still has")
