"""What the fleet planner never does, whatever it is shown."""

from dataclasses import replace
from datetime import timedelta

from any_worlds import FLEET, NOW, POLICY_DIGITS, RELEASE, REVISIONS, AnyWorld, policy_of, worlds
from chooser import Chooser, choosers
from hypothesis import given
from hypothesis import strategies as st

from repave.model.names import InstanceId, SlotId
from repave.model.observation import (
    Backend,
    Instance,
    MachineSighting,
    MachineState,
    Observation,
    TrafficSighting,
    TrafficState,
)
from repave.model.plan import Detach, Drain, Launch, Phase, Plan, Terminate
from repave.model.policy import AgePolicy, FleetPolicy
from repave.model.target import Proof, Target
from repave.planner.check import check
from repave.planner.fleet import plan


def planned(world: AnyWorld) -> Plan:
    """The plan for a world."""
    policy, target, observation = world
    return plan(policy, target, observation, NOW)


@given(worlds())
def test_never_a_plan_that_the_checker_refuses(world: AnyWorld) -> None:
    """Every plan of the planner passes the checker, which shares no code with it."""
    policy, target, observation = world
    check(planned(world), policy, target, observation, NOW)


@given(worlds())
def test_never_fewer_serving_than_allowed(world: AnyWorld) -> None:
    """Promise 12: by its own doing the planner never leaves fewer serving than the policy allows."""
    policy, target, observation = world
    states = {backend.instance: backend.state for backend in observation.traffic.backends}
    running = {i.id for i in observation.machines.instances if i.state is not MachineState.STOPPED}
    serving = {i for i, state in states.items() if state is TrafficState.SERVING and i in running}
    taken = {s.instance for s in planned(world).steps if isinstance(s, Drain | Detach | Terminate)} & serving
    least = target.size - policy.rollout.unavailable.of(target.size)
    assert len(serving - taken) >= min(len(serving), least), "fewer would serve than allowed"


@given(worlds())
def test_never_a_launch_of_what_is_stopped(world: AnyWorld) -> None:
    """Promise 1: nothing is launched of a revision that was stopped, now or before, nor while it goes back."""
    made = planned(world)
    if world[1].stopped or made.stop or made.retarget or (world[1].paused and not made.resumes):
        launched = [s for s in made.steps if isinstance(s, Launch)]
        assert not launched, f"launched although it was stopped: {launched}"


@given(worlds())
def test_never_a_launch_of_what_is_revoked(world: AnyWorld) -> None:
    """Nothing is launched whose artifact was revoked, or is no longer where it could be started from."""
    for step in planned(world).steps:
        if isinstance(step, Launch):
            lost = [proof for proof in world[1].proven if proof.revision == step.revision and not proof.bootable]
            revoked = [one for one in world[1].revoked if one.revision == step.revision]
            assert not lost, f"{step.slot} would run what is gone"
            assert not revoked, f"{step.slot} would run what is revoked"


@given(worlds())
def test_never_the_same_slot_for_another(world: AnyWorld) -> None:
    """Promise 8: a new slot has a number above all that are seen or remembered."""
    _, target, seen = world
    ordered = {order.slot for order in target.orders}
    fresh = {s.slot for s in planned(world).steps if isinstance(s, Launch)} - ordered
    known = (
        {i.slot for i in seen.machines.instances} | {f.slot for f in target.failures} | {h.slot for h in target.heals}
    )
    assert not fresh & known, f"given out before: {sorted(fresh & known)}"


@given(worlds())
def test_never_success_before_it_is_true(world: AnyWorld) -> None:
    """Promise 2: converged means that the wanted number of the wanted revision serves, and nothing else lives."""
    _, target, seen = world
    if planned(world).phase is Phase.CONVERGED:
        serving = {b.instance for b in seen.traffic.backends if b.state is TrafficState.SERVING}
        current = {i.id for i in seen.machines.instances if i.revision == target.revision}
        assert len(serving) == len(seen.machines.instances) == target.size, "success before it is true"
        assert target.revision not in {one.revision for one in target.revoked}, "success with what is revoked"
        assert serving == current, "success with another revision"


@given(worlds())
def test_never_goes_round_in_circles(world: AnyWorld) -> None:
    """What a plan has remembered is not remembered again by the next one, when nothing else has changed."""
    policy, target, seen = world
    first = planned(world)
    later = replace(
        target,
        failures=(*target.failures, *first.failures),
        heals=(*target.heals, *first.heals),
        orders=tuple(order for order in target.orders if order.slot not in first.closed),
    )
    again = plan(policy, later, seen, NOW)
    assert not {f.slot for f in again.failures} & {f.slot for f in first.failures}, "a failure is counted twice"
    assert not {h.slot for h in again.heals} & {h.slot for h in first.heals}, "a heal is drawn twice"
    assert not set(again.closed) & set(first.closed), "an order is closed twice"


@given(worlds())
def test_never_back_to_what_is_revoked_or_failed(world: AnyWorld) -> None:
    """Promise 1: a rollback goes to another revision that is proven, bootable and not revoked, or nowhere."""
    made = planned(world)
    back = made.retarget
    if back is not None:
        bootable = {made.proven: True} | {proof.revision: proof.bootable for proof in world[1].proven}
        assert back.revision in bootable, "it rolls back onto what never carried the fleet"
        assert bootable[back.revision], "it rolls back onto what cannot be started"
        assert back.revision not in {one.revision for one in world[1].revoked}, "it rolls back onto a revoked artifact"
        assert back.revision != world[1].revision, "it rolls back onto what failed"


