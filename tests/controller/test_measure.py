"""What sources of metrics say is put together; what they do not say holds nothing up."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from repave.controller.measure import measure
from repave.controller.observe import observe
from repave.controller.ports import Ports
from repave.model.metrics import InstanceMetrics, MetricSighting
from repave.model.names import FleetKey, InstanceId
from repave.model.scaling import MetricTarget, ScalePolicy
from repave.ports.errors import Unreachable
from repave.ports.metrics import Metrics
from repave.simulation.stage import FLEET, POLICY, Stage
from repave.simulation.world import SimulatedClock

WINDOW = 60.0
SCALE = ScalePolicy(lowest=1, highest=9, targets=(MetricTarget(metric="cpu", value=0.6),), window_seconds=WINDOW)


@dataclass(kw_only=True)
class Source:
    """Says what it is told to."""

    clock: SimulatedClock
    answer: Callable[[], tuple[InstanceMetrics, ...]]
    asked: int = 0
    named: dict[str, float] = field(default_factory=dict)

    def read(self, fleet: FleetKey, *, window_seconds: float, reader: str = "") -> MetricSighting:
        """As the port says."""
        assert (fleet, reader) == (FLEET, "")
        self.asked += 1
        return MetricSighting(
            at=self.clock.now(),
            window_seconds=window_seconds,
            instances=self.answer(),
            named=tuple(sorted(self.named.items())),
            incomplete="",
        )


def one(name: str = "i-1", *, seconds: float = 60, samples: int = 0, **values: float) -> InstanceMetrics:
    """What is known of one instance."""
    return InstanceMetrics(instance=InstanceId(name), seconds=seconds, samples=samples, **values)  # type: ignore[arg-type] # fields by name


def ports(stage: Stage, *sources: Metrics) -> Ports:
    """A simulated world, measured by these."""
    return Ports(
        store=stage.store,
        machines=stage.provider,
        traffic=stage.balancer,
        secrets=stage.secrets,
        clock=stage.world.clock,
        metrics=sources,
    )


def silent() -> tuple[InstanceMetrics, ...]:
    """A source that does not answer."""
    raise Unreachable("no answer")


def test_sources_complete_each_other() -> None:
    """What one does not know, the next may; of two that know, the first counts."""
    stage = Stage()
    clock = stage.world.clock
    cloud = Source(clock=clock, answer=lambda: (one(cpu=0.4, seconds=30),), named={"queue": 7})
    balancer = Source(clock=clock, answer=lambda: (one(cpu=0.9, requests_per_second=3, samples=180), one("i-2")))
    seen = measure(ports(stage, cloud, balancer), FLEET, MetricSighting(), window_seconds=WINDOW)
    assert seen.instances == (one(cpu=0.4, requests_per_second=3, samples=180), one("i-2"))
    assert (seen.named, seen.incomplete, seen.at) == ((("queue", 7.0),), "", clock.now())


def test_sources_are_asked_a_dozen_times_in_a_window() -> None:
    """What was measured just now is not measured again."""
    stage = Stage()
    source = Source(clock=stage.world.clock, answer=lambda: (one(),))
    world, seen = ports(stage, source), MetricSighting()
    for _ in range(60):
        seen = measure(world, FLEET, seen, window_seconds=WINDOW)
        stage.world.clock.sleep(1)
    assert source.asked == 12


def test_a_source_that_does_not_answer_for_a_moment_changes_nothing() -> None:
    """What was seen before stands, with its own time, for as long as the window; then it is said what is lacking."""
    stage = Stage()
    clock = stage.world.clock
    well, ill = (
        Source(clock=clock, answer=lambda: (one(memory=0.5),)),
        Source(clock=clock, answer=lambda: (one(cpu=0.4),)),
    )
    world = ports(stage, ill, well)
    first = measure(world, FLEET, MetricSighting(), window_seconds=WINDOW)
    ill.answer = silent
    clock.sleep(WINDOW)
    assert measure(world, FLEET, first, window_seconds=WINDOW) == first
    clock.sleep(1)
    later = measure(world, FLEET, first, window_seconds=WINDOW)
    assert later.instances == (one(memory=0.5),)
    assert later.incomplete == "something could not be measured: no answer"
    assert later.at == clock.now()


def test_nothing_that_measures_is_said() -> None:
    """An environment whose provider and balancer measure nothing has no data, and a reason."""
    stage = Stage()
    seen = measure(ports(stage), FLEET, MetricSighting(), window_seconds=WINDOW)
    assert (seen.instances, seen.incomplete) == ((), "nothing here measures instances")


def test_nothing_is_measured_for_a_policy_that_needs_nothing() -> None:
    """Looks may cost money, and always cost time."""
    stage = Stage()
    stage.balancer.ensure(stage.frontend(FLEET))
    source = Source(clock=stage.world.clock, answer=lambda: (one(),))
    seen = observe(ports(stage, source), POLICY, rolling=True, parallel=1)
    assert (seen.metrics, source.asked) == (MetricSighting(), 0)


def test_metrics_that_fail_leave_the_rest_of_the_observation_whole() -> None:
    """Instances and traffic are seen as ever."""
    stage = Stage()
    stage.balancer.ensure(stage.frontend(FLEET))
    source = Source(clock=stage.world.clock, answer=silent)
    seen = observe(ports(stage, source), replace(POLICY, scale=SCALE), rolling=False, parallel=1)
    assert (seen.machines.incomplete, seen.traffic.incomplete) == ("", "")
    assert seen.metrics.incomplete == "something could not be measured: no answer"
    assert seen.at - stage.world.clock.now() == timedelta(0)


def test_releases_are_compared_over_a_long_time_only_while_rolling() -> None:
    """A size follows the last minute, whatever a canary needs while there is one."""
    canary = replace(POLICY.rollout, strategy="canary", pause_seconds=300.0)
    policy = replace(POLICY, rollout=canary, scale=SCALE)
    assert policy.metrics_window_seconds(rolling=True) == 300.0
    assert policy.metrics_window_seconds(rolling=False) == SCALE.window_seconds
