"""The plan checker refuses each broken promise by name."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from repave.model.names import (
    EnvironmentName,
    FleetKey,
    FleetName,
    InstanceId,
    ProjectName,
    ReleaseNumber,
    RevisionId,
    SlotId,
    ZoneName,
)
from repave.model.observation import (
    Backend,
    Instance,
    MachineSighting,
    MachineState,
    Observation,
    TrafficSighting,
    TrafficState,
)
from repave.model.plan import Detach, Drain, Launch, Phase, Plan, Retarget, Terminate
from repave.model.policy import FleetPolicy
from repave.model.revocation import Revoked
from repave.model.target import Heal, Order, Proof, Target
from repave.planner.check import UnsafePlan, check

NOW = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
ONE, TWO = RevisionId("one"), RevisionId("two")
POLICY = FleetPolicy(fleet=FLEET, zones=(ZoneName("a"),))
INSTANCES = tuple(
    Instance(
        id=InstanceId(f"i-{number}"),
        slot=SlotId(f"web-{number}"),
        revision=ONE,
        release=ReleaseNumber(1),
        zone=ZoneName("a"),
        state=MachineState.RUNNING,
        started_at=NOW - timedelta(hours=1),
        address="192.0.2.1",
        port=8080,
    )
    for number in (1, 2)
)
BACKENDS = tuple(Backend(instance=i.id, state=TrafficState.SERVING, since=NOW - timedelta(hours=1)) for i in INSTANCES)
SEEN = Observation(
    fleet=FLEET,
    at=NOW,
    machines=MachineSighting(at=NOW, instances=INSTANCES),
    traffic=TrafficSighting(at=NOW, backends=BACKENDS),
)
TARGET = Target(
    fleet=FLEET,
    generation=7,
    revision=TWO,
    release=ReleaseNumber(2),
    size=2,
    since=NOW,
    next_slot=3,
    orders=(Order(slot=SlotId("web-9"), revision=TWO, zone=ZoneName("a"), ordered_at=NOW),),
)
EMPTY = Plan(fleet=FLEET, parent=7, at=NOW, phase=Phase.ROLLING, summary="", next_slot=3)
FRESH = Launch(slot=SlotId("web-3"), revision=TWO, zone=ZoneName("a"), reason="wanted")
DRAIN = Drain(instance=InstanceId("i-1"), slot=SlotId("web-1"), reason="old")
END = Terminate(instance=InstanceId("i-1"), slot=SlotId("web-1"), reason="old")
BACK = Retarget(revision=ONE, release=ReleaseNumber(1), reason="bad")

type_of_case = tuple[str, Plan, Callable[[Target], Target], Callable[[Observation], Observation]]


def same_target(target: Target) -> Target:
    """As it is."""
    return target


def same_view(seen: Observation) -> Observation:
    """As it is."""
    return seen


def partial(seen: Observation) -> Observation:
    """A page of the list is missing."""
    return replace(seen, machines=replace(seen.machines, incomplete="a page is missing"))


def revoked(target: Target) -> Target:
    """The old revision once carried the fleet, and was revoked."""
    proof = Proof(revision=ONE, release=ReleaseNumber(1), at=NOW - timedelta(hours=1))
    return replace(target, proven=(proof,), revoked=(Revoked(revision=ONE, reason="stolen key", since=NOW),))


def fewer_wanted(target: Target) -> Target:
    """One, instead of two."""
    return replace(target, size=1)


CASES: tuple[type_of_case, ...] = (
    ("generation 6", replace(EMPTY, parent=6), same_target, same_view),
    ("given twice", replace(EMPTY, next_slot=2), same_target, same_view),
    ("launched twice", replace(EMPTY, steps=(FRESH, FRESH), next_slot=4), same_target, same_view),
    ("would run one", replace(EMPTY, steps=(replace(FRESH, revision=ONE),), next_slot=4), same_target, same_view),
    (
        "taken by an instance",
        replace(EMPTY, steps=(replace(FRESH, slot=SlotId("web-1")),), next_slot=4),
        same_target,
        same_view,
    ),
    ("own new slots", replace(EMPTY, steps=(FRESH,)), same_target, same_view),
    (
        "not declared",
        replace(EMPTY, steps=(replace(FRESH, zone=ZoneName("z")),), next_slot=4),
        same_target,
        same_view,
    ),
    (
        "another zone",
        replace(EMPTY, steps=(replace(FRESH, slot=SlotId("web-9"), zone=ZoneName("b")),)),
        same_target,
        same_view,
    ),
    (
        "is stopped",
        replace(EMPTY, steps=(FRESH,), next_slot=4),
        lambda target: replace(target, stopped="2 in a row failed"),
        same_view,
    ),
    ("is paused", replace(EMPTY, steps=(FRESH,), next_slot=4), lambda t: replace(t, paused=True), same_view),
    ("could be seen", replace(EMPTY, steps=(FRESH,), next_slot=4), same_target, partial),
    ("could be seen", replace(EMPTY, steps=(DRAIN,)), lambda t: replace(t, size=1), partial),
    ("cut off without a drain", replace(EMPTY, steps=(END,)), same_target, same_view),
    (
        "was not seen",
        replace(EMPTY, steps=(replace(END, instance=InstanceId("i-8")),)),
        same_target,
        same_view,
    ),
    ("1 would serve, and 2 must", replace(EMPTY, steps=(DRAIN,)), same_target, same_view),
    (
        "would be alive",
        replace(EMPTY, steps=(FRESH, replace(FRESH, slot=SlotId("web-4"))), next_slot=5),
        same_target,
        same_view,
    ),
    (
        "3 would be alive",
        replace(EMPTY, steps=(replace(FRESH, slot=SlotId("web-9")),)),
        fewer_wanted,
        same_view,
    ),
    ("the very revision that failed", replace(EMPTY, retarget=replace(BACK, revision=TWO)), same_target, same_view),
    ("never carried this fleet", replace(EMPTY, retarget=BACK), same_target, same_view),
    ("revoked", replace(EMPTY, retarget=BACK), revoked, same_view),
    (
        "would be healed",
        replace(EMPTY, heals=(Heal(slot=SlotId("web-1"), at=NOW), Heal(slot=SlotId("web-2"), at=NOW))),
        same_target,
        same_view,
    ),
)


@pytest.mark.parametrize(("sentence", "plan", "target", "seen"), CASES, ids=[case[0] for case in CASES])
def test_each_broken_promise_is_refused_by_name(
    sentence: str, plan: Plan, target: Callable[[Target], Target], seen: Callable[[Observation], Observation]
) -> None:
    """A plan that would break a promise is refused, and the message says which."""
    with pytest.raises(UnsafePlan) as refused:
        check(plan, POLICY, target(TARGET), seen(SEEN), NOW)
    assert sentence in refused.value.message


def test_an_instance_with_open_requests_is_not_cut_off_before_its_time() -> None:
    """One that drains has its drain time; after it, it may go."""
    draining = replace(BACKENDS[0], state=TrafficState.DRAINING, since=NOW - timedelta(seconds=5), sessions=2)
    seen = replace(SEEN, traffic=replace(SEEN.traffic, backends=(draining, BACKENDS[1])))
    cut = replace(EMPTY, steps=(Detach(instance=InstanceId("i-1"), slot=SlotId("web-1"), reason="old"), END))
    with pytest.raises(UnsafePlan, match="open requests, and time left"):
        check(cut, POLICY, TARGET, seen, NOW)
    over = replace(draining, since=NOW - timedelta(seconds=POLICY.drain_timeout_seconds))
    check(cut, POLICY, TARGET, replace(seen, traffic=replace(seen.traffic, backends=(over, BACKENDS[1]))), NOW)


def test_a_safe_plan_passes() -> None:
    """Giving an open order again and launching one more within the surge is safe."""
    again = replace(FRESH, slot=SlotId("web-9"))
    check(replace(EMPTY, steps=(again,)), POLICY, TARGET, SEEN, NOW)
