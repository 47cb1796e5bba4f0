"""Any fleet in any state: what a property of the planner is tried on."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chooser import Chooser, choosers
from hypothesis import strategies as st

from repave.model.amount import Amount
from repave.model.canary import CanaryStage
from repave.model.disruption import Disruption, Drawer
from repave.model.exposure import Exposure, FixWithin, Flaw
from repave.model.finding import Severity
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
from repave.model.policy import AgePolicy, BudgetPolicy, FleetPolicy, HealthPolicy, RolloutPolicy
from repave.model.revocation import Revoked
from repave.model.target import Failure, FailureKind, Heal, Order, Proof, Sickness, Target, ZoneOut
from repave.model.wishes import Protection, Replacement
from repave.planner.strategies import STRATEGIES

NOW = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
ZONES = tuple(ZoneName(name) for name in "abc")
REVISIONS = tuple(RevisionId(name) for name in ("one", "two", "three"))
RELEASE = {revision: ReleaseNumber(number) for number, revision in enumerate(REVISIONS, 1)}

AMOUNTS = tuple(Amount(value=value) for value in range(4)) + tuple(
    Amount(value=value, percent=True) for value in (0, 10, 20, 25, 34, 50, 100)
)
AGES = tuple(timedelta(seconds=seconds) for seconds in (0, 1, 4, 5, 6, 20, 30, 31, 59, 60, 61, 90, 300, 601, 900, 5000))


MOMENTS = tuple(NOW - age for age in AGES)
REMEMBERED = (*MOMENTS, NOW + timedelta(seconds=20), NOW + timedelta(days=7))
"""Also by a clock that was ahead."""

STATES = (MachineState.RUNNING, MachineState.RUNNING, MachineState.STOPPED, MachineState.STARTING)
SHOWN = (*TrafficState, TrafficState.SERVING, TrafficState.SERVING, None, None)
FAILURES, DRAWERS = tuple(FailureKind), tuple(Drawer)

AnyWorld = tuple[FleetPolicy, Target, Observation]

POLICY_DIGITS = 15
WORLD_DIGITS = 199
"""As many as all choices of a world take."""


def worlds() -> st.SearchStrategy[AnyWorld]:
    """Any fleet in any state, with whatever a store may remember of it."""
    return choosers(WORLD_DIGITS).map(world_of)


def policy_of(chooser: Chooser) -> FleetPolicy:
    """Any policy a file could declare."""
    return FleetPolicy(
        fleet=FLEET,
        zones=ZONES[: chooser.of((3, 2, 1))],
        health=HealthPolicy(grace_seconds=chooser.of((60.0, 5.0))),
        rollout=RolloutPolicy(
            strategy=chooser.of(tuple(STRATEGIES)),
            surge=chooser.of(AMOUNTS),
            unavailable=chooser.of(AMOUNTS),
            stop_in_a_row=chooser.of((2, 1, 3)),
            steps=chooser.of(((Amount(value=1), Amount(value=50, percent=True)), (Amount(value=70, percent=True),))),
            baseline=chooser.of(("fresh", "fresh", "running")),
        ),
        drain_timeout_seconds=chooser.of((30.0, 0.0)),
        budget=budget_of(chooser),
        age=age_of(chooser),
        fix_within=chooser.of((FixWithin(), FixWithin(critical_seconds=90.0, high_seconds=7200.0))),
    )


def age_of(chooser: Chooser) -> AgePolicy:
    """Any limits of age, as far apart as the instances' own."""
    soft, hard = chooser.of((None, None, 60.0, 600.0, 7200.0)), chooser.of((None, 90.0, 900.0, 10800.0))
    return AgePolicy(soft_seconds=soft, hard_seconds=hard)


def budget_of(chooser: Chooser) -> BudgetPolicy:
    """Any limits beside the floor."""
    return BudgetPolicy(
        per_hour=chooser.of((None, *AMOUNTS)),
        gentle_per_hour=chooser.of(AMOUNTS),
        per_zone=chooser.of((None, None, *AMOUNTS)),
    )


def instance_of(chooser: Chooser, number: int) -> tuple[Instance, Backend | None]:
    """Any instance, as the provider and the balancer may show it."""
    state = chooser.of(STATES)
    revision = chooser.of(REVISIONS)
    instance = Instance(
        id=InstanceId(f"i-{number}"),
        slot=SlotId(f"web-{number}"),
        revision=revision,
        release=RELEASE[revision],
        zone=chooser.of(ZONES),
        state=state,
        started_at=chooser.of(MOMENTS),
        address=None if state is MachineState.STARTING else "192.0.2.1",
        port=8080,
    )
    shown = chooser.of(SHOWN)
    return instance, Backend(instance=instance.id, state=shown, since=chooser.of(MOMENTS)) if shown else None


def world_of(chooser: Chooser) -> AnyWorld:
    """The world of these choices."""
    seen = [instance_of(row, number) for number, row in enumerate(chooser.rows(9, 6), 1)]
    backends = [backend for _, backend in seen if backend is not None]
    if chooser.of((False, False, False, True)):
        backends.append(Backend(instance=InstanceId("stray"), state=TrafficState.FAILING, since=NOW))
    observation = Observation(
        fleet=FLEET,
        at=NOW,
        machines=MachineSighting(
            at=NOW,
            instances=tuple(instance for instance, _ in seen),
            incomplete=chooser.of(("", "", "", "", "a page is missing")),
        ),
        traffic=TrafficSighting(at=NOW, backends=tuple(backends), incomplete=chooser.of(("", "", "", "", "no answer"))),
    )
    return policy_of(chooser), target_of(chooser, len(seen)), observation


