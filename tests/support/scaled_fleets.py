"""A fleet of four whose size follows what is measured of it, at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from repave.model.metrics import InstanceMetrics, MetricSighting
from repave.model.names import InstanceId, ReleaseNumber, RevisionId, ZoneName
from repave.model.plan import Plan, Rule
from repave.model.policy import FleetPolicy
from repave.model.scaling import Leaning, MetricTarget, ScalePolicy, ScheduledSize, SizeHistory
from repave.model.target import Target
from repave.planner.check import check
from repave.planner.fleet import plan
from repave.simulation.sketch import Sketch

SKETCH = Sketch()
CPU = MetricTarget(metric="cpu", value=0.6)
REQUESTS = MetricTarget(metric="requests_per_instance", value=100)
QUEUE = MetricTarget(metric="queue", value=50)
SCALE = ScalePolicy(lowest=2, highest=8, targets=(CPU,))
POLICY = FleetPolicy(fleet=SKETCH.fleet, zones=tuple(ZoneName(name) for name in "abc"), scale=SCALE)
TARGET = Target(
    fleet=SKETCH.fleet,
    generation=5,
    revision=RevisionId("new"),
    release=ReleaseNumber(3),
    size=4,
    since=SKETCH.ago(7000),
    next_slot=20,
    proven=(SKETCH.proof("new", 6900),),
)
FULL = ("1 new a serving", "2 new b serving", "3 new c serving", "4 new a serving")
Rates = Mapping[int, Mapping[str, float]]


def measured(rates: Rates, *, seconds_ago: float = 0, **named: float) -> MetricSighting:
    """What is measured of instances by their numbers."""
    instances = tuple(
        InstanceMetrics(
            instance=InstanceId(f"i-{number}"),
            seconds=values.get("seconds", 60),
            cpu=values.get("cpu"),
            memory=values.get("memory"),
            requests_per_second=values.get("requests_per_instance"),
        )
        for number, values in rates.items()
    )
    return MetricSighting(
        at=SKETCH.ago(seconds_ago), window_seconds=60, instances=instances, named=tuple(named.items()), incomplete=""
    )


def every(value: float, metric: str = "cpu", numbers: Sequence[int] = (1, 2, 3, 4)) -> MetricSighting:
    """The same of each."""
    return measured({number: {metric: value} for number in numbers})


def decide(
    metrics: MetricSighting,
    *lines: str,
    policy: FleetPolicy = POLICY,
    target: Target = TARGET,
    now: datetime = SKETCH.now,
) -> Plan:
    """The plan, which the checker lets pass."""
    seen = replace(SKETCH.see(*(lines or FULL)), metrics=metrics)
    made = plan(policy, target, seen, now)
    check(made, policy, target, seen, now)
    return made


def scaling(*targets: MetricTarget, **changes: object) -> FleetPolicy:
    """The policy with another scale."""
    wanted = replace(SCALE, targets=targets or SCALE.targets, **changes)  # type: ignore[arg-type] # fields by name
    return replace(POLICY, scale=wanted)


def wanted(made: Plan) -> int | None:
    """The size from now on; None when it stays."""
    return made.resize.size if made.resize else None


def waits(made: Plan) -> dict[str, Rule]:
    """By which rule the size waits."""
    return {hold.subject: hold.rule for hold in made.holds if hold.subject == "size"}


def leaning(size: int, seconds: float) -> Target:
    """A fleet whose metrics have asked for another size for so long."""
    return replace(TARGET, size_history=SizeHistory(leaning=Leaning(since=SKETCH.ago(seconds), size=size)))


PRAGUE = ZoneInfo("Europe/Prague")
DAY = ScheduledSize(cron="0 8 * * Mon-Fri", time_zone=PRAGUE, size=6)
NIGHT = ScheduledSize(cron="0 18 * * *", time_zone=PRAGUE, size=3)
SCHEDULED = replace(POLICY, scale=replace(SCALE, targets=(), schedule=(DAY, NIGHT)))
MONDAY = datetime(2026, 3, 2, tzinfo=PRAGUE)
