"""What instances use, where no control group counts it."""

import os
from dataclasses import replace

import pytest
from local_order import FLEET, record

from repave.model.names import InstanceId
from repave.model.recipe import ImageKind
from repave.model.release import Limits
from repave.ports.surroundings import Surroundings
from repave.providers.local.mapping import Phase
from repave.providers.local.processes import identify
from repave.providers.local.provider import LocalProvider
from repave.providers.local.usage import Running, by_processes

GIB = 1 << 30
MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(
    ("kind", "limits", "memory"),
    [
        (ImageKind.VM, Limits(), GIB),
        (ImageKind.VM, Limits(memory_bytes=3 * GIB // 2), 2 * GIB),
        (ImageKind.VM, None, MACHINE),
        (ImageKind.CONTAINER, Limits(memory_bytes=2 * GIB), 2 * GIB),
        (ImageKind.CONTAINER, Limits(), MACHINE),
    ],
)
def test_memory_is_measured_against_what_an_instance_may_use(
    surroundings: Surroundings, kind: ImageKind, limits: Limits | None, memory: int
) -> None:
    """Also without root; against all that this machine has, a small one would never be full."""
    provider = LocalProvider(surroundings)
    process = identify(os.getpid())
    started = replace(record(), kind=kind, limits=limits, phase=Phase.STARTED, process=process)
    provider._parts.records.write(replace(started, instance=InstanceId("i-0123456789ab")))
    (measured,) = provider.read(FLEET, window_seconds=60).instances
    assert measured.memory == pytest.approx((measured.memory_bytes or 0) / memory)


def test_processors_are_those_of_the_instance() -> None:
    """Where it has a limit."""
    running = {7: Running(parent=1, cpu_seconds=3.0, memory_bytes=4096)}
    for limits, processors in ((Limits(cpus=0.5), 0.5), (Limits(), len(os.sched_getaffinity(0)))):
        usage = by_processes(7, running, limits)
        assert usage is not None
        assert usage.cpus == processors
