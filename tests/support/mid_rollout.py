"""A fleet in the middle of a rollout, and words for what its plan does."""

from dataclasses import replace

from repave.model.amount import Amount
from repave.model.names import ReleaseNumber, RevisionId, ZoneName
from repave.model.observation import Observation
from repave.model.plan import Attach, Detach, Drain, Launch, Plan, Rule, Terminate
from repave.model.policy import FleetPolicy, RolloutPolicy
from repave.model.target import Target
from repave.planner.check import check
from repave.planner.fleet import plan
from repave.simulation.sketch import Sketch

SKETCH = Sketch()
NOW, FLEET = SKETCH.now, SKETCH.fleet
ZONES = tuple(ZoneName(name) for name in "abc")
POLICY = FleetPolicy(fleet=FLEET, zones=ZONES)
ago, see, proof, failed, ordered = SKETCH.ago, SKETCH.see, SKETCH.proof, SKETCH.failed, SKETCH.ordered

TARGET = Target(
    fleet=FLEET,
    generation=5,
    revision=RevisionId("new"),
    release=ReleaseNumber(3),
    size=3,
    since=ago(300),
    next_slot=20,
    proven=(proof("old"),),
)
"""The new release is being rolled out over three instances of the old one."""

SETTLED = replace(TARGET, since=ago(7000), proven=(proof("old"), proof("new", 6900)))
"""The new release carries the fleet."""


def decide(seen: Observation, target: Target = TARGET, policy: FleetPolicy = POLICY) -> Plan:
    """The plan, which the checker accepts."""
    made = plan(policy, target, seen, NOW)
    check(made, policy, target, seen, NOW)
    return made


def launches(made: Plan) -> list[str]:
    """Slot and zone of each launch."""
    return [f"{step.slot} {step.zone}" for step in made.steps if isinstance(step, Launch)]


def slots(made: Plan, kind: type[Attach | Drain | Detach | Terminate]) -> list[str]:
    """The slots that steps of a kind touch."""
    return [str(step.slot) for step in made.steps if isinstance(step, kind)]


def rules(made: Plan) -> dict[str, Rule]:
    """What waits, by which rule."""
    return {hold.subject: hold.rule for hold in made.holds}


def rollout(surge: int = 1, unavailable: int = 0, share: int = 20, row: int = 2) -> FleetPolicy:
    """Another pace."""
    return replace(
        POLICY,
        rollout=RolloutPolicy(
            surge=Amount(value=surge),
            unavailable=Amount(value=unavailable),
            stop_share=Amount(value=share, percent=True),
            stop_in_a_row=row,
        ),
    )