def numbered(rows: Sequence[Chooser], instances: int) -> dict[SlotId, Chooser]:
    """Each with a slot, no two with the same: of those that are seen, and of four more."""
    return {SlotId(f"web-{row.of(range(1, instances + 5))}"): row for row in rows}


def failed(told: Sequence[Chooser], wanted: RevisionId) -> list[Failure]:
    """Any failures, of what is wanted more often than of others."""
    return [
        Failure(
            slot=SlotId(chooser.of((f"web-old-{number}", f"web-{number}"))),
            revision=chooser.of((wanted, *REVISIONS)),
            zone=chooser.of(ZONES),
            kind=chooser.of(FAILURES),
            at=chooser.of(MOMENTS),
        )
        for number, chooser in enumerate(told)
    ]


def proven(chooser: Chooser) -> list[Proof]:
    """Any of the revisions, when any of them carried the fleet."""
    return [
        Proof(
            revision=revision,
            release=RELEASE[revision],
            at=chooser.of(MOMENTS),
            bootable=chooser.of((True, True, False)),
        )
        for revision in REVISIONS
        if chooser.of((True, False))
    ]


def target_of(chooser: Chooser, instances: int) -> Target:
    """Any target, with orders, failures, heals and proofs; some of them of the instances that are seen."""
    wanted = chooser.of(REVISIONS)
    orders = [
        Order(slot=slot, revision=c.of((wanted, *REVISIONS)), zone=c.of(ZONES), ordered_at=c.of(MOMENTS))
        for slot, c in numbered(chooser.rows(3, 4), instances).items()
    ]
    failures = failed(chooser.rows(4, 5), wanted)
    ledger = [
        Disruption(slot=slot, zone=c.of(ZONES), drawer=c.of(DRAWERS), at=c.of(REMEMBERED))
        for slot, c in numbered(chooser.rows(4, 4), instances).items()
    ]
    proofs = proven(chooser)
    target = Target(
        fleet=FLEET,
        generation=chooser.of((1, 2, 99)),
        revision=wanted,
        release=RELEASE[wanted],
        size=chooser.of(range(8)),
        since=chooser.of(MOMENTS),
        next_slot=instances + 5,
        orders=tuple(orders),
        failures=tuple(sorted(failures, key=lambda failure: failure.at)),
        heals=tuple(
            Heal(slot=SlotId(f"web-{chooser.of((1, 2, 50))}"), at=chooser.of(REMEMBERED))
            for _ in range(chooser.of((0, 1)))
        ),
        disruptions=tuple(sorted(ledger, key=lambda entry: entry.at)),
        sicknesses=tuple(
            Sickness(slot=SlotId(f"web-{chooser.of((1, 1, 2))}"), since=chooser.of(REMEMBERED))
            for _ in range(chooser.of((0, 1, 4)))
        ),
        healing_stopped=chooser.of((None, None, NOW - timedelta(minutes=5))),
        healing_allowed=chooser.of((None, None, NOW - timedelta(seconds=30), NOW + timedelta(days=7))),
        proven=tuple(sorted(proofs, key=lambda proof: proof.at)),
        exposures=tuple(
            Exposure(
                revision=revision,
                flaw=Flaw(advisory="CVE-2026-1", severity=Severity.CRITICAL, published_at=chooser.of(MOMENTS)),
            )
            for revision in sorted(REVISIONS)
            if chooser.of((False, False, False, True))
        ),
        revoked=tuple(
            Revoked(revision=revision, reason="its key was stolen", since=chooser.of(MOMENTS))
            for revision in sorted(REVISIONS)
            if chooser.of((False, False, False, True))
        ),
        switched=chooser.of((None, chooser.of(MOMENTS))),
        zones_out=tuple(
            ZoneOut(zone=zone, since=NOW - timedelta(hours=1), until=until, reason="power works")
            for zone in ZONES[1:]
            for until in (chooser.of((None, NOW - timedelta(seconds=1), NOW + timedelta(seconds=1))),)
            if chooser.of((False, False, False, True))
        ),
        paused=chooser.of((False,) * 7 + (True,)),
        stopped=chooser.of(("", "", "", "", "2 in a row failed")),
    )
    return wished(target, chooser)


def wished(target: Target, chooser: Chooser) -> Target:
    """With whatever people may have asked of it: some is over, some is of instances that are not there."""
    until = NOW + timedelta(hours=chooser.of((0, 1)))
    return replace(
        target,
        canary=CanaryStage(
            step=chooser.of((0, 0, 1, 2)),
            since=chooser.of((None, None, chooser.of(MOMENTS))),
            baseline=tuple(SlotId(f"web-{number}") for number in range(1, chooser.of((1, 1, 2, 3, 5)))),
        ),
        paused_until=chooser.of((None, NOW, NOW + timedelta(hours=1))),
        protections=tuple(
            Protection(slot=SlotId(f"web-{number}"), since=NOW, until=until)
            for number in range(1, chooser.of((1, 1, 3, 6)))
        ),
        replacements=tuple(
            Replacement(slot=SlotId(f"web-{number}"), since=NOW) for number in range(2, chooser.of((2, 2, 2, 4)))
        ),
    )
