"""Stores of each kind, which promise the same."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kept_store import lay_empty, new_store
from peers.postgresql import Server, served

from repave.ports.store import Store
from repave.simulation.memory.store import MemoryStore
from repave.store.sql import SqlStore

DATABASES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.real))


@pytest.fixture(scope="session")
def running() -> Iterator[Server]:
    """One for all tests of the room; each has a database of its own."""
    with served() as server:
        yield server


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    """The same, without what a test has left in it."""
    yield running
    running.drop()


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store is in each database, with its tables where they take time to make."""
    if request.param == "postgresql":
        return served_by(request).prepared()
    lay_empty(tmp_path / "store.db")
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture(params=DATABASES)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same, where nothing is yet."""
    return f"sqlite:///{tmp_path}/store.db" if request.param == "sqlite" else served_by(request).empty()


@pytest.fixture(params=(*DATABASES, "memory"))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """One store of each kind; the twin in memory is what simulations use."""
    makers: dict[str, Callable[[], Store]] = {
        "sqlite": lambda: new_store(tmp_path / "store.db"),
        "postgresql": lambda: SqlStore(served_by(request).prepared()),
        "memory": MemoryStore,
    }
    made = makers[request.param]()
    yield made
    made.close()


def served_by(request: pytest.FixtureRequest) -> Server:
    """The server, which is started for the first that wants it."""
    server: Server = request.getfixturevalue("server")
    return server
