"""How long a machine is waited for that is to be saved, or goes on from memory, and what is made of its silence."""

import os
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from local_order import record

from repave.model.names import FleetName
from repave.model.release import Limits
from repave.ports.errors import Invalid
from repave.ports.identity_format import AWAITING
from repave.providers.local.engines import Started
from repave.providers.local.places import Places
from repave.providers.local.processes import identify
from repave.providers.local.qemu import going_on, saving
from repave.providers.local.qemu.acceleration import Acceleration
from repave.providers.local.qemu.going_on import GoingOn
from repave.providers.local.qemu.machine import Boot, Machine
from repave.providers.local.qemu.monitor import Silent
from repave.providers.local.qemu.saving import CONSOLE, awaited
from repave.providers.local.qemu.snapshots import DISK, MEMORY, Shape, Snapshots
from repave.providers.local.settings import AWAITING_SECONDS, LOAD_SECONDS, MONITOR_SECONDS
from repave.simulation.clock import BEGINNING, SimulatedClock


class SetForward(SimulatedClock):
    """Set forward by an hour at each look: by none that measures how long something takes."""

    looks = 0

    def now(self) -> datetime:
        """Later."""
        self.looks += 1
        return super().now() + timedelta(hours=self.looks)

    @property
    def seconds(self) -> float:
        """As they pass."""
        return (super().now() - BEGINNING).total_seconds()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SetForward:
    """By which everything is waited for."""
    clock = SetForward()
    for module in (saving, going_on):
        monkeypatch.setattr(module, "monotonic", lambda: clock.seconds)
    return clock


def test_a_machine_that_warns_is_waited_for(tmp_path: Path, clock: SetForward) -> None:
    """QEMU may say this and that before its guest is ready."""
    (tmp_path / "number").write_text(f"{os.getpid()}\n")
    (tmp_path / "said").write_text("qemu-system-x86_64: warning: this machine is small\n")
    clock.put(BEGINNING + timedelta(seconds=20), lambda: _write(tmp_path / CONSOLE, f"{AWAITING}\n"))
    assert awaited(tmp_path, AWAITING, clock, seconds=AWAITING_SECONDS).pid == os.getpid()


def test_a_machine_that_ended_is_not_waited_for(tmp_path: Path, clock: SetForward) -> None:
    """What it said last is told."""
    with subprocess.Popen(["true"]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        (tmp_path / "number").write_text(f"{ended.pid}\n")
        (tmp_path / "said").write_text("no kernel\n")
        with pytest.raises(Invalid, match="ended before it was ready: no kernel"):
            awaited(tmp_path, AWAITING, clock, seconds=AWAITING_SECONDS)


def test_a_machine_that_never_gets_ready_is_given_up(tmp_path: Path, clock: SetForward) -> None:
    """Even one that was never seen."""
    with pytest.raises(Invalid, match="was not ready within 300 s"):
        awaited(tmp_path, AWAITING, clock, seconds=AWAITING_SECONDS)


@pytest.mark.parametrize("writable", [True, False])
def test_a_qemu_that_hangs_over_its_memory_is_given_up_in_time(
    tmp_path: Path, clock: SetForward, monkeypatch: pytest.MonkeyPatch, *, writable: bool
) -> None:
    """Whether or not there is room for a note; the console says why."""
    places, asked = Places(root=tmp_path, runtime=tmp_path), []

    def silent(*question: object) -> NoReturn:
        asked.append(question)
        clock.sleep(MONITOR_SECONDS)
        raise Silent

    monkeypatch.setattr(going_on, "ask", silent)
    machine = Machine(
        record=record(),
        boot=Boot(disk=tmp_path / "disk", kernel=tmp_path / "kernel", initrd=None, arguments=""),
        overlay=tmp_path / "overlay",
        events=tmp_path / "events",
        console=tmp_path / "console",
        acceleration=Acceleration(accelerator="kvm", why="tried"),
        limits=Limits(),
        namespace=None,
        runas=False,
    )
    digest, snapshots = machine.record.artifact, Snapshots(places=places)
    making = snapshots.making(digest, FleetName("web"))
    for name in (MEMORY, DISK):
        (making / name).touch()
    snapshots.keep(digest, FleetName("web"), Shape.of(machine.acceleration, machine.limits))

    def start(machine: Machine, seed: bytes, memory: Path) -> Started:
        assert machine.below
        assert seed
        assert memory.exists()
        if not writable:
            shutil.rmtree(places.snapshots(digest))
            places.snapshots(digest).touch()
        return Started(process=identify(os.getpid()))

    assert GoingOn(places=places, clock=clock, snapshots=snapshots).start(machine, {}, start) is None
    assert 1 < len(asked) <= LOAD_SECONDS / MONITOR_SECONDS
    assert machine.console.read_text().startswith("repave: started cold: QEMU did not go on from the saved memory")
    assert writable == (places.snapshots(digest) / "web.cold").exists()


def _write(place: Path, text: str) -> None:
    place.write_text(text)
