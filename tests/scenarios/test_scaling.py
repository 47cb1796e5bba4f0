"""A real fleet follows a real load: containers on this machine, requests through HAProxy, sizes by what it counts."""

import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny_project import VAULT, laid_out, repave

FLEETS = """fleets:
  web:
    image: web
    port: 8080
    health: {interval: 300ms, timeout: 2s, healthy: 1, grace: 30s}
    scale: {requests_per_instance: 8, in_after: 4s, cool_down: 2s, window: 4s}
environments:
  test: {provider: local, zones: [a, b], fleets: {web: {size: 1..3}}}
"""
REPAVE = str(Path(sys.executable).with_name("repave"))
PATIENCE_SECONDS = 120.0
"""For a machine that has much else to do."""

RATE = 50.0
"""Requests a second, if the machine has time for them: far more than two instances should have."""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """Baked and deployed, of the smallest size; nothing of it runs afterwards."""
    folder = laid_out(tmp_path / "project")
    file = folder / "repave.yaml"
    image, _, _ = file.read_text(encoding="utf-8").partition("fleets:\n")
    file.write_text(image + FLEETS, encoding="utf-8")
    repave(folder, "vault", "import", str(VAULT))
    repave(folder, "bake")
    repave(folder, "deploy", "test")
    yield folder
    repave(folder, "destroy", "test", "--yes")


class Load:
    """Requests at an even pace, one after the other, until it is stopped."""

    def __init__(self, endpoint: str) -> None:
        self.asked = self.failed = 0
        self._endpoint = endpoint
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(8)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """No more."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._stopped.wait(len(self._threads) / RATE):
            self.asked += 1
            try:
                with urllib.request.urlopen(self._endpoint, timeout=20) as answer:  # noqa: S310 - HAProxy on loopback
                    answer.read()
            except OSError:
                self.failed += 1


def seen(project: Path) -> Any:  # noqa: ANN401 - the document of a verb
    """The fleet as `repave status` shows it."""
    [fleet] = repave(project, "status", "test")["fleets"]
    return fleet


def told(project: Path) -> str:
    """What `repave status` tells a person."""
    command = [REPAVE, "status", "test"]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=True, timeout=60).stdout


def eventually(project: Path, holds: Callable[[Any], bool]) -> Any:  # noqa: ANN401 - the document of a verb
    """The first status for which it holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        fleet = seen(project)
        if holds(fleet):
            return fleet
        assert time.monotonic() < deadline, f"it does not come to be: {fleet}"
        time.sleep(0.5)


@pytest.mark.real
def test_a_fleet_grows_under_load_and_shrinks_without(project: Path) -> None:
    """From one instance to three and back, as HAProxy counts the requests; none fails, and the reason is told."""
    endpoint = f"{seen(project)['endpoint']}/"
    command = [REPAVE, "deploy", "test", "--watch"]
    with (project / "watch.log").open("wb") as log, subprocess.Popen(command, cwd=project, stderr=log) as keeper:
        try:
            load = Load(endpoint)
            try:
                grown = eventually(project, lambda fleet: fleet["size"] == fleet["serving"] == 3)
                assert (grown["sizing"]["lowest"], grown["sizing"]["highest"]) == (1, 3)
                assert grown["sizing"]["reason"].startswith("requests_per_instance is ")
                assert grown["sizing"]["measured"][0].endswith(" of 8")
                assert "3/3 (1..3)" in told(project)
                assert "test/web is 3 of 1..3: requests_per_instance is " in told(project)
            finally:
                load.stop()
            eventually(project, lambda fleet: fleet["size"] == fleet["serving"] == 1 == len(fleet["instances"]))
        finally:
            keeper.send_signal(signal.SIGINT)
            keeper.wait(timeout=60)
    assert load.asked > RATE
    assert load.failed == 0, (project / "watch.log").read_text(encoding="utf-8")
