"""A change rehearsed: who is started and taken out in which order, when, and by which rule each waits until then."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from repave.model.names import InstanceId, SlotId, ZoneName
from repave.model.observation import Observation
from repave.model.plan import Admit, Drain, Launch, Phase, Plan, Rule, StandBy
from repave.model.policy import FleetPolicy
from repave.model.target import Target
from repave.operations.rehearsing.durations import Durations
from repave.operations.rehearsing.stage import Stage
from repave.planner.explain import Explanation, explain
from repave.planner.fleet import plan
from repave.ports.progress import Task

MOST_ROUNDS = 5000
"""A rollout takes a few rounds per batch; more means that the planner does not converge, and the rehearsal says so."""

LONGEST_PAUSE = timedelta(days=1)
"""What waits longer is said not to get there by itself."""

UNDER_WAY = frozenset({Rule.STARTING, Rule.DRAINING})
"""What takes its time, and waits by no rule of the policy's."""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """One instance of a batch."""

    slot: SlotId
    zone: ZoneName
    reason: str
    instance: InstanceId | None = None
    """As its provider names it; None for one that is yet to start."""


@dataclass(frozen=True, kw_only=True)
class Wait:
    """A time in which nothing is done, and the one rule that holds what comes next."""

    rule: Rule
    subjects: tuple[str, ...]
    """Slots, or the fleet."""

    detail: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What is started and taken out of service at one time."""

    at_seconds: float
    """From the beginning."""

    launches: tuple[Placed, ...] = ()
    """New instances."""

    retires: tuple[Placed, ...] = ()
    """Those that are drained and ended."""

    admits: tuple[Placed, ...] = ()
    """Those that were ready and get requests now."""

    stand_bys: tuple[Placed, ...] = ()
    """Those that get no requests any more, and are kept ready for them."""

    waited: tuple[Wait, ...] = ()
    """For what, since the batch before."""

    @property
    def moves_anything(self) -> bool:
        """Whether anything is started, or any request goes elsewhere."""
        return bool(self.launches or self.retires or self.admits or self.stand_bys)


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """How a change would go if nothing failed."""

    batches: tuple[Batch, ...]
    peak: int
    """Most instances alive at once."""

    least_serving: int
    """Fewest serving at once, from the first step to the last."""

    seconds: float
    """Until it is done, or until nothing more would happen by itself."""

    waits: tuple[Wait, ...]
    """By what the seconds are spent, a rule once."""

    finished: bool
    """False when it would not end by itself: paused, stopped, or held for longer than a day."""

    unfinished: str
    """Why it would not end; empty when it would."""

    held: tuple[Explanation, ...]
    """What would still wait, each by its one rule; empty when it would end."""

    @property
    def pauses_seconds(self) -> float:
        """For how long nothing happens in between because a rule says so."""
        return sum(wait.seconds for wait in self.waits if wait.rule not in UNDER_WAY)


def rehearse(
    policy: FleetPolicy, target: Target, seen: Observation, now: datetime, durations: Durations, task: Task
) -> Rehearsal:
    """Carry out plan after plan in imagination, until one has nothing left to do; the size stays as it is aimed at.

    ``task`` advances by one for each instance that is taken out of service.
    """
    policy = replace(policy, scale=None)
    stage = Stage(target, seen, now, durations)
    began, least = stage.now, stage.serving
    batches: list[Batch] = []
    waits: list[Wait] = []
    before = 0  # so many waits precede the batch before
    last = plan(policy, stage.target, stage.observation(), stage.now)
    for _ in range(MOST_ROUNDS):
        if _is_done(last):
            break
        batch = _batch(last, stage, began)
        changed = stage.perform(last)
        least = min(least, stage.serving)
        task.advance(len(batch.retires))
        if batch.moves_anything:
            batches.append(replace(batch, waited=_merged(waits[before:])))
            before = len(waits)
        if not changed:
            wait = _wait(last, stage)
            if wait is None:
                break
            waits.append(wait)
            stage.wait(stage.now + timedelta(seconds=wait.seconds))
            least = min(least, stage.serving)
        last = plan(policy, stage.target, stage.observation(), stage.now)
    arrived = _is_done(last) and stage.target.revision == target.revision
    return Rehearsal(
        batches=tuple(batches),
        peak=stage.peak,
        least_serving=least,
        seconds=(stage.now - began).total_seconds(),
        waits=_merged(sorted(waits, key=lambda wait: wait.rule)),
        finished=arrived,
        unfinished="" if arrived else last.summary,
        held=() if arrived else explain(last),
    )


def _is_done(planned: Plan) -> bool:
    return planned.phase is Phase.CONVERGED or not (planned.steps or planned.holds or planned.changes)


def _batch(planned: Plan, stage: Stage, began: datetime) -> Batch:
    def placed(step: Drain | Admit | StandBy) -> Placed:
        instance = None if stage.is_imagined(step.instance) else step.instance
        return Placed(slot=step.slot, zone=stage.zone_of(step.slot), reason=step.reason, instance=instance)

    return Batch(
        at_seconds=(stage.now - began).total_seconds(),
        launches=tuple(
            Placed(slot=step.slot, zone=step.zone, reason=step.reason)
            for step in planned.steps
            if isinstance(step, Launch)
        ),
        retires=tuple(placed(step) for step in planned.steps if isinstance(step, Drain)),
        admits=tuple(placed(step) for step in planned.steps if isinstance(step, Admit)),
        stand_bys=tuple(placed(step) for step in planned.steps if isinstance(step, StandBy)),
    )


def _wait(planned: Plan, stage: Stage) -> Wait | None:
    """Until something happens by itself, or the plan says to look again; None when nothing ever would."""
    change = stage.next_change()
    wakes = planned.wake_at if planned.wake_at and planned.wake_at > stage.now else None
    if change is not None and (wakes is None or change.at <= wakes):
        words = "a start" if change.rule is Rule.STARTING else "open requests end, and it goes"
        return _until(change.at, stage, change.rule, change.slots, words)
    if wakes is None or wakes > stage.now + LONGEST_PAUSE:
        return None
    ending = [hold for hold in planned.holds if hold.until == wakes] or list(planned.holds)
    if not ending:
        return None
    first = ending[0]
    subjects = tuple(hold.subject for hold in ending if hold.rule is first.rule)
    return _until(wakes, stage, first.rule, subjects, first.detail)


def _until(at: datetime, stage: Stage, rule: Rule, subjects: tuple[str, ...], detail: str) -> Wait:
    return Wait(rule=rule, subjects=subjects, detail=detail, seconds=(at - stage.now).total_seconds())


def _merged(waits: Iterable[Wait]) -> tuple[Wait, ...]:
    """Those that follow one another by the same rule as one, in the words of the last."""
    merged: list[Wait] = []
    for wait in waits:
        if merged and merged[-1].rule is wait.rule:
            known = merged.pop()
            subjects = tuple(dict.fromkeys((*known.subjects, *wait.subjects)))
            merged.append(replace(wait, subjects=subjects, seconds=known.seconds + wait.seconds))
        else:
            merged.append(wait)
    return tuple(merged)
