"""What must hold whatever happens: pure functions of what was done or decided, and of what is truly there.

Each answers what is wrong, in words; nothing when all is well. ``INVARIANTS`` names them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from repave.model.names import FleetKey, InstanceId
from repave.model.observation import MachineState, TrafficState
from repave.model.plan import Drain, Phase, Plan, Rule, StandBy
from repave.model.policy import FleetPolicy
from repave.simulation.life import Decision, Mandate
from repave.simulation.machines import Machine
from repave.simulation.stage import Stage
from repave.simulation.timetable import timetable
from repave.simulation.turns import out_of_turn
from repave.simulation.world import Effect, World

LEAVING = frozenset({TrafficState.DRAINING, TrafficState.DRAINED})


@dataclass(frozen=True, kw_only=True)
class Deed:
    """One call of repave that took effect, the mandate it was given by, and the stage right after it."""

    effect: Effect
    mandate: Mandate | None
    """None: of its generation, nothing was ever committed."""

    stage: Stage
    counted: Mandate | None
    """The newest one that gave the order when all could be seen: others only gave it again. None: not a launch."""

    taken: AbstractSet[InstanceId]
    """All that repave took out while they served, this one included."""

    newest: int
    """The newest generation whose orders took effect before, in the same place."""

    @property
    def world(self) -> World:
        """Where it was done."""
        return self.stage.world

    @property
    def policy(self) -> FleetPolicy:
        """Of the stage's own fleet."""
        return self.stage.policy

    @property
    def fleet(self) -> FleetKey:
        """The stage's own."""
        return self.policy.fleet


def capacity(deed: Deed) -> Iterator[str]:
    """Never fewer serve than wanted by repave's own doing.

    What the controller had seen serving and what the world has taken since is not its doing.
    """
    if not deed.effect.served or deed.mandate is None:
        return
    serving = set(deed.world.pools[deed.fleet].serving())
    lost = deed.mandate.seen - serving - deed.taken
    size = deed.mandate.size
    least = min(size - deed.policy.rollout.unavailable.of(size), len(deed.mandate.seen))
    if len(serving) + len(lost) < least:
        words = f"{len(serving)} serve after {deed.effect.kind} of {deed.effect.machine.slot}"
        yield f"{words}, {len(lost)} were lost since the look, and {least} must"


def crowd(deed: Deed) -> Iterator[str]:
    """Never more alive than the wanted size and the surge, by repave's own doing.

    An order is judged by the mandate that gave it: by the size that was wanted then, and without those that it ends or
    that had been found to be of no use. Those that leave take places of the surge alone.
    """
    if deed.counted is None:
        return
    size = deed.counted.size
    surge = max(1, deed.policy.rollout.surge.of(size))
    if deed.policy.rollout.strategy == "blue-green":  # a whole group beside all that serve
        surge = max(surge, size, len(deed.world.pools[deed.fleet].serving()))
    most = size + surge
    living = deed.world.living(deed.fleet)
    if len(living) <= most:
        return
    now = deed.world.clock.now()
    gone = deed.counted.useless | deed.counted.ends
    alive = [machine for machine in living if machine.id not in gone and not machine.dead(now)]
    if len(alive) - _slow(deed, size, alive) > most:
        yield f"{len(alive)} are alive after the launch of {deed.effect.machine.slot}, and at most {most} may be"


def _slow(deed: Deed, size: int, alive: Iterable[Machine]) -> int:
    """How many of them leave for whom the surge has no place; where groups are switched, each takes its own."""
    pool = deed.world.pools.get(deed.fleet)
    if pool is None or deed.policy.rollout.strategy == "blue-green":
        return 0
    known = (pool.attached.get(machine.id) for machine in alive)
    leaving = sum(one is not None and one.state in LEAVING for one in known)
    return max(0, leaving - deed.policy.rollout.surge.of(size))


def doubles(deed: Deed) -> Iterator[str]:
    """No slot is filled twice."""
    times = deed.world.launches[deed.effect.machine.slot]
    if deed.effect.kind == "launch" and times > 1:
        yield f"{deed.effect.machine.slot} was started {times} times"


def permission(deed: Deed) -> Iterator[str]:
    """Stopped, paused, revoked or unbootable means no launch; and only what is wanted, or a canary's baseline, is.

    A fleet that waits for another is kept as what carried it until then.
    """
    if deed.effect.kind != "launch":
        return
    slot, revision = deed.effect.machine.slot, deed.effect.machine.revision.id
    if deed.mandate is None:
        yield f"{slot} was launched, and nobody had committed it"
        return
    target = deed.mandate.target
    lost = any(proof.revision == revision and not proof.bootable for proof in target.proven)
    revoked = any(one.revision == revision for one in target.revoked)
    good = any(proof.revision == revision for proof in target.proven)
    meanwhile = good and waits_for_its_turn(deed.mandate.plan)
    beside = good and deed.policy.rollout.baseline == "fresh" and slot in target.canary.baseline
    for holds, words in (
        (target.stopped, "the revision was stopped"),
        (target.paused, "the fleet was paused"),
        (lost, "the revision could not be started"),
        (revoked, "the revision was revoked"),
        (revision != target.revision and not beside and not meanwhile, "another revision was wanted"),
    ):
        if holds:
            yield f"{slot} was launched, and {words}"


