"""Each invariant can fail: a planner, a provider or a balancer that breaks it is found out by its name."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from repave.controller import tick
from repave.model.names import EnvironmentName, FleetKey, FleetName, InstanceId, ProjectName, SlotId
from repave.model.observation import Observation, TrafficState
from repave.model.plan import Drain, Launch, Phase, Plan, Rule
from repave.model.policy import AgePolicy, FleetPolicy, RolloutPolicy
from repave.model.scaling import ScalePolicy
from repave.model.target import Target
from repave.planner import fleet as planner
from repave.ports.provider import LaunchOrder
from repave.simulation.chaos.kinds import KINDS
from repave.simulation.invariants import AT_REST, OF_DEEDS, OF_THOUGHTS
from repave.simulation.provider import SimulatedProvider
from repave.simulation.theatre import Script, Theatre
from repave.simulation.timetable import daily, due
from repave.simulation.world import World
from repave.wiring.simulating import cast

Spoil = Callable[[Plan, Target, Observation], Plan]

SCRIPT = Script(instances=4, days=0.1, kinds=(KINDS["deploy"],), bound=timedelta(minutes=10))
"""Releases are deployed, some of them while another is rolled out."""

HASTY = replace(SCRIPT, days=0.02, haste=6.0)
"""The same soon after each other: for what is looked at every second, since it never comes to rest."""


def broken(script: Script = SCRIPT) -> set[str]:
    """The names of the invariants that a run finds broken."""
    theatre = Theatre(script=script, casts=cast)
    theatre.play()
    return {each.invariant for each in theatre.watch.broken}


def finds(*names: str, script: Script = SCRIPT) -> bool:
    """Whether a run finds these invariants broken; it ends as soon as it has, for nothing mends them again."""
    theatre = Theatre(script=script, casts=cast)

    def found() -> bool:
        return set(names) <= {each.invariant for each in theatre.watch.broken}

    theatre.play(enough=found)
    return found()


@pytest.fixture
def planner_that(monkeypatch: pytest.MonkeyPatch) -> Callable[[Spoil], None]:
    """Has the planner's plans spoilt, and nobody check them."""

    def put(spoil: Spoil) -> None:
        def spoilt(policy: FleetPolicy, target: Target, seen: Observation, now: datetime) -> Plan:
            return spoil(planner.plan(policy, target, seen, now), target, seen)

        monkeypatch.setattr(tick, "plan", spoilt)
        monkeypatch.setattr(tick, "check", lambda *_: None)

    return put


def serving(seen: Observation) -> list[Drain]:
    """A drain for everyone who serves."""
    slots = {instance.id: instance.slot for instance in seen.machines.instances}
    backends = [b for b in seen.traffic.backends if b.state is TrafficState.SERVING and b.instance in slots]
    return [Drain(instance=b.instance, slot=slots[b.instance], reason="spoilt") for b in backends]


def test_all_is_well_with_the_real_ones() -> None:
    """Nothing is found where nothing is broken."""
    assert broken() == broken(HASTY) == set()


def test_capacity_and_budget(planner_that: Callable[[Spoil], None]) -> None:
    """A planner that drains all who serve at once is found to leave too few, and to ask no budget."""
    planner_that(lambda plan, _, seen: replace(plan, steps=(*plan.steps, *serving(seen)), draws=()))
    assert finds("capacity", "budget")


def test_crowd(planner_that: Callable[[Spoil], None]) -> None:
    """A planner that launches nine more with each launch has too many alive."""

    def many(plan: Plan, target: Target, _: Observation) -> Plan:
        numbers = range(plan.next_slot, plan.next_slot + 9) if any(isinstance(s, Launch) for s in plan.steps) else ()
        extra = [
            Launch(slot=SlotId(f"web-{number}"), revision=target.revision, zone=SCRIPT_ZONE, reason="spoilt")
            for number in numbers
        ]
        return replace(plan, steps=(*plan.steps, *extra), next_slot=plan.next_slot + len(numbers))

    planner_that(many)
    assert finds("crowd")


SCRIPT_ZONE = Theatre(script=SCRIPT, casts=cast).stage.policy.zones[0]


def test_permission(planner_that: Callable[[Spoil], None]) -> None:
    """A planner that launches in a paused fleet is found out."""

    def heedless(plan: Plan, target: Target, seen: Observation) -> Plan:
        if not target.paused or len(seen.machines.instances) > SCRIPT.instances:
            return plan
        launch = Launch(slot=SlotId(f"web-{plan.next_slot}"), revision=target.revision, zone=SCRIPT_ZONE, reason="")
        return replace(plan, steps=(launch,), next_slot=plan.next_slot + 1)

    planner_that(heedless)
    assert finds("permission", script=replace(SCRIPT, kinds=(KINDS["pause"],)))


def test_reasons(planner_that: Callable[[Spoil], None]) -> None:
    """A planner that does not say why something waits is found out."""
    planner_that(lambda plan, _target, _seen: replace(plan, holds=()))
    assert finds("reasons")


def test_success(planner_that: Callable[[Spoil], None]) -> None:
    """A planner that calls everything a success is found out."""
    planner_that(lambda plan, _target, _seen: replace(plan, phase=Phase.CONVERGED))
    assert finds("success")


