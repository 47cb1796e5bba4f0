"""The simulated world passes the contract first: what it does not obey, no test of the controller could rely on."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest

from repave.model.artifact import Artifact
from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    FleetName,
    ImageName,
    InstanceId,
    ProjectName,
    ReleaseNumber,
    SlotId,
    ZoneName,
)
from repave.model.policy import HealthPolicy
from repave.model.recipe import ImageKind
from repave.model.release import Revision
from repave.ports.provider import LaunchOrder
from repave.ports.traffic import Frontend
from repave.simulation.balancer import SimulatedBalancer
from repave.simulation.contract.metrics import MetricsContract, MetricsSubject
from repave.simulation.contract.provider import ProviderContract, ProviderSubject
from repave.simulation.contract.standby import StandbyContract
from repave.simulation.contract.traffic import TrafficContract, TrafficSubject
from repave.simulation.metrics import SimulatedMetrics
from repave.simulation.provider import SimulatedProvider
from repave.simulation.world import World

WEB = ImageName("web")
DIGEST = Digest("sha256:" + "1" * 64)
REVISION = Revision(release=ReleaseNumber(1), image=WEB, artifact=DIGEST, port=8080)
ARTIFACT = Artifact(image=WEB, kind=ImageKind.CONTAINER, digest=DIGEST, size_bytes=0, layers=())


def fleet(name: str) -> FleetKey:
    """A fleet of this name."""
    return FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName(name))


class TestSimulatedProvider(ProviderContract):
    """Every rule of machines, in memory."""

    @pytest.fixture
    def subject(self) -> ProviderSubject:
        """An empty world."""
        world = World()
        return ProviderSubject(
            provider=SimulatedProvider(world),
            clock=world.clock,
            fleet=fleet("web"),
            other=fleet("worker"),
            zones=(ZoneName("a"), ZoneName("b")),
            artifact=ARTIFACT,
            revision=REVISION,
            spoken="started",
            crash=lambda instance: world.kill(instance.id),
            reopen=lambda: SimulatedProvider(world),
        )


class SimulatedOrigin:
    """A machine of the simulated world, as the contract of balancers asks for one."""

    port = 8080

    def __init__(self, world: World, number: int) -> None:
        self._world = world
        order = LaunchOrder(
            fleet=fleet("web"), slot=SlotId(f"web-{number}"), zone=ZoneName("a"), revision=REVISION, generation=1
        )
        self.instance = SimulatedProvider(world).launch(order)
        self.address = world.machines[self.instance].address

    def become(self, *, well: bool) -> None:
        """Answer well or badly from now on."""
        if well:
            self._world.cure(self.instance)
        else:
            self._world.hang(self.instance)


def fleet_at(world: World, endpoint: str) -> FleetKey:
    """Whose endpoint it is; nobody's when it was removed."""
    return next((key for key, pool in world.pools.items() if pool.endpoint == endpoint), fleet("nobody"))


class TestSimulatedBalancer(TrafficContract, StandbyContract):
    """Every rule of traffic, in memory."""

    @pytest.fixture
    def subject(self) -> TrafficSubject:
        """An empty world."""
        world, numbers = World(), count(1)
        world.published.add(DIGEST)
        health = HealthPolicy(interval_seconds=0.2, healthy=2, unhealthy=2)

        @contextmanager
        def hang(endpoint: str) -> Iterator[InstanceId]:
            holder = world.ask(fleet_at(world, endpoint))
            assert holder is not None
            attached = world.pools[fleet_at(world, endpoint)].attached[holder]
            attached.held += 1
            try:
                yield holder
            finally:
                attached.held -= 1

        def frontend(name: str) -> Frontend:
            return Frontend(fleet=fleet(name), listen=None, health=health, drain_timeout_seconds=10.0)

        return TrafficSubject(
            balancer=SimulatedBalancer(world),
            clock=world.clock,
            frontend=frontend("web"),
            other=frontend("worker"),
            origin=lambda: SimulatedOrigin(world, next(numbers)),
            ask=lambda endpoint: world.ask(fleet_at(world, endpoint)),
            hang=hang,
            reopen=lambda: SimulatedBalancer(world),
            kill=world.kill_balancer,
        )


class TestSimulatedMetrics(MetricsContract):
    """Every rule of metrics, in memory."""

    @pytest.fixture
    def subject(self) -> MetricsSubject:
        """A world in which ten requests a second arrive."""
        world, numbers = World(), count(1)
        world.published.add(DIGEST)
        world.load[fleet("web")] = lambda _: 10.0
        provider, balancer = SimulatedProvider(world), SimulatedBalancer(world)
        health = HealthPolicy(interval_seconds=0.2, healthy=1)
        balancer.ensure(Frontend(fleet=fleet("web"), listen=None, health=health, drain_timeout_seconds=1.0))

        def start() -> InstanceId:
            origin = SimulatedOrigin(world, next(numbers))
            world.clock.sleep(5)
            balancer.attach(fleet("web"), origin.instance, address=origin.address, port=8080, generation=1)
            return origin.instance

        def end(instance: InstanceId) -> None:
            provider.terminate(fleet("web"), instance, generation=1)

        return MetricsSubject(
            source=SimulatedMetrics(world),
            clock=world.clock,
            fleet=fleet("web"),
            other=fleet("worker"),
            start=start,
            end=end,
            work=world.clock.sleep,
            rates=("cpu", "requests_per_second", "error_rate", "latency_seconds"),
            reopen=lambda: SimulatedMetrics(world),
        )
