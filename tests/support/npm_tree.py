"""What lies below an application's ``node_modules``, a line for each package and each link to a program.

`python tests/support/npm_tree.py tests/pinners/npm/greeter` has `npm ci` make an application's tree, and records it.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

PACKAGE = re.compile(r"(?:.*/)?node_modules/(?:@[^/]+/)?[^/@.][^/]*(?=/)")
"""The innermost package that a path is of."""

CACHE = "node_modules/.package-lock.json"
"""npm's own note of what it did, which it believes only while it is newer than all else."""

RECORD = "tree.txt"


def of_folder(folder: Path) -> tuple[str, ...]:
    """Of a tree on the disk, also of what workspaces have of their own."""
    found = {}
    for root, folders, files in os.walk(folder):
        for path in (Path(root) / name for name in (*folders, *files)):
            name = path.relative_to(folder).as_posix()
            if name == "node_modules" or "node_modules" not in name.split("/")[:-1]:
                continue
            if path.is_symlink():
                found[name] = f"-> {os.readlink(path)}"  # noqa: PTH115 - as it stands
            elif path.is_file() and name != CACHE:
                found[name] = _described(path.read_bytes(), program=bool(path.stat().st_mode & 0o100))
            elif path.is_dir():
                found[f"{name}/"] = ""
    return _lines(found)


def of_layer(layer: Path, *, into: str) -> tuple[str, ...]:
    """Of a layer of an image, below the application's folder."""
    found = {}
    with tarfile.open(layer) as tar:
        for member in tar:
            name = member.name.removeprefix(into.strip("/") + "/")
            stream = tar.extractfile(member) if member.isfile() else None
            if "node_modules" not in name.split("/")[:-1]:
                assert member.isdir(), member.name
            elif stream is not None:
                found[name] = _described(stream.read(), program=bool(member.mode & 0o100))
            else:
                found[name if member.issym() else f"{name}/"] = f"-> {member.linkname}" if member.issym() else ""
    return _lines(found)


def of_npm(application: Path) -> tuple[str, ...]:
    """Of what `npm ci` makes of an application."""
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(application, place, dirs_exist_ok=True)
        options = ["--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
        subprocess.run(["npm", "ci", *options], cwd=place, check=True, capture_output=True)
        return of_folder(Path(place))


def recorded(application: Path) -> tuple[str, ...]:
    """Of what `npm ci` made of an application once."""
    return tuple((application / RECORD).read_text(encoding="utf-8").splitlines())


def _described(content: bytes, *, program: bool) -> str:
    return f"{'program' if program else 'file'} {sha256(content).hexdigest()}"


def _lines(found: Mapping[str, str]) -> tuple[str, ...]:
    """Links by themselves, all else by package."""
    packages: dict[str, list[str]] = {}
    lines = []
    for name, what in sorted(found.items()):
        package = PACKAGE.match(name)
        if what.startswith("->") or package is None:
            lines.append(f"{name} {what}".rstrip())
        else:
            packages.setdefault(package[0], []).append(f"{name} {what}")
    digests = (f"{package} {_digest(content)} of {len(content)}" for package, content in packages.items())
    return tuple(sorted((*lines, *digests)))


def _digest(content: Iterable[str]) -> str:
    return sha256("\n".join(content).encode("utf-8", "surrogateescape")).hexdigest()


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        (Path(argument) / RECORD).write_text("\n".join(of_npm(Path(argument))) + "\n", encoding="utf-8")
