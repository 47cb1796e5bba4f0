"""A scene of the real controller over the simulated world."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from convergence import OLD, Scene, SomeSecrets
from kept_store import new_store

from repave.controller.ports import Ports
from repave.simulation.balancer import SimulatedBalancer
from repave.simulation.provider import SimulatedProvider
from repave.simulation.world import World


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """An empty world in which three instances of the first release are wanted."""
    world = World()
    store = new_store(tmp_path / "store.db")
    provider, balancer = SimulatedProvider(world), SimulatedBalancer(world)
    ports = Ports(store=store, machines=provider, traffic=balancer, secrets=SomeSecrets(), clock=world.clock)
    made = Scene(world=world, provider=provider, balancer=balancer, store=store, ports=ports)
    made.want(OLD)
    yield made
    store.close()
