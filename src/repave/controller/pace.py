"""When a fleet is looked at again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from repave.controller.tick import Tick
from repave.model.observation import Observation, TrafficState
from repave.model.outcome import Result
from repave.model.plan import Launch, Rule

MOVING = frozenset({Rule.STARTING, Rule.DRAINING})

MOVERS = frozenset({TrafficState.CHECKING, TrafficState.DRAINING})

PATIENCE_SHARE = 0.01
"""Of the time that something has taken already: what boots for a minute, or works for an hour before it leaves, is
noticed by so much later, and not looked at thirty times a second meanwhile."""

TOGETHER = timedelta(seconds=0.05)
"""Instances whose checks began within this time are looked at when all can have passed: seen one by one, each would
be made room for alone, which takes longer."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast a controller works, as its composition says: how much at once, and how long between two looks.

    A look that is said to come late may come earlier: when the plan says to wake, or when ``rest`` ends sooner.
    """

    parallel: int = 16
    """Calls to one provider at the same time: enough to fill a batch, few enough not to be throttled for."""

    acted_seconds: float = 0.001
    """After a change that worked: the next often waits for nothing but it, as an idle instance's end for its drain."""

    again_seconds: float = 0.03
    """After a step that was given again, a lost race, and at the least before a wake-up: never a busy loop."""

    moving_seconds: float = 0.03
    """While something drains, or starts and can have passed its checks: a step waits no longer than this for the world
    to be ready for it. A look costs some milliseconds."""

    stumbling_seconds: float = 0.5
    """After a step that did not work: soon again, without pressing anyone."""

    blind_seconds: float = 0.5
    """While not everything could be seen, and nothing was given."""

    following_seconds: float = 0.5
    """While another acts: only its record is read."""

    resting_seconds: float = 1.0
    """While nothing moves: a crash is noticed within this time."""

    rest: Callable[[float], None] | None = None
    """Waits so many seconds at the most, and less when it knows of something that has changed; None: the clock."""


def seconds_to_next(pace: Pace, tick: Tick | None, before: Tick | None, now: datetime) -> float:
    """How long nothing need be done after ``tick``, which followed ``before``; a plan may say to wake sooner.

    None instead of a tick: nothing is wanted of the fleet any more.
    """
    if tick is None:
        return pace.resting_seconds
    seconds = _seconds(pace, tick, before, now)
    if tick.plan is None or tick.plan.wake_at is None:
        return seconds
    until_wake = (tick.plan.wake_at - now).total_seconds()
    return min(seconds, max(pace.again_seconds, until_wake))


def _seconds(pace: Pace, tick: Tick, before: Tick | None, now: datetime) -> float:
    if tick.leader:
        return pace.following_seconds
    if tick.plan is None or tick.overtaken:
        return pace.again_seconds
    if any(outcome.result is not Result.DONE for outcome in tick.outcomes):
        return pace.stumbling_seconds
    rules = {hold.rule for hold in tick.plan.holds}
    if Rule.UNSEEN in rules:
        return pace.stumbling_seconds if tick.plan.changes else pace.blind_seconds
    if tick.plan.changes:
        return pace.acted_seconds if _is_news(tick, before) else pace.again_seconds
    return (
        _watching(pace, tick.observation, now, draining=Rule.DRAINING in rules)
        if rules & MOVING
        else pace.resting_seconds
    )


def _watching(pace: Pace, observation: Observation | None, now: datetime, *, draining: bool) -> float:
    """Until what moves may have come to its end; who has been waited for long is not looked for all the time."""
    passed = 0.0 if draining else _until_passed(observation, now)
    patient = max(pace.moving_seconds, PATIENCE_SHARE * _moving_for(observation, now))
    return min(passed or patient, pace.resting_seconds)


def _moving_for(observation: Observation | None, now: datetime) -> float:
    """Seconds since the last of those that move began to."""
    backends = observation.traffic.backends if observation else ()
    last = max((backend.since for backend in backends if backend.state in MOVERS), default=now)
    return (now - last).total_seconds()


def _until_passed(observation: Observation | None, now: datetime) -> float:
    """Seconds until those that the balancer checks can have passed; 0 where one can have by now, or nobody knows."""
    backends = observation.traffic.backends if observation else ()
    moments = [backend.passes_from or now for backend in backends if backend.state is TrafficState.CHECKING]
    first = min(moments, default=now)
    if first <= now:
        return 0.0
    return (max(moment for moment in moments if moment - first <= TOGETHER) - now).total_seconds()


def _is_news(tick: Tick, before: Tick | None) -> bool:
    """Whether anything was changed that had not been before: what is asked again must not be asked in a busy loop."""
    known = {order.slot for order in tick.target.orders}
    asked = {(outcome.step.kind, outcome.step.slot) for outcome in before.outcomes} if before else set()
    steps = [outcome.step for outcome in tick.outcomes]
    new = [step for step in steps if (step.kind, step.slot) not in asked]
    return not steps or any(not (isinstance(step, Launch) and step.slot in known) for step in new)
