"""``repave lock``."""

from typing import Annotated

from repave.archives.own_words import EDITED
from repave.cli import guarded
from repave.cli.codes import FAILED, OK
from repave.cli.differences import document, show
from repave.cli.misuse import Misused
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.parameters import Option
from repave.cli.phrases import counted
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.operations.locking import Asked
from repave.ports.pinner import Refresh
from repave.wiring import Wiring

Upgrade = Annotated[bool, Option("--upgrade", help="Everything to the newest that the recipes admit.")]
Packages = Annotated[
    list[str] | None,
    Option("--upgrade-package", help="Only this one, and what it forces along; may be repeated.", metavar="NAME"),
]
Security = Annotated[bool, Option("--security", help="Only what the security suite repairs, and what that needs.")]
Check = Annotated[bool, Option("--check", help="Write nothing; end with 1 when the lock does not match.")]


@example(
    "repave lock", "repave lock --upgrade-package openssl", "repave lock --security", "repave lock --check   # for CI"
)
def lock(
    *,
    upgrade: Upgrade = False,
    upgrade_package: Packages = None,
    security: Security = False,
    check: Check = False,
    as_json: Json = False,
    file: File = None,
) -> int:
    """Pin every package and file of every image, exactly, and fetch all of it.

    Pins stay where they are unless told otherwise. repave.lock is replaced only once every file it names is in the
    vault and verified. --check asks no network; it also tells which packages in the vault say that they are others
    than the lock says, or need a package that is not locked.
    """
    screen = Screen(as_json=as_json)
    asked = _asked(upgrade=upgrade, named=tuple(upgrade_package or ()), security=security)
    with opened(file, only_looks=check) as wiring:
        if check:
            return _check(wiring, screen)
        began = wiring.clock.now()
        with wiring.adding(), screen.progress() as progress:
            proposal = wiring.locking.propose(asked, progress)
            wiring.locking.write(proposal, progress)
        seconds = (wiring.clock.now() - began).total_seconds()
    new = proposal.lock
    screen.answer(
        {
            "lock": proposal.digest,
            "changed": proposal.changed,
            "packages": len(new.packages),
            "files": len(new.files),
            "size_bytes": sum(package.size_bytes for package in new.packages),
            "difference": document(proposal.difference),
            "guards": guarded.document(proposal.judged),
            "remarks": proposal.remarks,
            "seconds": seconds,
        }
    )
    show(proposal.difference, screen)
    guarded.show(proposal.judged, screen)
    for name, remarks in proposal.remarks.items():
        for remark in remarks:
            screen.say(f"image {name}: {remark}")
    told = f"{counted(len(new.packages), 'package')} and {counted(len(new.files), 'file')} in {seconds:.1f} s"
    screen.say(f"locked {told}" if proposal.changed else f"nothing changed: {told}")
    return OK


def _asked(*, upgrade: bool, named: tuple[str, ...], security: bool) -> Asked:
    if upgrade + bool(named) + security > 1:
        raise Misused(
            "--upgrade, --upgrade-package and --security exclude each other",
            hint="`repave lock --help` says which does what",
        )
    if named:
        return Asked(refresh=Refresh.NAMED, named=named)
    if security:
        return Asked(refresh=Refresh.SECURITY)
    return Asked(refresh=Refresh.UPGRADE if upgrade else Refresh.KEEP)


def _check(wiring: Wiring, screen: Screen) -> int:
    present = wiring.locked.present()
    drift = wiring.locked.drift(present) if present else ("there is no repave.lock",)
    edited = wiring.locked.contradicted(present, wiring.vault) if present else ()
    if present:
        drift = (*drift, *wiring.locked.gaps(present, wiring.vault))
    differs = (*drift, *edited)
    screen.answer({"matches": not differs, "differs": differs})
    for sentence in differs:
        screen.show(sentence)
    if drift:
        screen.hint("`repave lock` brings it up")
    if edited:
        screen.hint(EDITED)
    if differs:
        return FAILED
    screen.say("repave.lock matches")
    return OK
