"""One entry of an archive, and what is looked at in all of them: names, kinds, sizes, what stands twice."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from repave.archives.errors import BadArchive, shown
from repave.archives.rules import Links, Rules, Special

COMPONENT_BYTES = 255
"""NAME_MAX of Linux's filesystems."""

SHORT_CHARACTERS = COMPONENT_BYTES // 4
"""So few have no more bytes than that."""

SET_ID_BITS = 0o6000
HIGHEST_OWNER = 2**32 - 2
"""One more means "leave it" to chown(2)."""

CHUNK_BYTES = 64 * 1024
HIGHEST_TIME = 2**34
"""Seconds since 1970 that every filesystem of Linux can keep (ext4: until 2446)."""


class Kind(Enum):
    """What an entry is."""

    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symbolic link"
    HARDLINK = "hard link"
    SPECIAL = "device or pipe"


class Readable(Protocol):
    """A stream as far as it is needed here."""

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One checked entry."""

    name: str
    """From the archive's root, without a slash at either end; empty for the root itself."""

    kind: Kind
    size_bytes: int
    mode: int
    user: int
    group: int
    time: float
    """Seconds since 1970."""

    link: str
    """Where a symbolic link leads, as it stands; the name of the entry that a hard link means."""

    content: Readable
    """Of a file; to be read before the next entry is asked for."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The folders on the way, and the name in the last of them."""
        return tuple(self.name.split("/")) if self.name else ()

    def whole(self) -> bytes:
        """All of a file, which is known to be small; before the next entry is asked for."""
        return b"".join(iter(lambda: self.content.read(CHUNK_BYTES), b""))


class Checker:
    """Looks at every entry of one archive, in order."""

    def __init__(self, archive: str, rules: Rules) -> None:
        self._archive = archive
        self._rules = rules
        self._count = 0
        self._total = 0
        self._folders: dict[str, bool] = {}
        """Every name so far, and whether it is a folder; folders that no entry stands for too."""

    def bad(self, cause: str, *, member: str = "") -> BadArchive:
        """The error to raise."""
        return BadArchive(self._archive, cause, member=member)

    def count(self) -> None:
        """One more entry."""
        self._count += 1
        if self._count > self._rules.entries:
            raise self.bad(f"holds more than {self._rules.entries} entries")

    def name(self, raw: str, *, of: str = "") -> str:
        """The name from the archive's root; raises BadArchive for one that leads elsewhere or nobody needs.

        ``of`` is the member whose hard link it is, if it is one.
        """
        member = of or raw
        if raw.startswith("/") and not self._rules.rooted:
            raise self.bad("links to a place outside" if of else "has an absolute name", member=member)
        self._characters(raw, member)
        parts = [part for part in raw.split("/") if part not in {"", "."}]
        if ".." in parts:
            raise self.bad("links to a place outside" if of else "points outside", member=member)
        if len(parts) > self._rules.depth:
            raise self.bad(f"lies more than {self._rules.depth} folders deep", member=member)
        if len(raw) > SHORT_CHARACTERS and any(_bytes(part) > COMPONENT_BYTES for part in parts):
            raise self.bad(f"has a name of more than {COMPONENT_BYTES} bytes", member=member)
        return "/".join(parts)

    def size(self, size: int, raw: str) -> None:
        """The size of a file, as the archive says it."""
        if size < 0:
            raise self.bad("has a size below nothing", member=raw)
        if size > self._rules.file_bytes:
            raise self.bad(f"has {size} bytes; a file may have {self._rules.file_bytes}", member=raw)
        self._total += size
        if self._total > self._rules.total_bytes:
            raise self.bad(f"unpacks to more than {self._rules.total_bytes} bytes, at its member {shown(raw)}")

    def link(self, name: str, target: str, raw: str) -> None:
        """Where a symbolic link leads."""
        if self._rules.links is Links.REFUSED:
            raise self.bad("is a symbolic link, which has no place here", member=raw)
        if not target:
            raise self.bad("links to nothing", member=raw)
        self._characters(target, raw)
        if self._rules.links is Links.ANYWHERE:
            return
        # Only leading dots: what comes after a name could be the parent of wherever another link leads.
        steps = [part for part in target.split("/") if part not in {"", "."}]
        upwards = next((place for place, part in enumerate(steps) if part != ".."), len(steps))
        if target.startswith("/") or ".." in steps[upwards:] or upwards > name.count("/"):
            raise self.bad("links to a place outside", member=raw)

    def hard_link(self, target: str, raw: str) -> str:
        """The name of an earlier entry that is no folder."""
        name = self.name(target, of=raw)
        known = self._folders.get(name)
        if known is not False:
            why = "a folder" if known or not name else "what is missing"
            raise self.bad(f"is a hard link to {why}: {shown(target)}", member=raw)
        return name

    def special(self, raw: str) -> None:
        """A device or pipe."""
        if self._rules.special is Special.REFUSED:
            raise self.bad("is a device or pipe, which has no place here", member=raw)

    def rights(self, mode: int, raw: str) -> None:
        """A file's or folder's mode."""
        if mode & SET_ID_BITS and not self._rules.set_id:
            raise self.bad("is to run as another user or group (set-uid, set-gid), which has no place here", member=raw)

    def owner(self, user: int, group: int, time: float, raw: str) -> None:
        """Numbers that the system must be able to take."""
        if not (0 <= user <= HIGHEST_OWNER and 0 <= group <= HIGHEST_OWNER):
            raise self.bad("has an owner that no system knows", member=raw)
        if not -HIGHEST_TIME < time < HIGHEST_TIME:
            raise self.bad("has a time that no filesystem keeps", member=raw)

    def place(self, name: str, kind: Kind, raw: str) -> None:
        """Where it stands: once, and below folders only. Of two, readers take one or the other; here it is neither."""
        folders = self._folders
        known = folders.get(name)
        again = (known is True and kind is Kind.FOLDER) or (
            known is False and kind is Kind.FILE and self._rules.repeated
        )
        if known is not None and not again:
            raise self.bad("stands in it twice" if not known else "is a folder and something else too", member=raw)
        folders[name] = kind is Kind.FOLDER
        parent, slash, _ = name.rpartition("/")
        while slash and (known := folders.get(parent)) is not True:
            if known is False:
                raise self.bad(f"goes through {shown(parent)}, which is no folder", member=raw)
            folders[parent] = True
            parent, slash, _ = parent.rpartition("/")

    def _characters(self, text: str, raw: str) -> None:
        length = _bytes(text)
        if length > self._rules.name_bytes:
            raise self.bad(f"has a name of {length} bytes; {self._rules.name_bytes} are allowed", member=raw)
        if "\0" in text:
            raise self.bad("has a NUL in its name", member=raw)
        if not self._rules.any_name and not text.isprintable():
            raise self.bad("has control or invisible characters, or bytes that are no UTF-8, in its name", member=raw)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="surrogateescape"))
