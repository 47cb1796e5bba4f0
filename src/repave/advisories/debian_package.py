"""Reading one document out of a Debian package without unpacking it: a stream with limits, no file written."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from repave.archives.compression import Compression, unpacked
from repave.archives.entries import Entry, Kind
from repave.archives.packages import opened_package
from repave.archives.rules import GIB, MIB, ROOT_FILESYSTEM
from repave.ports.errors import Corrupt

CHUNK_BYTES = 1 * MIB

CHANGELOG_LIMIT_BYTES = 64 * MIB
"""The longest changelogs in Debian have some MiB."""

RULES = replace(ROOT_FILESYSTEM, total_bytes=32 * GIB)
"""Nothing but changelogs is read of it, and nothing written."""

DOCUMENT = re.compile(r"usr/share/doc/([^/]+)(?:/(changelog(?:\.Debian)?\.gz))?")
LINKED = re.compile(r"(?:\.\./|/usr/share/doc/)?([a-z0-9][a-z0-9+.-]*)(?:/changelog[^/]*)?")


@dataclass(frozen=True, kw_only=True)
class Documents:
    """What a package says of its own changes."""

    changelog: str = ""
    """Empty when it carries none."""

    elsewhere: str = ""
    """The package whose documents it points to; empty when it carries its own."""


def documents(package: Path, name: str) -> Documents:
    """The Debian changelog in ``package``. Raises Corrupt, Invalid (a compression that is not known)."""
    native = ""
    words = f"the package {package.name} ({name})"
    try:
        with opened_package(package, "data", name=words, rules=RULES) as entries:
            for entry in entries:
                match = DOCUMENT.fullmatch(entry.name)
                if match is None or match[1] != name:
                    continue
                if entry.kind is Kind.SYMLINK and (link := LINKED.fullmatch(entry.link)) and link[1] != name:
                    return Documents(elsewhere=link[1])
                if entry.kind is Kind.FILE and match[2] == "changelog.Debian.gz":
                    return Documents(changelog=_text(entry, words))
                if entry.kind is Kind.FILE and match[2] == "changelog.gz":
                    native = _text(entry, words)  # of the distribution's own packages; else upstream's
    except OSError as broken:
        raise Corrupt(f"{words} cannot be read: {broken.strerror}") from broken
    return Documents(changelog=native)


def _text(entry: Entry, words: str) -> str:
    limit = replace(RULES, total_bytes=CHANGELOG_LIMIT_BYTES)
    plain = unpacked(entry.content, Compression.GZIP, name=f"{entry.name} of {words}", rules=limit)
    return b"".join(iter(lambda: plain.read(CHUNK_BYTES), b"")).decode("utf-8", errors="replace")
