"""The skeleton of an image: what a later layer, or the image's configuration, must know of the layers below it."""

import os
import re
import stat
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

from repave.ports.errors import Invalid

MAXIMUM_LINKS = 40
"""As many links in one path as Linux itself follows (path_resolution(7))."""

NEW_DIRECTORY = (0o755, 0, 0)
"""Mode, owner and group of a directory that no layer below has."""


@dataclass(frozen=True, kw_only=True)
class Skeleton:
    """The directories, the links to directories, and the users of a root filesystem. Paths are relative to its root."""

    directories: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """Mode, owner and group by path."""

    links: dict[str, str] = field(default_factory=dict)
    """Targets of links to directories, by path."""

    users: dict[str, tuple[int, int]] = field(default_factory=dict)
    """User and primary group id by name, from ``/etc/passwd``."""

    groups: dict[str, int] = field(default_factory=dict)
    """Group id by name, from ``/etc/group``."""

    python: str = ""
    """Minor version of ``python3``, as ``3.11``; empty when there is none."""

    interpreter: str = "/usr/bin/python3"
    """Its program, where there is one."""

    site: str = ""
    """Where it looks for what is installed; empty for the place that Debian's own has."""

    @classmethod
    def of(cls, root: Path) -> Self:
        """Read a root filesystem; no link of it is followed out of it."""
        directories: dict[str, tuple[int, int, int]] = {}
        links: dict[str, str] = {}
        _walk(str(root), "", directories, links)
        return cls(
            directories=directories,
            links=links,
            users={name: (int(fields[0]), int(fields[1])) for name, fields in _accounts(root, "etc/passwd")},
            groups={name: int(fields[0]) for name, fields in _accounts(root, "etc/group")},
            python=_python(root),
        ).pruned()

    @classmethod
    def read(cls, content: dict[str, Any]) -> Self:
        """From what ``content`` and JSON made of one."""
        return cls(
            directories={path: (mode, user, group) for path, (mode, user, group) in content["directories"].items()},
            links=content["links"],
            users={name: (user, group) for name, (user, group) in content["users"].items()},
            groups=content["groups"],
            python=content["python"],
            # What an earlier repave kept is of Debian's own.
            interpreter=content.get("interpreter", cls.interpreter),
            site=content.get("site", cls.site),
        )

    def pruned(self) -> Self:
        """Without the links that lead to no directory."""
        led = {path: target for path, target in self.links.items() if self._follow(path) in self.directories}
        return replace(self, links=led)

    def content(self) -> dict[str, Any]:
        """As JSON can write it."""
        return {known.name: getattr(self, known.name) for known in fields(self)}

    def resolve(self, path: str) -> str:
        """Where ``path`` leads when links are followed inside the root; raises Invalid for a loop."""
        found = self._follow(path)
        if found is None:
            raise Invalid(f"/{path} goes round in links", hint="choose a target that is no link")
        return found

    def directory(self, path: str) -> tuple[int, int, int]:
        """Mode, owner and group that ``path`` has, or will have when a layer makes it."""
        return self.directories.get(path, NEW_DIRECTORY)

    def _follow(self, path: str) -> str | None:
        """Where it leads; None for a loop."""
        done: list[str] = []
        open_parts = [part for part in path.split("/")[::-1] if part not in ("", ".")]
        followed = 0
        while open_parts:
            part = open_parts.pop()
            if part == "..":
                del done[-1:]
                continue
            target = self.links.get("/".join([*done, part]))
            if target is None:
                done.append(part)
                continue
            followed += 1
            if followed > MAXIMUM_LINKS:
                return None
            if target.startswith("/"):
                done = []
            open_parts.extend(part for part in target.split("/")[::-1] if part not in ("", "."))
        return "/".join(done)


def _walk(root: str, folder: str, directories: dict[str, tuple[int, int, int]], links: dict[str, str]) -> None:
    with os.scandir(os.path.join(root, folder)) as entries:  # noqa: PTH118 - a hot loop over ten thousand names
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_symlink():
                links[path] = os.readlink(entry.path)  # noqa: PTH115 - as above
            elif entry.is_dir(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                directories[path] = (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
                _walk(root, path, directories, links)


def _accounts(root: Path, path: str) -> list[tuple[str, list[str]]]:
    """Name and the fields after the password, of each line that has them."""
    place = root / path
    if place.is_symlink() or not place.is_file():
        return []
    return accounts(place.read_text(encoding="utf-8", errors="replace"))


def accounts(text: str) -> list[tuple[str, list[str]]]:
    """Name and the fields after the password, of each line of ``/etc/passwd`` or ``/etc/group`` that has them."""
    lines = (line.split(":") for line in text.splitlines())
    return [(fields[0], fields[2:]) for fields in lines if len(fields) > 2 and fields[2].isdigit()]  # noqa: PLR2004 - the file's format


def _python(root: Path) -> str:
    interpreter = root / "usr" / "bin" / "python3"
    if not interpreter.is_symlink():
        return ""
    match = re.search(r"python(3\.\d+)$", str(interpreter.readlink()))
    return match[1] if match else ""
