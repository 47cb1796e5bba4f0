"""Demand: how many instances would bring each metric to its target."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, fsum

from repave.model.metrics import InstanceMetrics, MetricSighting
from repave.model.names import InstanceId
from repave.model.scaling import Gauge, MetricTarget, ScalePolicy

STALE_WINDOWS = 2
"""What was measured longer ago than so many windows says nothing about now."""

SHARES = ("cpu", "memory")
"""Metrics that people write in percent."""

RATES = ("cpu", "requests_per_instance")
"""Metrics that are an average over a time; the others are as they are just now."""

EXACTNESS = 1e-9
"""Three times 100 % are 300 %, and 66 % are a tenth above 60 %, whatever the rounding."""


@dataclass(frozen=True, kw_only=True)
class Demand:
    """By all metrics together: the most demanding one counts."""

    least: int
    """So many are needed by what was measured, whatever was not."""

    most: int | None
    """More are not needed, whatever was not measured; None when that cannot be known."""

    gauges: tuple[Gauge, ...]
    unknown: tuple[str, ...]
    """The metrics without data."""

    @property
    def leading(self) -> Gauge | None:
        """The most demanding metric, the first of equals; None without data of any."""
        known = [gauge for gauge in self.gauges if gauge.needs is not None]
        return max(known, key=lambda gauge: gauge.needs or 0, default=None)


def spoken(gauge: Gauge | None) -> str:
    """A metric beside its target, for people."""
    if gauge is None:
        return "no data"
    if gauge.measured is None:
        return f"no data of {gauge.metric}"
    form = ".0%" if gauge.metric in SHARES else ".3g"
    return f"{gauge.metric} is {gauge.measured:{form}} of {gauge.wanted:{form}}"


@dataclass(frozen=True, kw_only=True)
class Carriers:
    """Who carries the load of a fleet, whatever they run."""

    serving: tuple[InstanceId, ...]
    leaving: tuple[InstanceId, ...]
    """They served lately: what they did then, others have to do now."""


def demand(policy: ScalePolicy, size: int, carriers: Carriers, metrics: MetricSighting, now: datetime) -> Demand:
    """What the metrics of those who carry the load ask for."""
    fresh = metrics.at is not None and now - metrics.at <= timedelta(seconds=STALE_WINDOWS * policy.window_seconds)
    measured = _Measured(carriers, metrics if fresh else MetricSighting())
    bounds = [_bounds(policy, size, target, measured) for target in policy.targets]
    unknown = tuple(bound.gauge.metric for bound in bounds if bound.most is None)
    return Demand(
        least=max((bound.least for bound in bounds), default=0),
        most=None if unknown or not bounds else max(bound.most or 0 for bound in bounds),
        gauges=tuple(bound.gauge for bound in bounds),
        unknown=unknown,
    )


@dataclass(frozen=True, kw_only=True)
class _Bounds:
    least: int
    most: int | None
    gauge: Gauge


class _Measured:
    """What is known of those who carry the load."""

    def __init__(self, carriers: Carriers, metrics: MetricSighting) -> None:
        known = {one.instance: one for one in metrics.instances}
        self.serving = [known.get(instance) for instance in carriers.serving]
        self.leaving = [known[instance] for instance in carriers.leaving if instance in known]
        self.longest = max((one.seconds for one in (*self.serving, *self.leaving) if one is not None), default=0.0)
        self.totals = dict(metrics.named)

    def loads(self, metric: str) -> tuple[list[float], int]:
        """The metric of each, and of how many that serve it is not known.

        A rate of one that is new is that of a short time, in which the others had less to do than before: it counts
        for as much of the whole time as it is there, or the sum would be more than ever arrived.
        """
        weighs = metric in RATES and self.longest > 0
        loads = [_load(one, metric, self.longest if weighs else None) for one in self.serving]
        known = [load for load in loads if load is not None]
        left = [_load(one, metric, self.longest) for one in self.leaving] if weighs else []
        if not known and metric in self.totals:
            return [self.totals[metric]], 0
        return [*known, *(load for load in left if load is not None)] if known else [], len(loads) - len(known)


def _load(one: InstanceMetrics | None, metric: str, longest: float | None) -> float | None:
    value = None if one is None else one.value(metric)
    if one is None or value is None or longest is None:
        return value
    return value * one.seconds / longest


def _bounds(policy: ScalePolicy, size: int, target: MetricTarget, measured: _Measured) -> _Bounds:
    """An instance that was not measured may have nothing of the metric, or all it should have."""
    loads, missing = measured.loads(target.metric)
    if not loads:
        gauge = Gauge(metric=target.metric, wanted=target.value, measured=None, needs=None)
        return _Bounds(least=0, most=None, gauge=gauge)
    total = fsum(loads)
    least = _needed(policy, size, total / target.value)
    sharing = max(1, len(measured.serving) - missing)
    gauge = Gauge(metric=target.metric, wanted=target.value, measured=total / sharing, needs=least)
    return _Bounds(least=least, most=_needed(policy, size, total / target.value + missing), gauge=gauge)


def _needed(policy: ScalePolicy, size: int, load: float) -> int:
    """How many carry a load, counted in instances at their target: the present size when that is near enough."""
    if size and abs(load / size - 1) <= policy.tolerance + EXACTNESS:
        return size
    return ceil(load - EXACTNESS)
