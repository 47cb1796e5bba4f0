"""The simulated world passes the contract first: what it does not obey, no test of the controller could rely on."""

import pytest

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
from repave.model.release import Revision
from repave.ports.provider import LaunchOrder
from repave.ports.traffic import Frontend
from repave.simulation.balancer import SimulatedBalancer
from repave.simulation.contract import PROVIDER_RULES, TRAFFIC_RULES, ProviderStage, Rule, Server, TrafficStage
from repave.simulation.provider import SimulatedProvider
from repave.simulation.world import Behaviour, World

FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
WELL = Revision(release=ReleaseNumber(1), image=ImageName("web"), artifact=Digest("sha256:" + "1" * 64), port=8080)
ILL = Revision(release=ReleaseNumber(2), image=ImageName("web"), artifact=Digest("sha256:" + "2" * 64), port=8080)


@pytest.mark.parametrize("rule", PROVIDER_RULES, ids=str)
def test_the_simulated_provider_obeys(rule: Rule[ProviderStage]) -> None:
    """Each rule of the provider contract holds in the simulated world."""
    world = World()
    stage = ProviderStage(
        machines=SimulatedProvider(world), clock=world.clock, fleet=FLEET, zone=ZoneName("a"), revision=WELL
    )
    rule.check(stage)


@pytest.mark.parametrize("rule", TRAFFIC_RULES, ids=str)
def test_the_simulated_balancer_obeys(rule: Rule[TrafficStage]) -> None:
    """Each rule of the traffic contract holds in the simulated world."""
    world = World()
    world.behaviours[ILL.id] = Behaviour(never_healthy=True)
    provider, balancer = SimulatedProvider(world), SimulatedBalancer(world)
    slots = iter(range(1, 100))

    def start(revision: Revision) -> Server:
        slot = SlotId(f"web-{next(slots)}")
        order = LaunchOrder(fleet=FLEET, slot=slot, zone=ZoneName("a"), revision=revision, generation=1)
        return Server(instance=provider.launch(order), address="192.0.2.1", port=8080)

    def stop(server: Server) -> None:
        world.kill(InstanceId(server.instance))

    frontend = Frontend(fleet=FLEET, listen=None, health=HealthPolicy(), drain_timeout_seconds=30.0)
    balancer.ensure(frontend)
    rule.check(
        TrafficStage(
            traffic=balancer,
            clock=world.clock,
            frontend=frontend,
            well=lambda: start(WELL),
            ill=lambda: start(ILL),
            stop=stop,
        )
    )
