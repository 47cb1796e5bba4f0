"""Faults of calls, of the store, and of the controllers themselves."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from repave.simulation.chaos.trouble import Trouble
from repave.simulation.world import Fault

Cause = TypeVar("Cause")

FARTHEST_STEP = 40
"""A crash or a race is put on one of so many steps ahead: a roll-out of 60 has hundreds."""

FARTHEST_SKEW_SECONDS = 300.0


def crash(trouble: Trouble) -> None:
    """At some step ahead."""
    trouble.steps_to["crash"] = trouble.stage.world.chance.randint(1, FARTHEST_STEP)


def rival(trouble: Trouble) -> None:
    """At some step ahead."""
    trouble.steps_to["rival"] = trouble.stage.world.chance.randint(1, FARTHEST_STEP)


def clock(trouble: Trouble) -> Callable[[], None]:
    """Forward or back, and later right again."""
    world = trouble.stage.world
    world.stir()
    world.skew = timedelta(seconds=world.chance.uniform(-FARTHEST_SKEW_SECONDS, FARTHEST_SKEW_SECONDS))
    trouble.tell("clock", f"clocks are off by {world.skew.total_seconds():+.0f} s")

    def right() -> None:
        world.stir()
        world.skew = timedelta(0)

    return right


def hang(trouble: Trouble) -> Callable[[], None]:
    """For a while."""
    return _while(trouble, trouble.calls, Fault.HUNG)


def throttle(trouble: Trouble) -> Callable[[], None]:
    """For a while."""
    return _while(trouble, trouble.calls, Fault.THROTTLED)


def fail(trouble: Trouble) -> Callable[[], None]:
    """For a while."""
    return _while(trouble, trouble.calls, Fault.UNREACHABLE)


def time_out(trouble: Trouble) -> Callable[[], None]:
    """For a while."""
    return _while(trouble, trouble.calls, Fault.TIMED_OUT)


def commit_fails(trouble: Trouble) -> Callable[[], None]:
    """For a while."""
    return _while(trouble, trouble.commits, Fault.UNREACHABLE)


def commit_conflict(trouble: Trouble) -> Callable[[], None]:
    """For a while."""
    return _while(trouble, trouble.commits, Fault.OVERTAKEN)


def commit_lost(trouble: Trouble) -> Callable[[], None]:
    """For a while."""
    return _while(trouble, trouble.commits, Fault.TIMED_OUT)


def silent_provider(trouble: Trouble) -> Callable[[], None]:
    """For a while."""
    return _while(trouble, trouble.silent, "provider")


def silent_balancer(trouble: Trouble) -> Callable[[], None]:
    """For a while."""
    return _while(trouble, trouble.silent, "balancer")


def partial(trouble: Trouble) -> Callable[[], None]:
    """For a while; of several at once, the last to end ends it."""
    world = trouble.stage.world
    undo = _while(trouble, trouble.silent, "half the provider")
    world.partial = "a page of the list is missing"

    def whole() -> None:
        undo()
        world.partial = world.partial if trouble.silent["half the provider"] else ""

    return whole


def partial_traffic(trouble: Trouble) -> Callable[[], None]:
    """For a while; of several at once, the last to end ends it."""
    world = trouble.stage.world
    undo = _while(trouble, trouble.silent, "half the balancer")
    world.partial_traffic = "one of its processes did not answer"

    def whole() -> None:
        undo()
        world.partial_traffic = world.partial_traffic if trouble.silent["half the balancer"] else ""

    return whole


def silent_metrics(trouble: Trouble) -> Callable[[], None]:
    """For a while; of several at once, the last to end ends it."""
    world = trouble.stage.world
    undo = _while(trouble, trouble.silent, "the metrics")
    world.unmeasured = "the monitoring system is down"

    def heard() -> None:
        undo()
        world.unmeasured = world.unmeasured if trouble.silent["the metrics"] else ""

    return heard


def _while(trouble: Trouble, causes: Counter[Cause], cause: Cause) -> Callable[[], None]:
    """One cause more, until it is undone."""
    world = trouble.stage.world
    world.stir()
    causes[cause] += 1

    def undo() -> None:
        world.stir()
        causes[cause] -= 1

    return undo
