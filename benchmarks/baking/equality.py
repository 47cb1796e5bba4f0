"""Whether a disk is what it should be: the packages that its dpkg knows, and the files of the application."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from peers.server import run

from baking.ingredients import system
from repave.archives.control import paragraphs
from repave.ports.baker import BakeRequest

ROOT = "repave-root"
SECTOR = 512


def differences(disk: Path, wanted: BakeRequest) -> list[str]:
    """Each package that is missing, too many, or of another version; each file that is missing or another."""
    there = set(_packages(_content(disk, "/var/lib/dpkg/status")))
    locked = {f"{one.name} {one.architecture} {one.version}" for one in system(wanted)}
    files = [one.target for one in wanted.files if sha256(_content(disk, one.target)).hexdigest() != one.sha256]
    return [*sorted(there ^ locked), *files]


def _packages(status: bytes) -> Iterator[str]:
    for fields in paragraphs(status.decode()):
        if fields["Status"].endswith(" installed"):
            yield f"{fields['Package']} {fields['Architecture']} {fields['Version']}"


def _content(disk: Path, path: str) -> bytes:
    """Of one file of the root's file system; nothing where there is none."""
    place = f"{disk}?offset={_offset(disk)}"
    return run(["debugfs", "-R", f"cat {path}", place]).encode()


def _offset(disk: Path) -> int:
    """Where the root's partition begins, in bytes."""
    told = run(["partx", "--raw", "--noheadings", "--output", "START,NAME", str(disk)])
    found = {name: int(start) * SECTOR for start, _, name in (line.partition(" ") for line in told.splitlines())}
    return found[ROOT]