@given(worlds())
def test_never_a_removal_on_a_partial_view(world: AnyWorld) -> None:
    """What could not be seen may be what still serves: nothing is taken away, nothing new is started."""
    policy, target, observation = world
    blind = replace(observation, machines=replace(observation.machines, incomplete="a page is missing"))
    steps = plan(policy, target, blind, NOW).steps
    ordered = {order.slot for order in target.orders}
    assert all(isinstance(step, Launch) and step.slot in ordered for step in steps), f"on a partial view: {steps}"


@given(worlds())
def test_never_two_launches_of_a_slot(world: AnyWorld) -> None:
    """Promise 8: a slot is launched once in a plan, never one that an instance fills, new ones with new numbers."""
    made = planned(world)
    slots = [step.slot for step in made.steps if isinstance(step, Launch)]
    assert len(slots) == len(set(slots)), "one slot, two launches"
    assert not set(slots) & {i.slot for i in world[2].machines.instances}, "a filled slot is launched"
    assert made.next_slot >= world[1].next_slot, "slot numbers go back"


@given(worlds(), choosers(19))
def test_never_does_the_order_of_the_input_matter(world: AnyWorld, chooser: Chooser) -> None:
    """A list in another order is the same list."""
    policy, target, seen = world
    shuffled = replace(
        seen,
        machines=replace(seen.machines, instances=tuple(chooser.mixed(seen.machines.instances))),
        traffic=replace(seen.traffic, backends=tuple(chooser.mixed(seen.traffic.backends))),
    )
    assert plan(policy, target, shuffled, NOW) == plan(policy, target, seen, NOW), "the order of the input matters"


@given(worlds())
def test_never_waits_without_a_reason(world: AnyWorld) -> None:
    """Promise 4: whoever is not where it should be is moved by a step, or held by a rule."""
    made = planned(world)
    touched = {step.slot for step in made.steps}
    held = {hold.subject for hold in made.holds}
    states = {backend.instance: backend.state for backend in world[2].traffic.backends}
    whole = "fleet" in held and (world[1].paused or world[2].machines.incomplete or world[2].traffic.incomplete)
    for instance in world[2].machines.instances:
        well = states.get(instance.id) is TrafficState.SERVING and instance.revision == world[1].revision
        well = well and instance.state is not MachineState.STOPPED
        assert well or whole or instance.slot in touched | held, f"{instance.slot} waits, and nothing says why"
    if made.phase is not Phase.CONVERGED:
        assert made.changes or made.holds, f"{made.phase} without a step or a reason"


@given(st.integers(1, 9), choosers(POLICY_DIGITS).map(policy_of))
def test_never_a_step_for_a_converged_fleet(size: int, policy: FleetPolicy) -> None:
    """A fleet that is as wanted, and in which nobody is old, gets an empty plan."""
    instances = tuple(
        Instance(
            id=InstanceId(f"i-{number}"),
            slot=SlotId(f"web-{number}"),
            revision=REVISIONS[0],
            release=RELEASE[REVISIONS[0]],
            zone=policy.zones[number % len(policy.zones)],
            state=MachineState.RUNNING,
            started_at=NOW - timedelta(hours=1),
            address="192.0.2.1",
            port=8080,
        )
        for number in range(1, size + 1)
    )
    backends = tuple(
        Backend(instance=i.id, state=TrafficState.SERVING, since=NOW - timedelta(minutes=5)) for i in instances
    )
    target = Target(
        fleet=FLEET,
        generation=3,
        revision=REVISIONS[0],
        release=RELEASE[REVISIONS[0]],
        size=size,
        since=NOW - timedelta(hours=1),
        next_slot=size + 1,
        proven=(Proof(revision=REVISIONS[0], release=RELEASE[REVISIONS[0]], at=NOW - timedelta(minutes=4)),),
    )
    seen = Observation(
        fleet=FLEET,
        at=NOW,
        machines=MachineSighting(at=NOW, instances=instances),
        traffic=TrafficSighting(at=NOW, backends=backends),
    )
    made = plan(replace(policy, age=AgePolicy()), target, seen, NOW)
    assert not made.changes, f"a converged fleet is changed: {made.steps}"
    assert made.phase is Phase.CONVERGED


@given(worlds(), st.floats(0, 0.999))
def test_never_does_a_plan_change_before_it_says_so(
    world: tuple[FleetPolicy, Target, Observation], share: float
) -> None:
    """Whoever looks again before ``wake_at``, and sees the same, need not have looked: time alone changes nothing."""
    policy, target, seen = world
    made = planned(world)
    if made.changes:
        return
    until = made.wake_at or NOW + timedelta(days=2)
    later = plan(policy, target, seen, NOW + share * (until - NOW))
    waiting = [[(hold.subject, hold.rule) for hold in each.holds] for each in (made, later)]
    assert (later.changes, waiting[1]) == (made.changes, waiting[0]), f"{until}: {later}"
