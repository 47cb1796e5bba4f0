"""When a fleet is looked at again."""

from datetime import datetime

from repave.controller.tick import Tick
from repave.model.outcome import Result
from repave.model.plan import Launch, Rule

ACTED_SECONDS = 0.001
"""After a change that worked: the next often waits for nothing but it, as an idle instance's end for its drain."""

MOVING_SECONDS = 0.03
"""While something starts, drains or moves: a step waits no longer than this for the world to be ready for it. A look
costs some milliseconds."""

STUMBLING_SECONDS = 0.5
"""While someone does not answer, or a step did not work: soon again, without pressing them."""

FOLLOWING_SECONDS = 0.5
"""While another acts: only its record is read."""

RESTING_SECONDS = 1.0
"""While nothing moves: a crash is noticed within this time."""

MOVING = frozenset({Rule.STARTING, Rule.DRAINING})


def seconds_to_next(tick: Tick, before: Tick | None, now: datetime) -> float:
    """How long nothing need be done after ``tick``, which followed ``before``; a plan may say to wake sooner."""
    seconds = _seconds(tick, before)
    if tick.plan is None or tick.plan.wake_at is None:
        return seconds
    until_wake = (tick.plan.wake_at - now).total_seconds()
    return min(seconds, max(MOVING_SECONDS, until_wake))


def _seconds(tick: Tick, before: Tick | None) -> float:
    if tick.leader:
        return FOLLOWING_SECONDS
    if tick.plan is None or tick.overtaken:
        return MOVING_SECONDS
    rules = {hold.rule for hold in tick.plan.holds}
    if Rule.UNSEEN in rules or any(outcome.result is not Result.DONE for outcome in tick.outcomes):
        return STUMBLING_SECONDS
    if tick.plan.changes and _is_news(tick, before):
        return ACTED_SECONDS
    return MOVING_SECONDS if tick.plan.changes or rules & MOVING else RESTING_SECONDS


def _is_news(tick: Tick, before: Tick | None) -> bool:
    """Whether anything was changed that had not been before: what is asked again must not be asked in a busy loop."""
    known = {order.slot for order in tick.target.orders}
    asked = {(outcome.step.kind, outcome.step.slot) for outcome in before.outcomes} if before else set()
    steps = [outcome.step for outcome in tick.outcomes]
    new = [step for step in steps if (step.kind, step.slot) not in asked]
    return not steps or any(not (isinstance(step, Launch) and step.slot in known) for step in new)
