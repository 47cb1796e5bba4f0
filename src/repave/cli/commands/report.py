"""``repave report``."""

from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from repave.cli.codes import FAILED, OK, UNKNOWN
from repave.cli.misuse import Misused
from repave.cli.moments import past_moment
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.parameters import Option
from repave.cli.phrases import counted
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.controller.collecting import uncollected
from repave.wiring import Wiring

if TYPE_CHECKING:
    from repave.operations.reporting.audit import Audit
    from repave.operations.reporting.facts import Manual

YEAR = timedelta(days=365)


class Ending(StrEnum):
    """What a file's ending asks for."""

    HTML = ".html"
    PDF = ".pdf"
    JSON = ".json"
    CSV = ".csv"


From = Annotated[str | None, Option("--from", help="The first day [default: a year before --to].", metavar="TIME")]
To = Annotated[str | None, Option("--to", help="The day after the last [default: now].", metavar="TIME")]
Environments = Annotated[
    list[str] | None,
    Option("--environment", help="Only this one; may be given again [default: all].", metavar="NAME"),
]
Outputs = Annotated[
    list[Path] | None,
    Option("--output", help="Write .html, .pdf, .json or .csv there; may be given again.", metavar="FILE"),
]
Minutes = Annotated[
    int | None,
    Option("--manual-minutes-per-server", help="So long patching one by hand takes.", min=1, metavar="N"),
]
People = Annotated[int, Option("--people", help="So many people that takes at a time.", min=1, metavar="N")]


@example(
    "repave report --from 2026-01-01 --to 2027-01-01 --environment prod --output 2026.html",
    "repave report --environment prod --output prod.pdf --output servers.csv",
    "repave report --manual-minutes-per-server 45 --people 2 --output report.html",
    "repave report --json | jq '.rules[] | {title, verdict}'",
)
def report(
    *,
    since: From = None,
    until: To = None,
    environment: Environments = None,
    output: Outputs = None,
    minutes: Minutes = None,
    people: People = 1,
    as_json: Json = False,
    file: File = None,
) -> int:
    """Write down for an auditor what ran, how old it became, which flaws it had, and which rules it kept.

    It is made from what was observed to run, and reads the store only: `repave scan` and `repave deploy` look, this
    does not. Servers that no record explains stand first; what cannot be shown is never counted as held. Ends with 0
    when every rule was held, 1 when one was broken, 3 when one cannot be shown.
    """
    screen = Screen(as_json=as_json)
    outputs = [(path, _ending(path)) for path in output or ()]
    with opened(file) as wiring:
        audit = _audited(
            wiring, screen, _span(since, until, wiring.clock.now()), environment or [], _manual(minutes, people)
        )
        for path, ending in outputs:
            with screen.progress() as progress, progress.task(f"Writing {path.name}"), uncollected():
                _write(wiring, audit, path, ending)
    if as_json:
        from repave.cli.formats.audit.documents import json_pieces  # noqa: PLC0415 - needed for this alone

        screen.pour(json_pieces(audit))
    _show(audit, screen)
    for path, ending in outputs:
        screen.say(f"{path} has {'every server' if ending is Ending.CSV else 'the report'}")
    if not outputs:
        screen.hint("`--output report.html` writes the whole report; .pdf, .json and .csv are known too")
    verdicts = {str(rule.verdict) for rule in audit.rules}
    return FAILED if "broken" in verdicts else UNKNOWN if "not shown" in verdicts else OK


def _ending(path: Path) -> Ending:
    known = ", ".join(Ending)
    try:
        return Ending(path.suffix.lower())
    except ValueError:
        raise Misused(f"--output {path}: its ending says what to write, expected one of {known}") from None


def _span(since: str | None, until: str | None, now: datetime) -> tuple[datetime, datetime]:
    end = now if until is None else past_moment("--to", until, now)
    begin = _a_year_before(end) if since is None else past_moment("--from", since, now)
    if begin >= end:
        raise Misused(f"--from {begin:%Y-%m-%dT%H:%MZ} is not before --to {end:%Y-%m-%dT%H:%MZ}")
    return begin, end


def _a_year_before(end: datetime) -> datetime:
    try:
        return end - YEAR
    except OverflowError:
        raise Misused(
            f"--to {end:%Y-%m-%dT%H:%MZ} has no year before it", hint="`--from` says where the time begins"
        ) from None


def _manual(minutes: int | None, people: int) -> "Manual | None":
    if minutes is None:
        if people != 1:
            raise Misused(
                "--people says how many patch a server by hand, and nothing says how long that takes",
                hint="`--manual-minutes-per-server 45`, for one",
            )
        return None
    from repave.operations.reporting.facts import Manual  # noqa: PLC0415 - needed for this alone

    return Manual(minutes_per_server=minutes, people=people)


def _audited(
    wiring: Wiring, screen: Screen, span: tuple[datetime, datetime], names: list[str], manual: "Manual | None"
) -> "Audit":
    from repave.operations.reporting.audit import audited  # noqa: PLC0415 - no other verb needs it
    from repave.operations.reporting.gathering import Span, environments_named  # noqa: PLC0415 - the same

    environments = environments_named(wiring.project, wiring.store, names)
    asked = Span(since=span[0], until=span[1], environments=environments)
    with screen.progress() as progress, uncollected():
        return audited(wiring.reporting.facts(asked, wiring.clock.now(), manual, progress))


def _write(wiring: Wiring, audit: "Audit", path: Path, ending: Ending) -> None:
    from importlib.metadata import version  # noqa: PLC0415 - only a document says which version made it

    from repave.cli.formats.audit.documents import csv_pieces, json_pieces  # noqa: PLC0415 - the library takes 50 ms
    from repave.cli.formats.audit.page import page  # noqa: PLC0415 - the same
    from repave.cli.formats.report import write  # noqa: PLC0415 - the same

    match ending:
        case Ending.JSON:
            write(json_pieces(audit), path)
        case Ending.CSV:
            write(csv_pieces(audit), path)
        case Ending.HTML:
            write(page(audit, version("repave")), path)
        case Ending.PDF:
            write(wiring.printer.print(page(audit, version("repave"))), path)


def _show(audit: "Audit", screen: Screen) -> None:
    for one in audit.strangers:
        screen.warn(f"no record explains {one.environment}/{one.slot} ({one.instance}), first seen {one.first_seen:%F}")
    screen.table(("VERDICT", "RULE", "WHY"), [(rule.verdict, rule.title, rule.said) for rule in audit.rules])
    for words in audit.unseen:
        screen.say(words)
    waivers = counted(len(audit.waivers), "waiver")
    screen.say(
        f"{', '.join(audit.environments)}, {audit.since:%Y-%m-%d} to {audit.until:%Y-%m-%d}: "
        f"{counted(len(audit.servers), 'server')} observed, {audit.replaced} replaced, {waivers}"
    )
