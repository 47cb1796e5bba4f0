"""Wheels into a folder that becomes a layer: laid out by PyPA's installer, compiled by the image's own Python.

Source: Binary distribution format (packaging.python.org); PEP 552 (compiled files checked by nobody at import).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.exceptions import InstallerError
from installer.sources import WheelFile

from repave.archives.errors import BadArchive
from repave.archives.wheels import WHEEL
from repave.archives.zips import opened_zip
from repave.bakers.rootfs.isolation import Chroot
from repave.bakers.rootfs.skeleton import Skeleton
from repave.ports.errors import Invalid

SCRIPTS = "/usr/local/bin"


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """One wheel and where it can be read."""

    filename: str
    path: Path


def site_folder(python: str) -> str:
    """Where Debian's python3 looks for what its packages did not bring (``site``, Debian Python Policy 3.1.1)."""
    return f"/usr/local/lib/python{python}/dist-packages"


def lay_out_wheels(wheels: Sequence[Wheel], stage: Path, *, below: Skeleton) -> None:
    """Install the wheels below ``stage``, an empty folder: there is no link in it that could lead out.

    Raises Invalid, naming the wheel that cannot be installed.
    """
    site = below.site or site_folder(below.python)
    destination = SchemeDictionaryDestination(
        {
            "purelib": site,
            "platlib": site,
            "headers": f"/usr/local/include/python{below.python}",
            "scripts": SCRIPTS,
            "data": "/usr/local",
        },
        interpreter=below.interpreter,
        script_kind="posix",
        destdir=str(stage),
        overwrite_existing=True,
    )
    for wheel in wheels:
        try:
            with opened_zip(wheel.path, name=wheel.filename, rules=WHEEL) as archive:
                # The name tells the package; the vault's own names are digests.
                archive.filename = wheel.filename
                install(WheelFile(archive), destination, additional_metadata={"INSTALLER": b"repave\n"})
        except (InstallerError, ValueError, KeyError, BadArchive) as error:
            raise Invalid(
                f"cannot install {wheel.filename}: {error}", hint="lock another version of it, or report it upstream"
            ) from error
    for script in (stage / SCRIPTS.lstrip("/")).glob("*"):
        # As pip does: not every wheel says so in its archive.
        script.chmod(0o755)


def compile_all(inside: Chroot, *, below: Skeleton) -> None:
    """Compile what was laid out, so that no instance compiles it again at each start.

    A file that is no valid Python of this version stays as it is (exit code 1): some packages bring templates.
    """
    inside.run(
        [
            below.interpreter,
            # Without ``site``, which would run what the wheels' own ``.pth`` files say.
            *("-I", "-S", "-m", "compileall", "-q", "-j", "0"),
            *("--invalidation-mode", "unchecked-hash"),
            below.site or site_folder(below.python),
        ],
        accept=(0, 1),
    )
