"""The names that git gives to contents, computed anew from an archive: what came is what the commit says, or not.

Source: gitformat-pack(5) and git's own documentation of its objects ("Git Internals - Git Objects").
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha1
from pathlib import Path

from repave.archives.entries import Entry, Kind
from repave.archives.rules import GIB, Links, Rules
from repave.archives.tars import opened_tar

CHUNK_BYTES = 1 << 20
FOLDER, FILE, PROGRAM, LINK, SUBMODULE = "40000", "100644", "100755", "120000", "160000"
"""Modes of a tree's entries, as they are written in it."""

RULES = Rules(
    entries=1_000_000, name_bytes=4095, file_bytes=4 * GIB, total_bytes=16 * GIB, links=Links.ANYWHERE, any_name=True
)
"""Of an archive of our own git: all that a repository may hold. What becomes of it in an image has rules of its own."""


@dataclass(frozen=True, kw_only=True)
class _Folder:
    """The entries of one folder: mode and name of the content, by name."""

    entries: dict[bytes, tuple[str, bytes]] = field(default_factory=dict)
    folders: dict[bytes, "_Folder"] = field(default_factory=dict)

    def below(self, parts: list[bytes]) -> "_Folder":
        """The folder at a path, made when it is not there yet."""
        folder = self
        for part in parts:
            folder = folder.folders.setdefault(part, _Folder())
        return folder

    def name(self) -> bytes:
        """What git calls the tree."""
        folders = {name: (FOLDER, folder.name()) for name, folder in self.folders.items()}
        # Folders sort as if their names ended with a slash.
        order = sorted(self.entries | folders, key=lambda name: name + b"/" if name in folders else name)
        entries = self.entries | folders
        content = b"".join(entries[name][0].encode() + b" " + name + b"\0" + entries[name][1] for name in order)
        return _named("tree", content)


def object_name(kind: str, content: bytes) -> str:
    """What git calls an object of these bytes."""
    return _named(kind, content).hex()


def tree_name(archive: Path, *, path: str, submodules: Mapping[bytes, str]) -> str:
    """What git would call the tree whose files an archive of ``git archive`` holds below ``path``.

    ``submodules`` are the commits of other repositories, by path below ``path``: an archive has empty folders for them.
    """
    root = _Folder()
    prefix = len(path.split("/")) if path else 0
    with opened_tar(archive, name=f"the archive {archive.name}", rules=RULES) as entries:
        for entry in entries:
            parts = entry.name.encode("utf-8", "surrogateescape").split(b"/")[prefix:]
            if parts and entry.kind is not Kind.FOLDER:
                root.below(parts[:-1]).entries[parts[-1]] = _content(entry)
    for place, commit in submodules.items():
        parts = place.split(b"/")
        root.below(parts[:-1]).entries[parts[-1]] = (SUBMODULE, bytes.fromhex(commit))
    return root.name().hex()


def _content(entry: Entry) -> tuple[str, bytes]:
    if entry.kind is Kind.SYMLINK:
        return LINK, _named("blob", entry.link.encode("utf-8", "surrogateescape"))
    hashed = sha1(b"blob %d\0" % entry.size_bytes, usedforsecurity=False)
    while chunk := entry.content.read(CHUNK_BYTES):
        hashed.update(chunk)
    return PROGRAM if entry.mode & 0o100 else FILE, hashed.digest()


def _named(kind: str, content: bytes) -> bytes:
    return sha1(f"{kind} {len(content)}\0".encode() + content, usedforsecurity=False).digest()
