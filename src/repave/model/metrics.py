"""Metrics: what was measured of a fleet's instances, over which time. What is not known is None, never zero."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from repave.model.names import InstanceId


@dataclass(frozen=True, kw_only=True)
class InstanceMetrics:
    """What was measured of one instance; shares are 1.0 for the whole."""

    instance: InstanceId
    seconds: float
    """The longest time that any of it speaks of, ending when it was measured; shorter than the window for a new one."""

    samples: int = 0
    """Answers within that time: what the error rate and the latencies stand on."""

    cpu: float | None = None
    """Share of the processor time it may use."""

    memory: float | None = None
    """Share of the memory it may use."""

    memory_bytes: int | None = None
    requests_per_second: float | None = None
    error_rate: float | None = None
    """Answers that are server errors (5xx), or never came, as a share of all; None without a sample."""

    latency_seconds: float | None = None
    """Mean time from request to answer."""

    latency_p95_seconds: float | None = None
    named: tuple[tuple[str, float], ...] = ()
    """Whatever else its source measures, by name, sorted."""

    def value(self, metric: str) -> float | None:
        """The metric as a policy names it; None when it was not measured."""
        standard = STANDARD.get(metric)
        return standard(self) if standard else dict(self.named).get(metric)


STANDARD: Mapping[str, Callable[[InstanceMetrics], float | None]] = {
    "cpu": lambda metrics: metrics.cpu,
    "memory": lambda metrics: metrics.memory,
    "requests_per_instance": lambda metrics: metrics.requests_per_second,
}
"""The metrics a policy names by words of its own; every other name is one of ``named``."""


@dataclass(frozen=True, kw_only=True)
class MetricSighting:
    """What was measured of one fleet. The default is a fleet that was never measured."""

    at: datetime | None = None
    """When; None for never."""

    window_seconds: float = 0.0
    """The longest time that any of it speaks of."""

    instances: tuple[InstanceMetrics, ...] = ()
    """By instance; one that is not listed was not measured."""

    named: tuple[tuple[str, float], ...] = ()
    """Of the fleet as a whole, by name, sorted: as the length of the queue that all of it works on."""

    incomplete: str = "nothing has been measured yet"
    """Why something may be lacking; empty when all that can be measured was."""