def strangers(deed: Deed) -> Iterator[str]:
    """Nothing of another fleet is touched."""
    machine, fleet = deed.effect.machine, deed.effect.fleet
    if machine.fleet != fleet:
        yield f"{machine.id} is of {machine.fleet}, and had its {deed.effect.kind} in the name of {fleet}"


def fencing(deed: Deed) -> Iterator[str]:
    """No order of an older generation is accepted."""
    if deed.effect.generation < deed.newest:
        words = f"{deed.effect.kind} of {deed.effect.machine.slot} by generation {deed.effect.generation}"
        yield f"{words} took effect after one of {deed.newest}"


def turns(deed: Deed) -> Iterator[str]:
    """Nothing of a release starts before the fleet that comes first carried it; back they go the other way round."""
    yield from out_of_turn(deed.stage, deed.effect)


@dataclass(frozen=True, kw_only=True)
class Thought:
    """One decision, and the world it was made of."""

    decision: Decision
    world: World
    policy: FleetPolicy


def reasons(thought: Thought) -> Iterator[str]:
    """Whoever is not where it should be is moved by a step or held by a rule; a fleet on its way says why."""
    plan, seen, target = thought.decision.plan, thought.decision.observation, thought.decision.target
    explained = {step.slot for step in plan.steps} | {hold.subject for hold in plan.holds}
    blind = seen.machines.incomplete or seen.traffic.incomplete or target.paused
    serving = {b.instance for b in seen.traffic.backends if b.state is TrafficState.SERVING}
    waits = waits_for_its_turn(plan)
    if not (blind and "fleet" in explained):
        for instance in seen.machines.instances:
            wrong = (instance.revision != target.revision and not waits) or instance.id not in serving
            if (wrong or instance.state is MachineState.STOPPED) and instance.slot not in explained:
                yield f"{instance.slot} waits, and nothing says why"
    if plan.phase is not Phase.CONVERGED and not plan.changes and not plan.holds:
        yield f"the fleet is {plan.phase}, with neither a step nor a reason"


def waits_for_its_turn(plan: Plan) -> bool:
    """Whether what is wanted waits for another fleet."""
    return any(hold.rule is Rule.AFTER for hold in plan.holds)


def budget(thought: Thought) -> Iterator[str]:
    """Whoever serves is taken out by a granted draw only."""
    plan, seen = thought.decision.plan, thought.decision.observation
    serving = {b.instance for b in seen.traffic.backends if b.state is TrafficState.SERVING}
    dead = {i.id for i in seen.machines.instances if i.state is MachineState.STOPPED}
    granted = {draw.slot for draw in plan.draws if draw.granted}
    for step in plan.steps:
        if isinstance(step, Drain | StandBy) and step.instance in serving - dead and step.slot not in granted:
            yield f"{step.slot} is drained without a draw on the budget"


def success(thought: Thought) -> Iterator[str]:
    """Success is told only of what is true: the wanted number of the wanted revision serves, and nothing else lives."""
    plan, target, world = thought.decision.plan, thought.decision.target, thought.world
    if plan.phase is not Phase.CONVERGED or thought.decision.observation.machines.at != world.clock.now():
        return
    living = world.living(target.fleet)
    others = [machine.slot for machine in living if machine.revision.id != target.revision]
    pool = world.pools.get(target.fleet)
    serving = len(pool.serving()) if pool else 0
    if others or len(living) != target.size or serving != target.size:
        yield f"success was told; {len(living)} live, {serving} serve, {target.size} are wanted, others are {others}"


def checkpoints(thought: Thought) -> Iterator[str]:
    """No canary leaves a step that waits for a person before one has let it go on."""
    stage, further = thought.decision.target.canary, thought.decision.plan.canary
    if thought.policy.rollout.checkpoint and further and further.step > stage.step >= stage.approved:
        yield f"step {stage.step + 1} of the canary is passed, and nobody confirmed it"


def convergence(stage: Stage) -> Iterator[str]:
    """Once the faults are over and the bound has passed: exactly what is wanted, no orphan, nothing left open."""
    if stage.astray():
        yield stage.astray()


@dataclass(frozen=True, kw_only=True)
class Broken:
    """One invariant that did not hold."""

    invariant: str
    at: datetime
    detail: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.invariant}: {self.detail}"


OF_DEEDS: Mapping[str, Callable[[Deed], Iterator[str]]] = {
    "capacity": capacity,
    "crowd": crowd,
    "doubles": doubles,
    "permission": permission,
    "strangers": strangers,
    "fencing": fencing,
    "turns": turns,
}
"""Held after every call of repave that changed something."""

OF_BOTH_FLEETS = frozenset({"doubles", "fencing", "strangers", "turns"})
"""Those that are held also against what is done to the fleet that comes first; all others are of the stage's own."""

OF_THOUGHTS: Mapping[str, Callable[[Thought], Iterator[str]]] = {
    "reasons": reasons,
    "budget": budget,
    "success": success,
    "checkpoints": checkpoints,
}
"""Held after every tick."""

AT_REST: Mapping[str, Callable[[Stage], Iterator[str]]] = {"convergence": convergence, "timetable": timetable}
"""Held once faults have been over for so long as a fleet may take."""

PLANS = "plans"
"""The name under which a plan is told that the plan checker refused."""
