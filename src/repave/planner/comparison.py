"""Whether a new release answers clearly worse than the old one beside it; little traffic is no evidence of anything.

Errors: the shares of failed answers are compared as two proportions. The new one is worse when its share is higher by
at least ``NOTICEABLE`` and by ``SURE`` standard errors of the difference, with both shares pooled:

    z = (e1/n1 - e0/n0) / sqrt(p (1 - p) (1/n1 + 1/n0)),  p = (e1 + e0) / (n1 + n0)

Answers: their mean times, weighted by samples. The new one is worse when it takes ``MUCH_SLOWER`` times as long and
``SLOWER_SECONDS`` longer. Below ``FEWEST_SAMPLES`` on either side nothing is said.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from repave.model.metrics import InstanceMetrics

FEWEST_SAMPLES = 100
"""On each side: with fewer, a share of errors is known to a few per cent only."""

SURE = 4.0
"""By chance alone once in 30,000 looks; a step is looked at hundreds of times."""

NOTICEABLE = 0.01
"""One answer in a hundred: what differs by less nobody stops a release for, however sure it is."""

MUCH_SLOWER = 2.0
SLOWER_SECONDS = 0.05
"""What is twice as slow and still this fast is noise of the machine."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What the metrics say of the new beside the old."""

    worse: str
    """In what it is clearly worse; empty when it is not, or when nothing can be said."""

    told: str
    """What that stands on, for people."""

    judged: bool = True
    """False where too little was measured to say anything."""


def compare(
    new: Iterable[InstanceMetrics], old: Iterable[InstanceMetrics], *, patient: bool, name: str = "the old"
) -> Comparison:
    """Compare all answers of the new with all of the old, which people are told of by this name.

    ``patient``: enough time has passed that slow first answers are outweighed; times are not compared before.
    """
    ours, theirs = _measured(new), _measured(old)
    samples, before = _samples(ours), _samples(theirs)
    if min(samples, before) < FEWEST_SAMPLES:
        words = f"{samples} answers of the new and {before} of {name} were measured, {FEWEST_SAMPLES} are needed"
        return Comparison(worse="", told=f"health alone: {words}", judged=False)
    rate, rate_before = _mean(ours, _error_rate), _mean(theirs, _error_rate)
    pooled = (rate * samples + rate_before * before) / (samples + before)
    deviation = sqrt(pooled * (1 - pooled) * (1 / samples + 1 / before))
    told = f"{_percent(rate)} of {samples} answers failed, {_percent(rate_before)} of {before} of {name}"
    if rate - rate_before >= NOTICEABLE and rate - rate_before >= SURE * deviation:
        return Comparison(worse=told, told=told)
    slow, slow_before = _mean(ours, _latency), _mean(theirs, _latency)
    times = f"answers take {_milliseconds(slow)}, those of {name} {_milliseconds(slow_before)}"
    if patient and slow >= MUCH_SLOWER * slow_before and slow - slow_before >= SLOWER_SECONDS:
        return Comparison(worse=times, told=times)
    return Comparison(worse="", told=f"{told}; {times}")


def _measured(metrics: Iterable[InstanceMetrics]) -> list[InstanceMetrics]:
    return [each for each in metrics if each.samples and each.error_rate is not None]


def _samples(metrics: Iterable[InstanceMetrics]) -> int:
    return sum(each.samples for each in metrics)


def _error_rate(metrics: InstanceMetrics) -> float | None:
    return metrics.error_rate


def _latency(metrics: InstanceMetrics) -> float | None:
    return metrics.latency_seconds


def _mean(metrics: Sequence[InstanceMetrics], value_of: Callable[[InstanceMetrics], float | None]) -> float:
    """Weighted by samples; 0 where nobody measured it."""
    known = [(each.samples, value) for each in metrics if (value := value_of(each)) is not None]
    total = sum(samples for samples, _ in known)
    return sum(samples * value for samples, value in known) / total if total else 0.0


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"
