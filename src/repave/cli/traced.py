"""What is told of one instance: what it is made of, what is wrong with that, and who let it in."""

from datetime import datetime

from repave.cli.codes import OK, UNKNOWN
from repave.cli.phrases import counted, listed
from repave.cli.screen import Screen
from repave.cli.severities import severity
from repave.operations.instances import Trace, Traced


def show_trace(name: str, trace: Trace, screen: Screen, at: datetime | None) -> int:
    """All instances of that name, at that time where there is one, and the exit code."""
    screen.answer(
        {
            "subject": name,
            "kind": "instance",
            "at": at,
            "instances": trace.instances,
            "sources": trace.sources,
            "unjudged": trace.unjudged,
        }
    )
    for one in trace.instances:
        _show(one, screen)
    if not trace.instances:
        screen.say(f"{name} did not run then")
    for source in trace.unknown:
        screen.warn(f"{source.name} cannot be relied on: {source.problem}")
    for sentence in trace.unjudged:
        screen.warn(sentence)
    return UNKNOWN if trace.unknown or trace.unjudged else OK


def _show(one: Traced, screen: Screen) -> None:
    life = one.instance
    until = f"to {life.gone_at:%Y-%m-%d %H:%M}" if life.gone_at else "and lives"
    screen.show(
        f"{life.instance} ({life.slot}) of {life.environment}/{life.fleet}, zone {life.zone}: "
        f"seen from {life.first_seen:%Y-%m-%d %H:%M} {until}"
    )
    if one.artifact is None:
        screen.show("  no record explains what it runs")
        return
    screen.show(f"  runs image {one.image} of {life.release}, {one.artifact}")
    screen.show(f"  holds {counted(len(one.packages), 'package')}: {listed(one.packages)}")
    for finding in one.findings:
        screen.show(f"  {listed(finding.cves) or finding.advisory} in {finding.package}, {severity(finding)}")
    if not one.findings:
        screen.show("  no finding is known")
    for event in one.decided:
        who = f" by {event.by}" if event.by else ""
        screen.show(f"  {event.at:%Y-%m-%d %H:%M} {event.kind}{who}: {event.message or f'event {event.number}'}")
