"""Debian changelogs: which CVEs the entries between two versions name."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

CVE = re.compile(r"\bCVE-\d{4}-\d{4,19}\b", re.IGNORECASE)
HEADER = re.compile(r"^[a-z0-9][a-z0-9+.-]* \(([^()\s]+)\)[^;\n]*;", re.IGNORECASE)

CUT = re.compile(r"^# (?:Older entries have been removed|For older changelog entries)", re.MULTILINE)
"""How debhelper and Ubuntu's builders say that they left the oldest entries out."""

Newer = Callable[[str, str], bool]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What one version changed."""

    version: str
    text: str


def entries(changelog: str) -> Iterator[Entry]:
    """The entries of a changelog in their order (deb-changelog(5)); what stands before the first is left out."""
    version, lines = "", list[str]()
    for line in changelog.splitlines():
        if match := HEADER.match(line):
            if version:
                yield Entry(version=version, text="\n".join(lines))
            version, lines = match[1], []
        else:
            lines.append(line)
    if version:
        yield Entry(version=version, text="\n".join(lines))


def repaired(changelog: str, *, after: str, up_to: str, newer: Newer) -> tuple[str, ...]:
    """The CVEs that entries newer than ``after``, and no newer than ``up_to``, name; sorted by year and number.

    ``newer(one, other)`` is the distribution's own order.
    """
    found: set[str] = set()
    for entry in entries(changelog):
        if newer(entry.version, after) and not newer(entry.version, up_to):
            found |= {name.upper() for name in CVE.findall(entry.text)}
    return tuple(sorted(found, key=_by_year_and_number))


def reaches(changelog: str, version: str, newer: Newer) -> bool:
    """Whether the changelog tells all that came after ``version``: it is whole, or its oldest entry is no newer."""
    return CUT.search(changelog) is None or any(not newer(entry.version, version) for entry in entries(changelog))


def _by_year_and_number(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split("-")[1:])
