"""Metrics in memory: the load that arrives at a fleet, shared out over the instances that serve it."""

from datetime import datetime

from repave.model.metrics import InstanceMetrics, MetricSighting
from repave.model.names import FleetKey, InstanceId
from repave.model.observation import TrafficState
from repave.simulation.pool import Attached
from repave.simulation.world import World

FULL = 0.99
"""An instance this busy or more is as slow as it ever gets."""


class SimulatedMetrics:
    """The metrics port over a simulated world. Keeps nothing itself: another one sees the same."""

    def __init__(self, world: World) -> None:
        self.world = world

    def read(self, fleet: FleetKey, *, window_seconds: float) -> MetricSighting:
        """As if the load of this moment had been that of the whole window."""
        return self.world.call("read metrics", lambda: self._read(fleet, window_seconds))

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
        pool, load = self.world.pools.get(fleet), self.world.load.get(fleet)
        if pool is None or not self.world.balancer_alive:
            return ()
        attached = [pool.attached[name] for name in sorted(pool.attached) if self._is_there(name, at)]
        serving = sum(known.state is TrafficState.SERVING for known in attached)
        share = load(at) / serving if load and serving else 0.0
        return tuple(self._metrics(known, share, at, window_seconds) for known in attached)

    def _is_there(self, instance: InstanceId, at: datetime) -> bool:
        machine = self.world.machines.get(instance)
        return machine is not None and not machine.ended and not machine.dead(at)

    def _metrics(self, known: Attached, share: float, at: datetime, window_seconds: float) -> InstanceMetrics:
        behaviour = self.world.machines[known.instance].behaviour
        seconds = max(0.0, min(window_seconds, (at - known.since).total_seconds()))
        rate = share if known.state is TrafficState.SERVING else 0.0
        wanted = rate * behaviour.cpu_seconds_per_request
        samples = round(rate * seconds)
        # What is asked for above its processor it cannot answer in time.
        errors = max(behaviour.error_share, 1 - 1 / max(1.0, wanted))
        return InstanceMetrics(
            instance=known.instance,
            seconds=seconds,
            samples=samples,
            cpu=min(1.0, wanted) if seconds else None,
            memory=0.5,
            requests_per_second=rate if seconds else None,
            error_rate=errors if samples else None,
            latency_seconds=behaviour.latency_seconds / (1 - min(FULL, wanted)) if samples else None,
        )
