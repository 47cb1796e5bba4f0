"""How likely flaws are to be exploited soon (FIRST's EPSS): a table of all CVEs, as it is published each day."""

import re
import zlib
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from repave.advisories.documents import LARGEST_DOCUMENT_BYTES
from repave.advisories.knowledge import Knowledge
from repave.model.finding import Finding, SourceStatus
from repave.model.lock import Lock
from repave.ports.errors import Corrupt

GZIP = b"\x1f\x8b"
GZIP_WINDOW = 31
"""For zlib: a gzip header, the largest window."""

FIRST_LINE = re.compile(r"#.*\bscore_date:([0-9T:Z+-]+).*")
HEADINGS = b"cve,epss,percentile"
FIRST_ROW = 3
"""Its line, after what the table is and what its columns are."""

SCORE = rb"(?:1(?:\.0++)?|0(?:\.[0-9]++)?|[0-9](?:\.[0-9]++)?e-[0-9]++)"
ROWS = re.compile(rb"(?:CVE-[0-9]{4}-[0-9]{4,19}+,%b,%b\r?\n)*+" % (SCORE, SCORE))
"""Checked in one step: a line at a time takes a second for what is published."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The probability of each CVE's exploitation within 30 days, 0.0 to 1.0."""

    as_of: datetime
    rows: bytes
    """One line for each CVE: of 300,000, few are ever asked for."""

    def of(self, cves: AbstractSet[str]) -> dict[str, float]:
        """The scores of those CVEs that have one."""
        wanted = {cve.encode(): cve for cve in cves}
        found = {}
        for row in self.rows.splitlines() if wanted else ():
            cve, _, scores = row.partition(b",")
            if cve in wanted:
                found[wanted[cve]] = float(scores.partition(b",")[0])
        return found


def read_epss(content: bytes) -> Scores:
    """The table that ``content`` is, CSV or that compressed by gzip. Raises Corrupt when it is not all there."""
    text = _unpacked(content) if content.startswith(GZIP) else content
    about, _, rest = text.partition(b"\n")
    headings, _, rows = rest.partition(b"\n")
    dated = FIRST_LINE.fullmatch(about.decode(errors="replace").rstrip("\r"))
    if dated is None or headings.rstrip(b"\r") != HEADINGS:
        raise Corrupt("it is no table of EPSS: it begins with no line of `score_date:`, then `cve,epss,percentile`")
    try:
        as_of = datetime.fromisoformat(dated[1])
    except ValueError as wrong:
        raise Corrupt(f"it is no table of EPSS: `{dated[1]}` is no date") from wrong
    if as_of.tzinfo is None:
        raise Corrupt(f"it is no table of EPSS: `{dated[1]}` names no time zone")
    right = ROWS.match(rows)
    end = right.end() if right else 0
    if not rows or end != len(rows):
        line = FIRST_ROW + rows.count(b"\n", 0, end)
        raise Corrupt(f"it is no whole table of EPSS: line {line} is no CVE with its score and percentile")
    return Scores(as_of=as_of, rows=rows)


def _unpacked(content: bytes) -> bytes:
    unpacking = zlib.decompressobj(GZIP_WINDOW)
    try:
        text = unpacking.decompress(content, LARGEST_DOCUMENT_BYTES)
    except zlib.error as damaged:
        raise Corrupt(f"it cannot be unpacked: {damaged}") from damaged
    if unpacking.unconsumed_tail:
        raise Corrupt(f"unpacked it is larger than {LARGEST_DOCUMENT_BYTES} bytes")
    if not unpacking.eof:
        raise Corrupt("it cannot be unpacked: its end is missing")
    return text


class Exploitation:
    """Gives each finding its probability."""

    def __init__(self, scores: Knowledge[Scores]) -> None:
        self._scores = scores

    def decorate(
        self, findings: tuple[Finding, ...], lock: Lock, *, whole: bool
    ) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        """Of several CVEs the likeliest counts; a CVE without a score has none. See ``Decoration``."""
        del lock, whole
        said, status = self._scores.read()
        scores = said.of({cve for one in findings for cve in one.cves}) if said else {}
        return tuple(
            replace(one, exploitation=max((scores[cve] for cve in one.cves if cve in scores), default=None))
            for one in findings
        ), (status,)
