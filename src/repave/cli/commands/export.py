"""``repave export``."""

from pathlib import Path
from typing import Annotated

from repave.cli.codes import OK
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.parameters import Argument, Option
from repave.cli.progress import size
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.operations.errors import Refused
from repave.operations.exporting.export import FORMATS, chosen_format
from repave.operations.exporting.export import export as write

What = Annotated[str, Argument(help="An image of the newest release, a release of one, or a digest.", metavar="WHAT")]
Target = Annotated[Path, Argument(help=f"A file; its name ends in .{', .'.join(FORMATS)}.", metavar="PATH")]
Format = Annotated[
    str | None, Option("--format", help=f"{', '.join(FORMATS)} [default: by the file's name].", metavar="FORMAT")
]


@example("repave export web web.qcow2", "repave export sha256:2c26... web.img --format raw")
def export(what: What, path: Target, *, format_: Format = None, as_json: Json = False, file: File = None) -> int:
    """Write a virtual machine's disk as a file that other clouds and hypervisors take.

    `qcow2` is for QEMU and OpenStack, `vhd` (of fixed size) for Azure, `vmdk` for vSphere and AWS, `tar.gz` for Google
    Cloud, `raw` for all others. Every piece is verified before it is written, and the same artifact gives the same
    bytes. At its first start the machine's root grows to the size of the disk it finds.
    """
    screen = Screen(as_json=as_json)
    kind = chosen_format(path, format_)
    with opened(file) as wiring, screen.progress() as progress:
        subjects = wiring.naming.named(what)
        if len(subjects) != 1:
            images = ", ".join(str(subject.image) for subject in subjects)
            raise Refused(f"{what} has {len(subjects)} images", hint=f"name one of them: {images}")
        (subject,) = subjects
        wiring.integrity.check(subject)
        done = write(subject, path, kind, wiring.registry, progress)
    screen.answer(done)
    screen.show(f"{done.sha256}  {done.path}")
    screen.say(f"{subject}: a disk of {size(done.disk_bytes)}, as {done.format}")
    return OK
