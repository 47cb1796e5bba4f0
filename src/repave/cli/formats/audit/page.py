"""The report as one page that needs nothing from elsewhere: looked at in a browser, or printed on A4."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from repave.cli.formats.audit.pictures import AGE_COLOURS, AGE_NAMES, GRAVE_COLOURS, pictures
from repave.model.finding import Severity
from repave.operations.reporting.audit import Audit
from repave.operations.reporting.exposures import DAY_SECONDS, ExposedFlaw
from repave.operations.reporting.judging import Clause, Verdict
from repave.operations.reporting.known import Flaws
from repave.operations.reporting.servers import Server

MOST_ROWS = 6000
"""Servers that are listed one by one: more make a page that no browser likes, and no person reads."""

MOST_CASES = 12
"""Cases of one rule that the page lists; the JSON document has all."""

MARKS: Mapping[Verdict, str] = {Verdict.HELD: "✓", Verdict.UNKNOWN: "?", Verdict.BROKEN: "✗"}
HEADLINES: Mapping[Verdict, str] = {
    Verdict.HELD: "Every rule was held.",
    Verdict.UNKNOWN: "No rule was broken; not all can be shown.",
    Verdict.BROKEN: "Not every rule was held.",
}


@dataclass(frozen=True, kw_only=True)
class Annex:
    """The servers that the page lists."""

    listed: Sequence[Server]
    left_out: int


def page(audit: Audit, version: str) -> str:
    """The whole page."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "day": _day,
        "moment": _moment,
        "days": _days,
        "short": _short,
        "grave": _grave,
        "number": _number,
        "prose": _prose,
        "standards": _standards,
    }
    grave = [one for one in audit.flaws if one.severity.counted in {Severity.CRITICAL, Severity.HIGH}]
    return environment.get_template("page.html.j2").render(
        audit=audit,
        version=version,
        marks=MARKS,
        headline=HEADLINES[audit.verdict],
        pictures=pictures(audit),
        ages=list(zip(AGE_NAMES, AGE_COLOURS, strict=True)),
        colours=GRAVE_COLOURS,
        grave=grave,
        others=len(audit.flaws) - len(grave),
        facts=_facts(audit, grave),
        annex=_annex(audit),
        most_cases=MOST_CASES,
    )


def _facts(audit: Audit, grave: Sequence[ExposedFlaw]) -> tuple[tuple[str, str], ...]:
    """What is said beside the rules, in figures."""
    oldest = max((one.age_at_most_seconds for one in audit.servers), default=0.0)
    open_now = sum(one.ended_at is None for one in grave)
    return (
        (_number(len(audit.servers)), "servers observed"),
        (_number(sum(fleet.at_end for fleet in audit.fleets)), "of them at the end"),
        (_number(audit.replaced), "replaced"),
        (str(len({one.artifact for one in audit.ran if one.artifact is not None})), "artifacts ran"),
        (_days(oldest), "the oldest became"),
        (str(open_now), "critical or high flaws open at the end"),
    )


def _annex(audit: Audit) -> Annex:
    """All servers; of very many, those that no record explains."""
    if len(audit.servers) <= MOST_ROWS:
        return Annex(listed=audit.servers, left_out=0)
    kept = [one for one in audit.servers if not one.explained][:MOST_ROWS]
    return Annex(listed=kept, left_out=len(audit.servers) - len(kept))


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "-"


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "-"


def _days(seconds: float) -> str:
    return f"{seconds / DAY_SECONDS:.1f} d"


def _number(amount: float) -> str:
    """``12 345`` with a space that no line ends at."""
    return f"{amount:,}".replace(",", "\N{NO-BREAK SPACE}")


def _short(digest: str | None) -> str:
    """Twelve digits, by which people find it in the list of artifacts."""
    return digest.removeprefix("sha256:")[:12] if digest else "not known"


def _prose(text: str) -> Markup:
    """What stands between backticks is code, as in a terminal; all of it is escaped."""
    parts = (
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(text.split("`"))
    )
    return Markup("").join(parts)


def _standards(clauses: Sequence[Clause]) -> Mapping[str, str]:
    """The numbers of each standard in one line."""
    return {
        standard: ", ".join(clause.number for clause in found)
        for standard, found in groupby(clauses, key=lambda clause: clause.standard)
    }


def _grave(flaws: Flaws) -> str:
    """``2 critical, 5 high, 12 other``."""
    counts = [len(flaws.published[severity]) for severity in (Severity.CRITICAL, Severity.HIGH)]
    named = zip((*counts, len(flaws) - sum(counts)), ("critical", "high", "other"), strict=True)
    return ", ".join(f"{count} {name}" for count, name in named if count) or "none known"
