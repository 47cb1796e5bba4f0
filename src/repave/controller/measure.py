"""What is measured of a fleet: every source asked now and then, never more often than it can tell anything new.

That nothing could be measured holds nothing else up: it is a sighting that says so.
"""

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import timedelta

from repave.controller.ports import Ports
from repave.model.metrics import InstanceMetrics, MetricSighting
from repave.model.names import FleetKey, InstanceId
from repave.ports.errors import WorldError

LOOKS_PER_WINDOW = 12
"""Every 5 s of a window of a minute: what is measured over a window hardly changes faster, and looks may cost money."""

MEASURES = tuple(
    field.name for field in fields(InstanceMetrics) if field.name not in {"instance", "seconds", "samples", "named"}
)


def measure(ports: Ports, fleet: FleetKey, before: MetricSighting, *, window_seconds: float) -> MetricSighting:
    """What all sources know together; ``before`` again while it is fresh.

    When a source does not answer, what was seen before stands for as long as the window, with its own time; later on,
    what the others say stands alone, and says what it lacks.
    """
    now = ports.clock.now()
    age = timedelta.max if before.at is None else now - before.at
    if timedelta(0) <= age < timedelta(seconds=window_seconds / LOOKS_PER_WINDOW):
        return before
    sightings, failures = [], []
    for source in ports.metrics:
        try:
            sightings.append(source.read(fleet, window_seconds=window_seconds))
        except WorldError as error:
            failures.append(f"something could not be measured: {error.message}")
    if failures and timedelta(0) <= age <= timedelta(seconds=window_seconds):
        return before
    if not ports.metrics:
        failures.append("nothing here measures instances")
    return MetricSighting(
        at=now,
        window_seconds=window_seconds,
        instances=_together(sightings),
        named=tuple(sorted({name: value for seen in sightings for name, value in seen.named}.items())),
        incomplete="; ".join([*(seen.incomplete for seen in sightings if seen.incomplete), *failures]),
    )


def _together(sightings: Iterable[MetricSighting]) -> tuple[InstanceMetrics, ...]:
    found: dict[InstanceId, InstanceMetrics] = {}
    for sighting in sightings:
        for metrics in sighting.instances:
            known = found.get(metrics.instance)
            found[metrics.instance] = _joined(known, metrics) if known else metrics
    return tuple(found[instance] for instance in sorted(found))


def _joined(first: InstanceMetrics, second: InstanceMetrics) -> InstanceMetrics:
    """What the first source does not know, the second may."""
    lacking = {name: getattr(second, name) for name in MEASURES if getattr(first, name) is None}
    return replace(
        first,
        seconds=max(first.seconds, second.seconds),
        samples=max(first.samples, second.samples),
        named=tuple(sorted({**dict(second.named), **dict(first.named)}.items())),
        **lacking,
    )
