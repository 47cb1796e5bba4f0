"""A real HAProxy that ends with its test, and HTTP servers behind it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from haproxied import FLEET, OTHER, SERVER, Server, StartServer

from repave.balancers.haproxy.balancer import HaproxyBalancer
from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.names import ProjectName
from repave.ports.surroundings import Surroundings
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Starts HTTP servers, which end with the test."""
    started: list[Server] = []

    def start(name: str, *, ill: bool = False, queue: int = 128, lasting: bool = False) -> Server:
        mark = tmp_path / f"{name}.ill"
        if ill:
            mark.touch()
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", SERVER, name, str(mark), str(queue), f"HTTP/1.{int(lasting)}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # it complains of every connection that is cut
        )
        assert process.stdout is not None
        started.append(Server(name=name, port=int(process.stdout.readline()), process=process, ill=mark))
        return started[-1]

    yield start
    for server in started:
        server.process.kill()
        server.process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where HAProxy's files are."""
    return tmp_path / "haproxy"


@pytest.fixture
def balancer(tmp_path: Path, folder: Path) -> Iterator[HaproxyBalancer]:
    """A balancer that ends with the test."""
    surroundings = Surroundings(
        project=ProjectName("shop"),
        folder=folder,
        commands=LocalCommands(),
        clock=SystemClock(),
        vault=FileVault(root=tmp_path / "vault"),
        registry=LayoutRegistry(root=tmp_path / "registry"),
    )
    made = HaproxyBalancer(surroundings)
    yield made
    made.remove(OTHER)
    made.remove(FLEET)
