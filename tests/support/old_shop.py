"""A small server that somebody made by hand, as files below a folder."""

from collections.abc import Mapping
from pathlib import Path

from repave.config.project import parse_project
from repave.model.names import ImageName
from repave.model.recipe import Image, ImageKind
from repave.operations.adopting.adopt import Adopted, adopt
from repave.operations.adopting.rules import Rules
from repave.ports.progress import Silent
from repave.servers.mounted import MountedRoot

STATUS = """Package: dpkg
Status: install ok installed
Essential: yes
Version: 1
Architecture: amd64
Conffiles:
 /etc/gone.conf 00000000000000000000000000000001

Package: python3
Status: install ok installed
Priority: optional
Version: 3
Depends: libpython

Package: libpython
Status: install ok installed
Priority: optional
Version: 3

Package: linux-image-amd64
Status: install ok installed
Priority: optional
Version: 6
"""

PLAIN = {
    "/etc/os-release": "ID=debian\nVERSION_CODENAME=bookworm\n",
    "/etc/hostname": "old-shop.example.org\n",
    "/etc/apt/sources.list": "deb http://deb.debian.org/debian bookworm main\n",
    "/var/lib/dpkg/status": STATUS,
    "/var/lib/dpkg/info/python3.list": "/usr/bin/python3\n",
    "/usr/bin/python3": "python",
}

UNIT = "/etc/systemd/system/shop.service"
WANTS = "/etc/systemd/system/multi-user.target.wants/shop.service"


def server(root: Path, files: Mapping[str, str], links: Mapping[str, str] | None = None) -> MountedRoot:
    """A root with these files above the plain ones."""
    for path, text in {**PLAIN, **files}.items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    for path, target in (links or {}).items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
    return MountedRoot(root)


def adopted(
    tmp_path: Path,
    files: Mapping[str, str],
    links: Mapping[str, str] | None = None,
    *,
    kind: ImageKind = ImageKind.CONTAINER,
) -> tuple[Adopted, Image]:
    """What was found, and the image that the written file has."""
    found = adopt(server(tmp_path / "root", files, links), tmp_path / "out", Rules(), kind, Silent())
    project = parse_project(found.file.read_text(encoding="utf-8"), filename="repave.yaml")
    return found, project.images[ImageName("old-shop")]


def unit(lines: str) -> Mapping[str, str]:
    """A service of one's own."""
    return {UNIT: f"[Service]\n{lines}\n"}
