"""Fleets that a test deploys with the real controller over the simulated world and a real store."""

from dataclasses import dataclass

from repave.controller.converge import Controller
from repave.controller.pace import Pace
from repave.controller.ports import Declared, Ports
from repave.controller.tick import Tick
from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    FleetName,
    ImageName,
    ProjectName,
    ReleaseNumber,
    ZoneName,
)
from repave.model.policy import FleetPolicy, HealthPolicy
from repave.model.release import Revision, SecretReference
from repave.ports.errors import Gone
from repave.ports.intent import Aim
from repave.ports.traffic import Frontend
from repave.simulation.balancer import SimulatedBalancer
from repave.simulation.provider import SimulatedProvider
from repave.simulation.world import World
from repave.store.sql import SqlStore

FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
OTHER = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("api"))
ZONES = (ZoneName("a"), ZoneName("b"))
HEALTH = HealthPolicy(interval_seconds=0.2, timeout_seconds=0.2, healthy=2, unhealthy=3, grace_seconds=10)
SIZE = 3


def revision(release: int, *secrets: tuple[str, SecretReference]) -> Revision:
    """What the fleet is asked to run."""
    return Revision(
        release=ReleaseNumber(release),
        image=ImageName("web"),
        artifact=Digest(f"sha256:{release:064d}"),
        port=8080,
        secrets=secrets,
    )


OLD, NEW = revision(1), revision(2)


class SomeSecrets:
    """Knows one secret."""

    def resolve(self, reference: SecretReference) -> str:
        """Raises Gone for any other."""
        if reference.locator != "known":
            raise Gone(f"there is no secret {reference}")
        return "hunter2"


PACE = Pace(parallel=1, moving_seconds=0.25)
"""Nothing here is real, and a start takes seconds: they need not be looked at all the time."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One fleet in one world."""

    world: World
    provider: SimulatedProvider
    balancer: SimulatedBalancer
    store: SqlStore
    ports: Ports

    def controller(self, holder: str = "me", ticks: list[Tick] | None = None) -> Controller:
        """A controller, which tells its ticks to the list."""
        return Controller(
            self.ports,
            Declared(policy=policy, frontend=frontend),
            holder=holder,
            on_tick=(ticks if ticks is not None else []).append,
            pace=PACE,
        )

    def want(self, wanted: Revision, size: int = SIZE, fleet: FleetKey = FLEET) -> None:
        """What a deploy writes down."""
        self.world.published.add(wanted.artifact)
        self.store.add_revision(fleet, wanted)
        aim = Aim(revision=wanted.id, release=wanted.release, size=size, reason="deploy")
        self.store.aim(fleet, aim, self.world.clock.now())

    def kinds(self) -> list[str]:
        """The story, in one word each."""
        return [event.kind for event in self.store.events(FLEET)]

    def running(self) -> list[tuple[int, bool]]:
        """Releases of the instances there are, and whether each serves."""
        serving = self.balancer.serving(FLEET)
        return [(machine.revision.release, machine.id in serving) for machine in self.world.living(FLEET)]


def policy(fleet: FleetKey) -> FleetPolicy:
    """A quick one."""
    return FleetPolicy(fleet=fleet, zones=ZONES, health=HEALTH, drain_timeout_seconds=2)


def frontend(fleet: FleetKey) -> Frontend:
    """Where clients reach it."""
    return Frontend(fleet=fleet, listen=None, health=HEALTH, drain_timeout_seconds=2)
