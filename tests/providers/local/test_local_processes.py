"""Processes and devices of this machine may be called anything."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from signal import SIGTERM

import pytest

from repave.jobs.commands import LocalCommands
from repave.providers.local import network
from repave.providers.local.guarded import Guarded
from repave.providers.local.network import BridgeNetwork
from repave.providers.local.places import Places
from repave.providers.local.processes import identify
from repave.providers.local.usage import running_processes

NAMED = """
import ctypes, sys
PR_SET_NAME = 15
ctypes.CDLL(None).prctl(PR_SET_NAME, b"a\\xff")
print("named", flush=True)
sys.stdin.read()
"""

ROUTES = b"""Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
v\xff\t00400A0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""


@pytest.fixture
def oddly_named() -> Iterator[int]:
    """The number of a process whose name is no text."""
    command = [sys.executable, "-I", "-c", NAMED]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stdout.readline() == b"named\n"
        yield child.pid


def test_a_process_may_have_any_bytes_as_its_name(oddly_named: int) -> None:
    """It is told from others, seen to live, measured, and ended like any other."""
    assert Path(f"/proc/{oddly_named}/comm").read_bytes() == b"a\xff\n"
    process = identify(oddly_named)
    assert process is not None
    assert process.alive
    assert not process.handles(SIGTERM)
    assert running_processes()[oddly_named].memory_bytes > 0
    process.stop(patience_seconds=0)
    assert not process.alive


def test_a_strangers_device_may_have_any_bytes_as_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project's network is chosen beside its routes all the same."""
    routes = tmp_path / "route"
    routes.write_bytes(ROUTES)
    monkeypatch.setattr(network, "ROUTES", routes)
    places, commands = Places(root=tmp_path, runtime=tmp_path), LocalCommands()
    bridge = BridgeNetwork(places=places, commands=commands, guarded=Guarded(places=places, commands=commands))
    assert bridge.allocate(()).startswith("10.")
