"""Processor and memory of instances, measured on this machine."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from repave.measuring.growth import Look, growth
from repave.measuring.looks import Looks
from repave.model.metrics import InstanceMetrics, MetricSighting
from repave.model.names import FleetKey, InstanceId
from repave.model.release import Limits
from repave.providers.local.limits import cgroup_of
from repave.providers.local.mapping import Record
from repave.providers.local.usage import Usage, by_group, by_processes, running_processes

PROCESSOR = "cpu_seconds"


Allowance = Callable[[Record], Limits]
"""What an instance may use where no control group says so."""


def measure(
    looks: Looks,
    fleet: FleetKey,
    records: Iterable[Record],
    allowance: Allowance,
    *,
    at: datetime,
    window_seconds: float,
) -> MetricSighting:
    """Look at what the running instances use, and compare it with the earlier looks of the window."""
    usages = _usages(records, allowance)
    look = Look(at=at, counters={name: {PROCESSOR: usage.cpu_seconds} for name, usage in usages.items()})
    seen = looks.add(fleet, look, window_seconds=window_seconds)
    measured = tuple(_metrics(seen, instance, usage) for instance, usage in sorted(usages.items()))
    return MetricSighting(at=at, window_seconds=window_seconds, instances=measured, incomplete="")


def _usages(records: Iterable[Record], allowance: Allowance) -> dict[InstanceId, Usage]:
    alive = {record.instance: record for record in records if record.process is not None and record.process.alive}
    found = {instance: by_group(cgroup_of(record)) for instance, record in alive.items()}
    if None in found.values():
        running = running_processes()
        for instance, record in alive.items():
            if found[instance] is None and record.process is not None:
                found[instance] = by_processes(record.process.pid, running, allowance(record))
    return {instance: usage for instance, usage in found.items() if usage is not None}


def _metrics(looks: Sequence[Look], instance: InstanceId, usage: Usage) -> InstanceMetrics:
    grown = growth(looks, instance)
    return InstanceMetrics(
        instance=instance,
        seconds=grown.seconds if grown else 0.0,
        cpu=grown.counters[PROCESSOR] / grown.seconds / usage.cpus if grown else None,
        memory=usage.memory_bytes / usage.memory_limit_bytes,
        memory_bytes=usage.memory_bytes,
    )
