"""For whatever waits there is one rule, with the moment since which it holds it."""

from collections import Counter

from any_worlds import NOW, AnyWorld, worlds
from hypothesis import given

from repave.model.observation import MachineState, TrafficState
from repave.planner.explain import REMEDIES, RULES, explain
from repave.planner.fleet import plan


@given(worlds())
def test_never_two_rules_for_one_instance(world: AnyWorld) -> None:
    """Promise 4: whoever is not where it should be, and is not moved, is held by exactly one rule, since some past."""
    policy, target, seen = world
    made = plan(policy, target, seen, NOW)
    states = {backend.instance: backend.state for backend in seen.traffic.backends}
    touched = {step.slot for step in made.steps}
    held = Counter(hold.subject for hold in made.holds)
    whole = target.paused or seen.machines.incomplete or seen.traffic.incomplete
    for instance in seen.machines.instances:
        serves = states.get(instance.id) is TrafficState.SERVING and instance.state is not MachineState.STOPPED
        if instance.slot not in touched and not (serves and instance.revision == target.revision) and not whole:
            assert held[instance.slot] == 1, f"{instance.slot} is held by {held[instance.slot]} rules"
    for told in explain(made):
        assert told.rule in RULES
        assert told.since <= NOW, f"{told.subject} waits since a time to come"
        assert told.until is None or told.until >= told.since


@given(worlds())
def test_never_a_step_without_words(world: AnyWorld) -> None:
    """Promise 4: each step, each answer of the budget, each failure and each hold says why."""
    policy, target, seen = world
    made = plan(policy, target, seen, NOW)
    said = [step.reason for step in made.steps] + [draw.reason for draw in made.draws]
    said += [failure.detail for failure in made.failures] + [hold.detail for hold in made.holds]
    assert all(said), f"something is not explained: {said}"


@given(worlds())
def test_never_is_a_remedy_other_than_words(world: AnyWorld) -> None:
    """Where waiting is enough, the remedy is empty."""
    policy, target, seen = world
    for told in explain(plan(policy, target, seen, NOW)):
        assert told.remedy == REMEDIES.get(told.rule, ""), f"{told.rule} has another remedy"


@given(worlds())
def test_never_a_hold_on_what_is_not_there(world: AnyWorld) -> None:
    """It is the fleet, its size, or an instance that is seen or ordered."""
    policy, target, seen = world
    known = {"fleet", "size", *(i.slot for i in seen.machines.instances), *(order.slot for order in target.orders)}
    assert {hold.subject for hold in plan(policy, target, seen, NOW).holds} <= known
