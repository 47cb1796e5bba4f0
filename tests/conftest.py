"""How long properties are tried (HYPOTHESIS_PROFILE=ci: a thousand times each), in which order, and how tests end."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from in_memory import in_memory
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

SHARED_OUT = ("tests/planner/", "tests/simulation/")
"""Rooms whose tests compute long and share nothing."""

MEMORY_BYTES = 4 << 30
"""So much of it is to be free for what is not real: in some containers there are 64 MiB."""

settings.register_profile("dev", max_examples=100, deadline=None)
settings.register_profile(
    "ci",
    max_examples=1000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],  # a shared machine is slow at times, which says nothing of the code
)
settings.register_profile(
    "quick",
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),  # that it fails is enough: nobody reads the example
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_configure() -> None:
    """Whoever ends the tests interrupts them, as a person would: what they have started is put away.

    Interrupts are taken even where a shell that runs the tests in its background had them ignored: so are children's.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that start something real come first; single tests are last, so that all workers end together."""
    real = {item.path for item in items if item.get_closest_marker("real")}
    items.sort(key=lambda item: (item.path not in real, is_shared_out(item.nodeid)))


def pytest_collection_finish() -> None:
    """What collecting has made stays to the end: a collector of garbage that looks at it again and again finds none."""
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """Other files stay whole, since their tests share what is dear to make."""
    return SharingOut(config, log)


class SharingOut(LoadFileScheduling):  # type: ignore[misc] # pytest-xdist ships no types
    """A file goes to one worker, but a test of the pure rooms to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if is_shared_out(nodeid) else str(super()._split_scope(nodeid))


def is_shared_out(nodeid: str) -> bool:
    """Whether a test runs on any worker, whatever the others of its file do."""
    return nodeid.startswith(SHARED_OUT)


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """In memory, where every store's flush to the disk is free; what is real has much to lay down, and is on a disk."""
    if request.node.get_closest_marker("real"):
        yield tmp_path
        return
    with in_memory(tmp_path, wanted_bytes=MEMORY_BYTES) as place:
        yield place
