"""When the work on a fleet has come to an end, and what is said of it."""

from dataclasses import dataclass
from datetime import datetime

from repave.controller.tick import Tick
from repave.model.names import FleetKey, ReleaseNumber
from repave.model.observation import MachineState, Observation, TrafficState
from repave.model.plan import Hold, Phase, Rule
from repave.model.target import Target
from repave.ports.store import Store

UNDER_WAY = frozenset({Rule.STARTING, Rule.DRAINING, Rule.UNSEEN})
"""A stopped fleet has come to rest once nothing waits by these."""


@dataclass(frozen=True, kw_only=True)
class Convergence:
    """What became of one fleet."""

    fleet: FleetKey
    phase: Phase | None
    """None when not even a plan could be made."""

    asked: ReleaseNumber
    release: ReleaseNumber
    """What is wanted now: another than asked after a rollback."""

    reached: bool
    """Whether what was asked, and nothing else, was seen serving after the last step."""

    rolled_back: bool
    overtaken: bool
    """Whether somebody asked for something else meanwhile: what was asked came to no end of its own."""

    timed_out: bool
    reason: str
    """Why it did not end as asked; empty when it did."""

    holds: tuple[Hold, ...]
    """What still waits, and by which rule."""

    size: int
    serving: int
    endpoint: str
    seconds: float


def has_ended(tick: Tick, since: datetime) -> bool:
    """Whether nothing is left to do: by an observation newer than ``since``, and a plan that changes nothing."""
    plan, observation, target = tick.plan, tick.observation, tick.target
    if plan is None or observation is None or tick.overtaken:
        return False
    if plan.changes or plan.parent != target.generation or observation.at < since or plan.at < since:
        return False
    if any(hold.rule is Rule.CHECKPOINT for hold in plan.holds):
        return True
    if plan.phase is Phase.CONVERGED:
        return carries_the_fleet(target, observation)
    if plan.phase is Phase.STOPPED:
        return not any(hold.rule in UNDER_WAY for hold in plan.holds)
    return plan.phase is Phase.PAUSED


def carries_the_fleet(target: Target, observation: Observation) -> bool:
    """Whether exactly the wanted number of the wanted revision serves, and nothing else is there.

    The plan says so too; success is told only when what was seen says it by itself.
    """
    if observation.machines.incomplete or observation.traffic.incomplete:
        return False
    instances = observation.machines.instances
    current = {
        instance.id
        for instance in instances
        if instance.revision == target.revision and instance.state is not MachineState.STOPPED
    }
    attached = {backend.instance for backend in observation.traffic.backends}
    return len(instances) == target.size and current == attached == serving(observation)


def serving(observation: Observation) -> set[str]:
    """The instances that get requests by the balancer's own view."""
    return {backend.instance for backend in observation.traffic.backends if backend.state is TrafficState.SERVING}


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What was asked of one fleet, and when we began."""

    asked: Target
    began: datetime


def conclude(store: Store, attempt: Attempt, tick: Tick | None, now: datetime) -> Convergence:
    """What became of it, by the latest tick; ``None`` when nothing is wanted of the fleet any more."""
    asked = attempt.asked
    target = asked if tick is None else tick.target
    plan = None if tick is None else tick.plan
    observation = None if tick is None else tick.observation
    ended = tick is None or has_ended(tick, attempt.began)
    converged = ended and plan is not None and plan.phase is Phase.CONVERGED
    changed = target.revision != asked.revision
    rolled_back = changed and bool(_told(store, attempt, "rollback"))
    return Convergence(
        fleet=asked.fleet,
        phase=None if plan is None else plan.phase,
        asked=asked.release,
        release=target.release,
        reached=converged and not changed,
        rolled_back=rolled_back,
        overtaken=tick is None or (changed and not rolled_back),
        timed_out=not ended,
        reason=_reason(store, attempt, tick, converged=converged, ended=ended),
        holds=() if plan is None else plan.holds,
        size=target.size,
        serving=0 if observation is None else len(serving(observation)),
        endpoint="" if observation is None else observation.traffic.endpoint,
        seconds=(now - attempt.began).total_seconds(),
    )


def _reason(store: Store, attempt: Attempt, tick: Tick | None, *, converged: bool, ended: bool) -> str:
    if tick is None:
        return "the fleet was destroyed meanwhile"
    if tick.target.revision != attempt.asked.revision:
        back = _told(store, attempt, "rollback")
        return back or _anothers_word(attempt.asked.release, tick.target.release)
    if converged:
        return ""
    if tick.target.stopped:
        return tick.target.stopped
    if ended:
        return "the fleet is paused" if tick.target.paused else _others_word(tick) or _summary(tick)
    return f"not finished in time: {_waiting(tick) or 'something changes with every look'}"


def _anothers_word(asked: ReleaseNumber, wanted: ReleaseNumber) -> str:
    if asked == wanted:
        return f"r{wanted} was asked for meanwhile with other settings"
    return f"r{wanted} was asked for meanwhile; r{asked} is not rolled out any more"


def _others_word(tick: Tick) -> str:
    """For which fleet or person it waits; empty when for none."""
    holds = () if tick.plan is None else tick.plan.holds
    return next((hold.detail for hold in holds if hold.rule in {Rule.AFTER, Rule.CHECKPOINT}), "")


def _summary(tick: Tick) -> str:
    return "" if tick.plan is None else tick.plan.summary


def _waiting(tick: Tick) -> str:
    """The first few holds: `repave explain` shows all."""
    holds = () if tick.plan is None else tick.plan.holds[:3]
    return "; ".join(f"{hold.subject} waits ({hold.rule}): {hold.detail}" for hold in holds)


def _told(store: Store, attempt: Attempt, kind: str) -> str:
    """The last such event since we began, whoever acted; read only when something else is wanted than was asked."""
    message = ""
    after = 0
    while page := store.events(attempt.asked.fleet, after=after):
        since = [event for event in page if event.kind == kind and event.at >= attempt.began]
        message = since[-1].message if since else message
        after = page[-1].sequence
    return message
