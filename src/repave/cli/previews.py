"""How a change is told before it is made: who is replaced in which order, how long it takes, and by what it waits."""

from collections.abc import Iterator
from datetime import datetime

from repave.cli.dates import ages_told
from repave.cli.phrases import ago, counted, elsewhere_words, lasting, listed, stranger_words
from repave.cli.screen import Screen
from repave.model.plan import Rule
from repave.operations.preview import FleetPreview
from repave.operations.rehearsing.durations import Took
from repave.operations.rehearsing.rehearsal import UNDER_WAY, Batch, Placed, Wait
from repave.planner.explain import REMEDIES

MOST_BATCHES = 20
"""A large fleet takes a hundred, one like the other."""


def show(fleet: FleetPreview, now: datetime, screen: Screen) -> None:
    """For people: one fleet."""
    where = f"{fleet.environment}/{fleet.fleet}"
    for change in fleet.changes:
        screen.show(f"~ {where} {change.what}: {change.old or 'nothing'} -> {change.new or 'nothing'}")
    if fleet.sizes:
        screen.show(f"{where}: {counted(fleet.size, 'instance')}, moved within {fleet.sizes} by its `scale`")
    if fleet.ages:
        screen.show(f"{where}: {ages_told(fleet.ages, now)}")
    if fleet.unknown:
        screen.warn(f"{where}: {stranger_words(fleet.unknown)}")
    if fleet.elsewhere:
        screen.warn(f"{where}: {elsewhere_words(fleet.elsewhere)}")
        screen.hint(f"`repave replace {fleet.environment} SLOT` moves one now")
    if fleet.unseen:
        screen.warn(f"{where} was not seen completely {ago(fleet.seen_at, now)}: {fleet.unseen}")
    if fleet.nothing_to_do:
        screen.show(f"{where}: nothing to do")
    else:
        screen.show(
            f"{where}: {counted(fleet.replaces, 'instance')} replaced, at most {fleet.extra} extra, "
            f"never fewer than {fleet.rehearsal.least_serving} serving"
        )
        _show_turn(fleet, screen)
        _show_batches(fleet.rehearsal.batches, screen)
    _show_time(fleet, screen)
    if not fleet.rehearsal.finished:
        screen.warn(f"{where} would not get there by itself: {fleet.rehearsal.unfinished}")
        for wait in fleet.rehearsal.held:
            screen.warn(f"  {wait.subject} waits by rule {wait.rule}: {wait.sentence}")


def _show_turn(fleet: FleetPreview, screen: Screen) -> None:
    if fleet.after:
        first = listed(fleet.after, most=10)
        when = (
            "which never happens by itself" if fleet.begins_seconds is None else f"in {lasting(fleet.begins_seconds)}"
        )
        screen.show(f"  starts once {fleet.release} is carried by {first}, {when}")


def _show_batches(batches: tuple[Batch, ...], screen: Screen) -> None:
    for number, batch in enumerate(batches[:MOST_BATCHES], start=1):
        waited = "".join(f", after {lasting(wait.seconds)} by {_rule(wait)}" for wait in batch.waited)
        screen.show(f"  {number}. +{lasting(batch.at_seconds)}: {'; '.join(_deeds(batch))}{waited}")
    if len(batches) > MOST_BATCHES:
        screen.show(f"  ... and {counted(len(batches) - MOST_BATCHES, 'batch', 'batches')} more; --json lists all")


def _deeds(batch: Batch) -> Iterator[str]:
    if batch.launches:
        yield f"start {_named(batch.launches)}"
    if batch.admits:
        yield f"switch all requests to {_named(batch.admits)}"
    if batch.stand_bys:
        yield f"keep {_named(batch.stand_bys)} ready"
    if batch.retires:
        yield f"drain and end {_named(batch.retires)}"


def _named(placed: tuple[Placed, ...]) -> str:
    return listed([f"{one.slot} ({one.zone})" for one in placed], most=10)


def _rule(wait: Wait) -> str:
    subjects = listed(wait.subjects, most=3)
    match wait.rule:
        case Rule.STARTING:
            return f"the start of {subjects}"
        case Rule.DRAINING:
            return f"the leaving of {subjects}"
    return f"rule {wait.rule} ({subjects}: {wait.detail})"


def _show_time(fleet: FleetPreview, screen: Screen) -> None:
    if fleet.seconds:
        screen.show(f"  {'at most' if fleet.at_most else 'about'} {lasting(fleet.seconds)} in all, if nothing fails")
    spent = {wait.rule: wait for wait in fleet.rehearsal.waits}
    if Rule.STARTING in spent:
        screen.show(f"    a start takes {_took(fleet.durations.start, 'the grace of its `health`')}")
    if Rule.DRAINING in spent:
        screen.show(f"    leaving takes {_took(fleet.durations.leave, 'its `drain`')}")
    for wait in fleet.rehearsal.waits:
        if wait.rule not in UNDER_WAY:
            screen.show(f"    {lasting(wait.seconds)} of it is waited by rule {wait.rule}: {wait.detail}")
            if wait.rule in REMEDIES:
                screen.show(f"      what can be done: {REMEDIES[wait.rule]}")


def _took(took: Took, limit: str) -> str:
    if took.measured:
        return f"{took.seconds:.1f} s here, the median of {took.measured}"
    return f"at most {lasting(took.seconds)}, {limit}: none was measured here yet"
