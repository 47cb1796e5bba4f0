"""``repave verify``."""

from pathlib import Path
from typing import Annotated

from repave.cli.bundles import check_bundle
from repave.cli.codes import FAILED, OK
from repave.cli.opening import has_project, opened
from repave.cli.options import File, Json
from repave.cli.parameters import Argument, Option
from repave.cli.phrases import counted, listed
from repave.cli.progress import size
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.operations.integrity.verifying import Checked
from repave.operations.recording.bundle import is_bundle

Subject = Annotated[
    str | None,
    Argument(
        help="An image, a release, a digest, a name in the registry, or a record's file [default: newest release].",
        metavar="WHAT",
    ),
]
Deep = Annotated[bool, Option("--deep", help="Also read the locked files again, in the vault.")]

Key = Annotated[
    Path | None,
    Option("--key", help="A public key that counts beside those of `signing.verify`.", metavar="PATH"),
]


@example(
    "repave verify",
    "repave verify r3 --deep",
    "repave verify web --key cosign.pub",
    "repave verify sha256:2c26b46b --json",
    "repave verify shop.record --key release.pub",
)
def verify(
    subject: Subject = None, *, key: Key = None, deep: Deep = False, as_json: Json = False, file: File = None
) -> int:
    """Check every byte of what was baked, offline: by name, digest and size, from the index down to each layer.

    Manifest, configuration and layers (also uncompressed) must have their digests; the records of the artifact, its
    release and its lock must say the same. So must signatures and signed documents, which are judged by the keys that
    repave.yaml names under `signing.verify`, and by --key. Names the first thing that is wrong, and ends with 1.

    Of a record that `repave record export` wrote, every event is checked, and its signed head, by --key alone: no
    project is needed. Each event that was changed, removed, moved or added is named by its number.
    """
    screen = Screen(as_json=as_json)
    # Where there is no project, a file is a record, whatever became of its first line.
    if subject is not None and (is_bundle(Path(subject)) or (Path(subject).is_file() and not has_project(file))):
        return check_bundle(Path(subject), key, screen)
    with opened(file) as wiring, screen.progress() as progress:
        keys = (wiring.keys.trusted(str(key.absolute())),) if key else ()
        checked = wiring.verifying(keys).verify(subject, deep=deep, progress=progress)
    right = not any(one.problem for one in checked)
    screen.answer({"verified": right, "artifacts": checked})
    for one in checked:
        _show(one, screen)
    return OK if right else FAILED


def _show(one: Checked, screen: Screen) -> None:
    name = f"{one.image} of {', '.join(one.releases)}" if one.releases else "no release's"
    screen.show(f"{one.digest}  {'WRONG' if one.problem else 'verified'}  {name}")
    if one.problem:
        screen.show(f"  {one.problem}")
        screen.hint(one.hint or "`repave bake` makes it again")
        return
    files = f", {counted(one.files, 'locked file')}" if one.files else ""
    screen.say(f"  {counted(one.layers, 'layer')}, {size(one.size_bytes)}{files}: every byte as it was baked")
    screen.say(f"  {_signed(one)}")


def _signed(one: Checked) -> str:
    if not one.signatures:
        return "not signed"
    documents = f", with {listed(one.documents)}" if one.documents else ""
    if not one.signed_by:
        return f"signed{documents}, by whom is not known: --key names a public key"
    return f"signed by {listed(one.signed_by)}{documents}"
