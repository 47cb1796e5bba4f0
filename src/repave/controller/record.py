"""The story of a fleet: what was seen, decided and done, in words a person reads later."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from repave.model.event import Event
from repave.model.names import FleetKey, InstanceId, ReleaseNumber
from repave.model.observation import Observation, TrafficState
from repave.model.outcome import Outcome, Result
from repave.model.plan import Admit, Drain, Launch, Phase, Plan, StandBy, Step, Terminate
from repave.model.target import Target
from repave.planner.explain import dated
from repave.ports.history import Lifetime
from repave.ports.store import Store

REPEATED = timedelta(seconds=1)
"""What was seen or planned again unchanged is written so often: a fleet that waits is looked at many times a second."""


WORDS = {
    "launch": "launch {slot} in {zone}",
    "attach": "attach {slot}",
    "admit": "let {slot} in",
    "stand-by": "have {slot} stand by",
    "drain": "drain {slot}",
    "detach": "detach {slot}",
    "terminate": "end {slot}",
}
"""What a step does, by its kind."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was kept of the last look."""

    at: datetime
    substance: object
    """As ``_substance`` has it."""


class Storyteller:
    """Writes events, and nothing twice that has just been told: a step that is given again is no news."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._told: dict[FleetKey, dict[tuple[str, str], str]] = {}
        """The last message of each kind about each slot."""

        self._living: dict[FleetKey, set[str]] = {}
        """The slots of those that live, as far as was seen."""

        self._seen: dict[FleetKey, Seen] = {}
        self._planned: dict[FleetKey, Plan] = {}

    def saw(self, observation: Observation, target: Target) -> None:
        """Keep the observation, with who serves for the first time, who is gone, and what could not be seen."""
        last = self._seen.get(observation.fleet)
        seen = Seen(at=observation.at, substance=_substance(observation))
        if last is not None and last.substance == seen.substance:  # nobody came or went: there is nothing to tell
            if abs(seen.at - last.at) >= REPEATED:
                self._seen[observation.fleet] = seen
                self._store.see(observation, target.orders)
            return
        self._seen[observation.fleet] = seen
        known = {lifetime.instance: lifetime for lifetime in self._store.lifetimes(observation.fleet, living=True)}
        self._store.see(observation, target.orders)
        listed = {str(instance.slot) for instance in observation.machines.instances}
        unlisted = {str(lifetime.slot) for lifetime in known.values()} if observation.machines.incomplete else set()
        self._living[observation.fleet] = listed | unlisted
        self._tell(
            observation.fleet,
            [*self._unseen(observation), *_arrivals(observation, known), *self._losses(observation, known)],
        )

    def decided(self, plan: Plan, target: Target) -> None:
        """Keep the plan, with the failures, heals, stop and way back that were committed by it."""
        last = self._planned.get(plan.fleet)
        repeated = last is not None and abs(plan.at - last.at) < REPEATED and _gist(plan) == _gist(last)
        if repeated and not plan.changes:
            return
        self._planned[plan.fleet] = plan
        before = self._store.last_plan(plan.fleet)
        self._store.keep_plan(dated(plan, before))
        converged = plan.phase is Phase.CONVERGED and (before is None or before.phase is not Phase.CONVERGED)
        self._tell(
            plan.fleet, [*_fulfilled(plan), *_judgements(plan, target), *(_converged(plan) if converged else ())]
        )
        self._forget(plan, target)

    def did(self, outcomes: Iterable[Outcome], target: Target) -> None:
        """What came of the steps."""
        ordered = {str(order.slot) for order in target.orders}
        self._tell(target.fleet, _deeds(target.fleet, outcomes, ordered))

    def _unseen(self, observation: Observation) -> Iterator[Event]:
        reason = observation.machines.incomplete or observation.traffic.incomplete
        fleet, at = observation.fleet, observation.at
        if reason:
            yield Event(at=at, fleet=fleet, kind="unseen", message=reason)
        elif self._of(fleet).pop(("", "unseen"), None) is not None:
            yield Event(at=at, fleet=fleet, kind="seen", message="everything can be seen again")

    def _losses(self, observation: Observation, known: dict[InstanceId, Lifetime]) -> Iterator[Event]:
        if observation.machines.incomplete:
            return
        listed = {instance.id for instance in observation.machines.instances}
        for instance, lifetime in known.items():
            ended = (lifetime.slot, "terminate") in self._of(observation.fleet)
            if instance not in listed and not ended:
                yield Event(
                    at=observation.at,
                    fleet=observation.fleet,
                    kind="gone",
                    slot=lifetime.slot,
                    message=f"{lifetime.slot} ({instance}) is gone; repave had not ended it just now",
                )

    def _tell(self, fleet: FleetKey, events: Iterable[Event]) -> None:
        told, news = self._of(fleet), []
        for event in events:
            subject = (event.slot, event.kind)
            if told.get(subject) != event.message:
                told[subject] = event.message
                news.append(event)
        self._store.record(news)

    def _forget(self, plan: Plan, target: Target) -> None:
        """What was told of slots that nobody speaks of any more; a converged fleet may converge anew."""
        subjects = {str(step.slot) for step in plan.steps} | {str(order.slot) for order in target.orders}
        subjects |= self._living.get(plan.fleet, set())
        told = self._of(plan.fleet)
        for slot, kind in list(told):
            if (slot and slot not in subjects) or (kind == "converged" and plan.phase is not Phase.CONVERGED):
                del told[slot, kind]

    def _of(self, fleet: FleetKey) -> dict[tuple[str, str], str]:
        return self._told.setdefault(fleet, {})


def _substance(observation: Observation) -> object:
    """What an observation says, but for its times and how many requests are open."""
    machines, traffic = observation.machines, observation.traffic
    states = tuple((backend.instance, backend.state) for backend in traffic.backends)
    return machines.instances, machines.incomplete, states, traffic.endpoint, traffic.incomplete


def _gist(plan: Plan) -> object:
    """What a plan without steps says, but for its times."""
    holds = tuple((hold.subject, hold.rule, hold.detail) for hold in plan.holds)
    return plan.parent, plan.phase, plan.summary, holds, tuple((draw.slot, draw.granted) for draw in plan.draws)


def _arrivals(observation: Observation, known: dict[InstanceId, Lifetime]) -> Iterator[Event]:
    serving = {b.instance for b in observation.traffic.backends if b.state is TrafficState.SERVING}
    for instance in observation.machines.instances:
        lifetime = known.get(instance.id)
        if instance.id in serving and (lifetime is None or lifetime.served_from is None):
            seconds = (observation.traffic.at - instance.started_at).total_seconds()
            yield Event(
                at=observation.at,
                fleet=observation.fleet,
                kind="serving",
                slot=instance.slot,
                message=f"{instance.slot} in {instance.zone} serves r{instance.release} after {seconds:.1f} s",
            )


def _judgements(plan: Plan, target: Target) -> Iterator[Event]:
    def event(kind: str, message: str, slot: str = "") -> Event:
        return Event(at=plan.at, fleet=plan.fleet, kind=kind, message=message, slot=slot)

    for failure in plan.failures:
        detail = f": {failure.detail}" if failure.detail else ""
        yield event("failure", f"{failure.slot} in {failure.zone} failed ({failure.kind}){detail}", failure.slot)
    for heal in plan.heals:
        yield event("heal", f"{heal.slot} is replaced", heal.slot)
    if plan.healing == "stops":
        yield event("healing", "healing stops: so many fell sick at once that the alarm may be false")
    elif plan.healing:
        yield event("healing", "healing goes on")
    if plan.retarget is not None:
        back = f"{_way_back(target, plan.retarget.release)}: {plan.retarget.reason}"
        yield replace(event("rollback", back), details={"release": target.release})
    elif plan.stop:
        ended = event("stop", f"no more of r{target.release}: {plan.stop}")
        yield replace(ended, details={"release": target.release})
    if plan.resize is not None:
        yield event("resize", f"{plan.resize.size} are wanted instead of {target.size}: {plan.resize.reason}")
    if plan.canary is not None and plan.canary.step > target.canary.step:
        yield event("canary", f"step {plan.canary.step} is passed, judged by {plan.canary.said}")
    if plan.switch:
        yield event("switch", f"all requests go over to r{target.release}")
    if plan.proven is not None:
        yield event("proven", f"{_who_is_proven(plan, target)} the whole fleet in good health")


def _way_back(target: Target, release: ReleaseNumber) -> str:
    """One release with other settings of the file is another revision, and may be what failed."""
    if release == target.release:
        return f"back to r{release} as it was set up before"
    return f"back from r{target.release} to r{release}"


def _who_is_proven(plan: Plan, target: Target) -> str:
    return f"r{target.release} carries" if plan.proven == target.revision else "what is to be replaced now carried"


def _fulfilled(plan: Plan) -> Iterator[Event]:
    """What a person asked for, and is over or done."""
    if plan.resumes:
        yield Event(at=plan.at, fleet=plan.fleet, kind="resume", message="the pause is over by its time")
    for slot in plan.replaced:
        message = f"{slot} is gone, whose replacement a person asked for"
        yield Event(at=plan.at, fleet=plan.fleet, kind="replace", slot=slot, message=message)


def _converged(plan: Plan) -> Iterator[Event]:
    yield Event(at=plan.at, fleet=plan.fleet, kind="converged", message=plan.summary)


def _deeds(fleet: FleetKey, outcomes: Iterable[Outcome], ordered: set[str]) -> Iterator[Event]:
    for outcome in outcomes:
        step = outcome.step
        if outcome.result is Result.DONE:
            again = isinstance(step, Launch) and step.slot in ordered
            if not again and isinstance(step, Launch | Admit | StandBy | Drain | Terminate):
                yield _event(fleet, outcome, step.kind, f"{_words(step)}: {step.reason}")
        elif outcome.result is not Result.STALE:
            message = f"{_words(step)} did not work ({outcome.result}): {outcome.detail}"
            closed = outcome.result in {Result.REFUSED, Result.NO_CAPACITY} and isinstance(step, Launch)
            yield _event(fleet, outcome, "failure" if closed else "trouble", message)


def _event(fleet: FleetKey, outcome: Outcome, kind: str, message: str) -> Event:
    return Event(at=outcome.at, fleet=fleet, kind=kind, slot=outcome.step.slot, message=message)


def _words(step: Step) -> str:
    return WORDS[step.kind].format(slot=step.slot, zone=step.zone if isinstance(step, Launch) else "")
