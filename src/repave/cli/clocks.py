"""Exposure clocks as people are told of them."""

from collections.abc import Sequence
from datetime import datetime

from repave.cli.phrases import counted, lasting
from repave.cli.screen import Screen
from repave.operations.clocks import ClockState, ExposureClock

HEADINGS = ("FLAW", "FLEET", "SEVERITY", "STATE", "PUBLISHED", "FIXABLE", "LOCKED", "FIRST CLEAN", "LAST CLEAN", "DUE")


def show_clocks(clocks: Sequence[ExposureClock], now: datetime, screen: Screen) -> None:
    """A row each, and how many are open."""
    screen.show()
    if not clocks:
        screen.say("no flaw is known of what runs or ran; `repave scan` looks for them")
        return
    screen.table(HEADINGS, [_row(clock, now) for clock in clocks])
    states = [clock.state for clock in clocks]
    still = sum(clock.last_clean_at is None for clock in clocks)
    screen.say(
        f"{counted(still, 'flaw')} open: {states.count(ClockState.OVERDUE)} overdue, "
        f"{states.count(ClockState.AT_RISK)} at risk"
    )


def _row(clock: ExposureClock, now: datetime) -> tuple[object, ...]:
    for_so_long = f", {lasting(clock.seconds)} on {counted(clock.living, 'instance')}"
    return (
        clock.advisory,
        f"{clock.environment}/{clock.fleet}",
        clock.severity,
        clock.state,
        _day(clock.published_at),
        _day(clock.fixable_at),
        _day(clock.locked_at),
        _day(clock.first_clean_at),
        f"open{for_so_long}" if clock.last_clean_at is None else _day(clock.last_clean_at),
        _due(clock, now),
    )


def _due(clock: ExposureClock, now: datetime) -> str:
    if clock.due_at is None or clock.last_clean_at is not None:
        return _day(clock.due_at)
    seconds = (clock.due_at - now).total_seconds()
    return f"in {lasting(seconds)}" if seconds > 0 else f"{lasting(-seconds)} ago"


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "-"
