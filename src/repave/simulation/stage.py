"""A stage: one fleet in a simulated world, with a store in memory; the controller is what a test puts on it."""

from dataclasses import dataclass, field, replace

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
from repave.model.observation import TrafficState
from repave.model.policy import FleetPolicy, HealingPolicy, HealthPolicy
from repave.model.release import Revision, SecretReference
from repave.model.revocation import Revocation, RevokedKind
from repave.model.target import Target
from repave.ports.errors import Gone
from repave.ports.intent import Aim
from repave.ports.traffic import Frontend
from repave.simulation.balancer import SimulatedBalancer
from repave.simulation.memory.store import MemoryStore
from repave.simulation.metrics import SimulatedMetrics
from repave.simulation.provider import SimulatedProvider
from repave.simulation.world import Behaviour, World

FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("prod"), fleet=FleetName("web"))

FIRST = replace(FLEET, fleet=FleetName("db-proxy"))
"""The fleet that another waits for, where one does."""

POLICY = FleetPolicy(
    fleet=FLEET,
    zones=(ZoneName("a"), ZoneName("b"), ZoneName("c")),
    health=HealthPolicy(interval_seconds=1.0, grace_seconds=20.0),
    healing=HealingPolicy(window_seconds=60.0),
    drain_timeout_seconds=10.0,
)
"""Quick enough that nothing takes long, with the defaults that decide."""


class NoSecrets:
    """The secrets port of a world without any."""

    def resolve(self, reference: SecretReference) -> str:
        """Raises Gone."""
        raise Gone(f"there is no secret {reference}")


@dataclass(kw_only=True)
class Stage:
    """One fleet, whatever is done to it."""

    world: World = field(default_factory=World)
    store: MemoryStore = field(default_factory=MemoryStore)
    policy: FleetPolicy = POLICY
    size: int = 6
    """How many instances the fleet usually has."""

    secrets: NoSecrets = field(default_factory=NoSecrets)
    first: "Stage | None" = None
    """The fleet that comes first, in the same world and store: all that is deployed here is deployed there as well."""

    def __post_init__(self) -> None:
        """Every face of the world."""
        self.provider = SimulatedProvider(self.world)
        self.balancer = SimulatedBalancer(self.world)
        self.metrics = SimulatedMetrics(self.world)

    @property
    def fleet(self) -> FleetKey:
        """Which fleet it is."""
        return self.policy.fleet

    @property
    def all(self) -> tuple["Stage", ...]:
        """With the fleet that comes first, if one does; in the order in which they take turns."""
        return (self,) if self.first is None else (self.first, self)

    def of(self, fleet: FleetKey) -> "Stage":
        """The one of the two whose fleet it is. Raises StopIteration for another."""
        return next(stage for stage in self.all if stage.fleet == fleet)

    @property
    def target(self) -> Target:
        """What is wanted now. Raises Gone before the first wish."""
        target = self.store.target(self.fleet)
        if target is None:
            raise Gone(f"nothing is wanted of {self.fleet} yet")
        return target

    def frontend(self, fleet: FleetKey) -> Frontend:
        """Where clients reach it."""
        return Frontend(
            fleet=fleet,
            listen=None,
            health=self.policy.health,
            drain_timeout_seconds=self.policy.drain_timeout_seconds,
        )

    def want(self, release: int, size: int, behaviour: Behaviour | None = None) -> Revision:
        """What `repave deploy` writes down: this release, so many of it; and how its instances will behave."""
        if self.first is not None:
            self.first.want(release, self.first.size)
        revision = self.revision(release)
        if behaviour is not None:
            self.world.behaviours[revision.id] = behaviour
        self.world.published.add(revision.artifact)
        self.store.add_revision(self.fleet, revision)
        aim = Aim(revision=revision.id, release=revision.release, size=size, reason="deploy")
        self.store.aim(self.fleet, aim, self.world.clock.now())
        return revision

    def revision(self, release: int) -> Revision:
        """By which the fleet runs a release."""
        return Revision(
            release=ReleaseNumber(release),
            image=ImageName(self.fleet.fleet),
            artifact=_artifact(release),
            port=8080,
        )

    def revoke(self, release: int) -> Revocation:
        """What `repave revoke` writes down: nothing of this release is started any more."""
        revocation = Revocation(
            kind=RevokedKind.RELEASE,
            subject=f"r{release}",
            reason="its key was stolen",
            at=self.world.clock.now(),
            artifacts=(_artifact(release),),
        )
        return self.store.revoke(revocation)

    def releases(self) -> list[int]:
        """The releases that truly answer requests now, one for each instance, sorted."""
        return sorted(self.world.machines[name].revision.release for name in self.balancer.serving(self.fleet))

    def doubled(self) -> str:
        """Which slots were filled more than once; empty when none was."""
        twice = sorted(slot for slot, times in self.world.launches.items() if times > 1)
        return f"slots that were started twice: {twice}" if twice else ""

    def astray(self) -> str:
        """In what the world differs from what is wanted; empty when it does not."""
        wanted, pool = self.target, self.world.pools[self.fleet]
        living = self.world.living(self.fleet)
        serving = {name for name, known in pool.attached.items() if known.state is TrafficState.SERVING}
        others = [machine.slot for machine in living if machine.revision.id != wanted.revision]
        complaints = [
            (others, f"instances of what is not wanted: {others}"),
            (len(living) != wanted.size, f"{len(living)} live, and {wanted.size} are wanted"),
            ({m.id for m in living} != set(pool.attached), f"attached are {sorted(pool.attached)}"),
            (set(self.balancer.serving(self.fleet)) != serving, "the balancer believes in what does not answer"),
            (len(serving) != wanted.size, f"{len(serving)} serve, and {wanted.size} are wanted"),
            (wanted.orders, f"orders are open: {[order.slot for order in wanted.orders]}"),
        ]
        return "; ".join(words for holds, words in complaints if holds)


def after_another(stage: Stage, size: int) -> Stage:
    """The stage, its fleet after another that rolls, of so many."""
    policy = replace(POLICY, fleet=FIRST, zones=stage.policy.zones, before=(stage.fleet,))
    first = Stage(world=stage.world, store=stage.store, policy=policy, size=size)
    return replace(stage, policy=replace(stage.policy, after=(FIRST,)), first=first)


def _artifact(release: int) -> Digest:
    return Digest(f"sha256:{release:064d}")