def test_checkpoints(planner_that: Callable[[Spoil], None]) -> None:
    """A planner that has a canary go on by itself, where a person was to be asked, is found out."""

    def hasty(plan: Plan, target: Target, _: Observation) -> Plan:
        waits = any(hold.rule is Rule.CHECKPOINT for hold in plan.holds)
        return replace(plan, canary=replace(target.canary, step=target.canary.step + 1)) if waits else plan

    rollout = RolloutPolicy(strategy="canary", pause_seconds=30.0, checkpoint=True)
    asking = replace(SCRIPT, policy=replace(SCRIPT.policy, rollout=rollout), bound=timedelta(hours=2))
    assert broken(asking) == set()
    planner_that(hasty)
    assert finds("checkpoints", script=asking)


def test_timetable(planner_that: Callable[[Spoil], None]) -> None:
    """A planner that does not look at the clock is found out."""
    scale = ScalePolicy(lowest=1, highest=9, schedule=daily({7: 5, 19: 3}))
    scheduled = replace(SCRIPT, kinds=(), policy=replace(SCRIPT.policy, scale=scale))
    assert broken(scheduled) == set()
    planner_that(lambda plan, _target, _seen: replace(plan, resize=None))
    assert finds("timetable", script=replace(scheduled, days=HASTY.days))


@pytest.mark.parametrize(
    ("hours", "sizes"),
    [(0.0, {3}), (6.9, {3}), (7.0, {3, 5}), (8.9, {3, 5}), (9.0, {5}), (18.9, {5}), (19.0, {5, 3}), (23.9, {3})],
)
def test_a_scheduled_size_is_due_from_its_hour_and_has_its_time(hours: float, sizes: set[int]) -> None:
    """Until it must be reached, the one before it is right as well."""
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    assert due(daily({7: 5, 19: 3}), midnight + timedelta(hours=hours)) == sizes


@pytest.mark.parametrize("hasty", ["web", "db-proxy"])
def test_turns(planner_that: Callable[[Spoil], None], hasty: str) -> None:
    """A planner that does not wait for the other fleet is found out: forward the one, back the other."""

    def impatient(plan: Plan, target: Target, _: Observation) -> Plan:
        waits = any(hold.rule is Rule.AFTER for hold in plan.holds) and not target.paused
        if target.fleet.fleet != hasty or not waits:
            return plan
        slot = SlotId(f"{hasty}-{plan.next_slot}")
        launch = Launch(slot=slot, revision=target.revision, zone=SCRIPT_ZONE, reason="")
        return replace(plan, steps=(launch,), next_slot=plan.next_slot + 1)

    waiting = replace(SCRIPT, first=2, kinds=(KINDS["deploy"], KINDS["rollback"]))
    assert broken(waiting) == set()
    planner_that(impatient)
    assert finds("turns", script=waiting)


def test_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that starts another instance whenever a slot is launched again is found out."""

    def careless(self: SimulatedProvider, order: LaunchOrder) -> InstanceId:
        machine = self._machine(order)
        self.world.start(machine, order.generation)
        return machine.id

    monkeypatch.setattr(SimulatedProvider, "_launch", careless)
    assert finds("doubles", script=replace(SCRIPT, kinds=(*SCRIPT.kinds, KINDS["stale"], KINDS["stale"])))


def test_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that ends what is of another fleet is found out."""
    other = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("prod"), fleet=FleetName("worker"))

    def overreaching(self: SimulatedProvider, fleet: FleetKey, instance: InstanceId, generation: int) -> None:
        machine = self.world.machines[instance]
        self.world.end(machine, other if machine.fleet == fleet else fleet, generation)

    monkeypatch.setattr(SimulatedProvider, "_terminate", overreaching)
    assert finds("strangers")


def test_fencing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A world that takes orders of any generation is found out, once two controllers act at the same time."""
    monkeypatch.setattr(World, "admit", lambda *_: None)
    racing = (*SCRIPT.kinds, KINDS["rival"], KINDS["rival"])
    assert finds("fencing", script=replace(SCRIPT, instances=20, days=10.0, controllers=2, kinds=racing))


def test_convergence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that ends nothing, and says it did, leaves orphans."""
    monkeypatch.setattr(SimulatedProvider, "_terminate", lambda *_: None)
    assert finds("convergence", script=HASTY)


def test_convergence_of_a_fleet_that_moves_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has longer to be as wanted, and not for ever."""
    restless = replace(HASTY, policy=replace(HASTY.policy, age=AgePolicy(soft_seconds=900.0)))
    assert restless.is_restless
    assert broken(restless) == set()
    monkeypatch.setattr(SimulatedProvider, "_terminate", lambda *_: None)
    assert finds("convergence", script=restless)


def test_every_invariant_is_shown_to_fail_here() -> None:
    """Who adds one adds a test that breaks it."""
    tested = {name for name in globals() if name.startswith("test_")}
    names = {*OF_DEEDS, *OF_THOUGHTS, *AT_REST}
    assert all(any(name in test for test in tested) for name in names), names
