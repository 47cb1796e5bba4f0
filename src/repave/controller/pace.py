"""When a fleet is looked at again."""

from datetime import datetime

from repave.controller.tick import Tick
from repave.model.outcome import Result
from repave.model.plan import Launch, Rule

ACTED_SECONDS = 0.01
"""After a step that worked: the next often waits for nothing but it, as an idle instance's end for its drain."""

MOVING_SECONDS = 0.05
"""While something starts, drains or moves: a step waits no longer than this for the world to be ready for it."""

STUMBLING_SECONDS = 0.5
"""While someone does not answer, or a step did not work: soon again, without pressing them."""

FOLLOWING_SECONDS = 0.5
"""While another acts: only its record is read."""

RESTING_SECONDS = 1.0
"""While nothing moves: a crash is noticed within this time."""

MOVING = frozenset({Rule.STARTING, Rule.DRAINING})


def seconds_to_next(tick: Tick, now: datetime) -> float:
    """How long nothing need be done; the plan's own time to wake comes first."""
    seconds = _seconds(tick)
    if tick.plan is None or tick.plan.wake_at is None:
        return seconds
    until_wake = (tick.plan.wake_at - now).total_seconds()
    return min(seconds, max(MOVING_SECONDS, until_wake))


def _seconds(tick: Tick) -> float:
    if tick.leader:
        return FOLLOWING_SECONDS
    if tick.plan is None or tick.overtaken:
        return MOVING_SECONDS
    rules = {hold.rule for hold in tick.plan.holds}
    if Rule.UNSEEN in rules or any(outcome.result is not Result.DONE for outcome in tick.outcomes):
        return STUMBLING_SECONDS
    if _acted(tick):
        return ACTED_SECONDS
    return MOVING_SECONDS if tick.plan.changes or rules & MOVING else RESTING_SECONDS


def _acted(tick: Tick) -> bool:
    """Whether anything was done that had not been asked for before: an order given again is no news."""
    known = {order.slot for order in tick.target.orders}
    return any(not (isinstance(outcome.step, Launch) and outcome.step.slot in known) for outcome in tick.outcomes)
