"""A crash loop waits, and the moment that is told for its next try is the true one."""

from datetime import timedelta

from any_worlds import FLEET, NOW, RELEASE, REVISIONS, ZONES
from chooser import Chooser, choosers
from hypothesis import given
from hypothesis import strategies as st

from repave.model.names import SlotId
from repave.model.policy import FleetPolicy
from repave.model.target import Failure, FailureKind, Target
from repave.planner.failures import LONGEST_BACKOFF_SECONDS, backoff

WANTED = REVISIONS[0]
POLICY = FleetPolicy(fleet=FLEET, zones=ZONES)
MOMENT = timedelta(microseconds=1)
AGES = (*range(91), *range(520, 621))
"""Those of now, and those that will soon be forgotten."""

KINDS = (FailureKind.RELAPSED, FailureKind.RELAPSED, FailureKind.REFUSED, FailureKind.ZONE_LOST)
MOST_CRASHES = 12


def target_of(size: int) -> Target:
    """So many are wanted."""
    return Target(
        fleet=FLEET,
        generation=5,
        revision=WANTED,
        release=RELEASE[WANTED],
        size=size,
        since=NOW - timedelta(hours=2),
        next_slot=90,
    )


def failure(number: int, kind: FailureKind, seconds: int) -> Failure:
    """One that failed so long ago."""
    at = NOW - timedelta(seconds=seconds)
    return Failure(slot=SlotId(f"web-{number}"), revision=WANTED, zone=ZONES[0], kind=kind, at=at)


def crashes() -> st.SearchStrategy[list[Failure]]:
    """Some that failed lately, and some long ago."""
    return choosers(1 + 2 * MOST_CRASHES).map(crashes_of)


def crashes_of(chooser: Chooser) -> list[Failure]:
    """The crashes of these choices."""
    numbers = range(chooser.of(range(3, MOST_CRASHES + 1)))
    return [failure(number, chooser.of(KINDS), chooser.of(AGES)) for number in numbers]


@given(crashes(), st.integers(0, 4))
def test_never_a_try_before_the_moment_that_is_told_nor_a_wait_after_it(failed: list[Failure], size: int) -> None:
    """Failures that are forgotten meanwhile make the wait shorter, and that is foreseen."""
    target = target_of(size)
    until = backoff(POLICY, target, failed, NOW)
    if until is None:
        return
    assert backoff(POLICY, target, failed, until - MOMENT) == until
    assert backoff(POLICY, target, failed, until) is None
    assert until - NOW <= timedelta(seconds=LONGEST_BACKOFF_SECONDS)


@given(crashes(), st.integers(1, 4))
def test_never_a_wait_for_the_loss_of_a_zone_nor_of_the_whole_fleet_once(failed: list[Failure], size: int) -> None:
    """What is replaced no oftener than that is an accident, not a loop."""
    single = [one for one in failed if one.kind is FailureKind.RELAPSED][:size]
    lost = [one for one in failed if one.kind is FailureKind.ZONE_LOST]
    assert backoff(POLICY, target_of(size), [*single, *lost], NOW) is None


def test_what_is_forgotten_meanwhile_ends_the_wait() -> None:
    """Five crashes of a fleet of two make it wait four seconds; one of them is forgotten after one second: two."""
    recent = [failure(number, FailureKind.RELAPSED, 0) for number in range(4)]
    old = [failure(9, FailureKind.RELAPSED, 599)]
    assert backoff(POLICY, target_of(2), [*recent, *old], NOW) == NOW + timedelta(seconds=2)
    assert backoff(POLICY, target_of(2), recent[:3], NOW) == NOW + timedelta(seconds=1)
