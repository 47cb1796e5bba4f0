"""Metrics in memory: the load that arrives at a fleet, shared out over the instances that serve it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from repave.model.metrics import InstanceMetrics, MetricSighting
from repave.model.names import FleetKey, InstanceId
from repave.model.observation import TrafficState
from repave.simulation.pool import Attached
from repave.simulation.world import World

FULL = 0.99
"""An instance this busy or more is as slow as it ever gets."""

COLD = 10.0
"""How much longer answers take while caches are cold."""

LEFT = (TrafficState.DRAINING, TrafficState.DRAINED)


class SimulatedMetrics:
    """The metrics port over a simulated world. Keeps nothing itself: another one sees the same."""

    def __init__(self, world: World) -> None:
        self.world = world

    def read(self, fleet: FleetKey, *, window_seconds: float, reader: str = "") -> MetricSighting:
        """What arrived in the window, at whoever served then and is still attached; any reader sees the same."""
        del reader
        return self.world.call("read metrics", fleet=fleet, work=lambda: self._read(fleet, window_seconds))

    def _read(self, fleet: FleetKey, window_seconds: float) -> MetricSighting:
        at = self.world.clock.now()
        if self.world.unmeasured:
            return MetricSighting(at=at, window_seconds=window_seconds, incomplete=self.world.unmeasured)
        return MetricSighting(
            at=at,
            window_seconds=window_seconds,
            instances=self._instances(fleet, at, window_seconds),
            named=tuple(sorted(self.world.totals.get(fleet, {}).items())),
            incomplete="",
        )

    def _instances(self, fleet: FleetKey, at: datetime, window_seconds: float) -> tuple[InstanceMetrics, ...]:
        pool = self.world.pools.get(fleet)
        if pool is None or not self.world.balancer_alive:
            return ()
        begin = at - timedelta(seconds=window_seconds)
        served = {
            name: self._served(pool.attached[name], begin, at)
            for name in sorted(pool.attached)
            if self._is_there(name, at)
        }
        requests = share_out(self.world.load.get(fleet), served)
        return tuple(self._metrics(name, during, requests.get(name, 0.0)) for name, during in served.items())

    def _served(self, known: Attached, begin: datetime, at: datetime) -> "Span":
        """When within the window it got requests."""
        begin = max(begin, self.world.machines[known.instance].running_from)
        if known.state in LEFT:
            return Span(begin, max(begin, known.since))
        return Span(max(begin, known.since) if known.state is TrafficState.SERVING else at, at)

    def _is_there(self, instance: InstanceId, at: datetime) -> bool:
        machine = self.world.machines.get(instance)
        return machine is not None and not machine.ended and not machine.dead(at)

    def _metrics(self, instance: InstanceId, during: "Span", requests: float) -> InstanceMetrics:
        behaviour, seconds = self.world.machines[instance].behaviour, during.seconds
        if not seconds:
            return InstanceMetrics(instance=instance, seconds=0.0, memory=0.5)
        wanted = requests / seconds * behaviour.cpu_seconds_per_request
        samples = round(requests)
        # What is asked for above its processor it cannot answer in time.
        errors = max(behaviour.error_share, 1 - 1 / max(1.0, wanted))
        return InstanceMetrics(
            instance=instance,
            seconds=seconds,
            samples=samples,
            cpu=min(1.0, wanted),
            memory=0.5,
            requests_per_second=requests / seconds,
            error_rate=errors if samples else None,
            latency_seconds=self._latency(instance, during) / (1 - min(FULL, wanted)) if samples else None,
        )

    def _latency(self, instance: InstanceId, during: "Span") -> float:
        """The mean, some of the answers being those of one whose caches were cold."""
        machine = self.world.machines[instance]
        behaviour = machine.behaviour
        if not behaviour.warms_up_seconds:
            return behaviour.latency_seconds
        warm_from = machine.running_from + timedelta(seconds=behaviour.warms_up_seconds)
        cold = Span(during.begin, min(max(during.begin, warm_from), during.end)).seconds / during.seconds
        return behaviour.latency_seconds * (1 + cold * (COLD - 1))


@dataclass(frozen=True)
class Span:
    """From one moment to another, not before it."""

    begin: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """How long."""
        return (self.end - self.begin).total_seconds()


def share_out(load: Callable[[datetime], float] | None, served: Mapping[InstanceId, Span]) -> dict[InstanceId, float]:
    """How many of the requests that arrive a second each instance got: at any time all who served got the same."""
    got = dict.fromkeys(served, 0.0)
    if load is None:
        return got
    for begin, end in pairwise(_cuts(served.values())):
        there = [name for name, span in served.items() if span.begin <= begin and end <= span.end]
        arrived = load(begin + (end - begin) / 2) * (end - begin).total_seconds()
        for name in there:
            got[name] += arrived / len(there)
    return got


def _cuts(spans: Iterable[Span]) -> list[datetime]:
    return sorted({moment for span in spans for moment in (span.begin, span.end)})
