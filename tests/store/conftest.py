"""Stores of each kind, which promise the same."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repave.ports.store import Store
from repave.simulation.memory.store import MemoryStore
from repave.store.sql import SqlStore


def sql_store(folder: Path) -> Store:
    """A store in a file."""
    return SqlStore(f"sqlite:///{folder}/store.db")


def memory_store(_: Path) -> Store:
    """The twin that simulations use."""
    return MemoryStore()


@pytest.fixture(params=[sql_store, memory_store])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """One store of each kind."""
    make: Callable[[Path], Store] = request.param
    made = make(tmp_path)
    yield made
    made.close()
