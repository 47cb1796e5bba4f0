"""What stores are told and asked in their tests: fleets, revisions, plans, sightings."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from repave.model.lock import Ecosystem, Layer, Lock, LockedPackage
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
from repave.model.observation import (
    Backend,
    Instance,
    MachineSighting,
    MachineState,
    Observation,
    TrafficSighting,
    TrafficState,
)
from repave.model.plan import Launch, Phase, Plan
from repave.model.release import Limits, Revision, SecretReference
from repave.model.target import Failure, FailureKind
from repave.ports.intent import Aim
from repave.ports.store import Store

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
OTHER = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("prod"), fleet=FleetName("web"))
ZONE = ZoneName("a")
WEB = ImageName("web")
LOCK = Digest("sha256:" + "1" * 64)


def revision(release: int = 1) -> Revision:
    """What a fleet is asked to run, told apart by the release."""
    return Revision(
        release=ReleaseNumber(release),
        image=WEB,
        artifact=Digest(f"sha256:{release:064d}"),
        port=8080,
        configuration=(("LOG", "info"), ("MODE", "ünïcode")),
        secrets=(("TOKEN", SecretReference(scheme="env", locator="TOKEN")),),
        limits=Limits(memory_bytes=2**40, cpus=0.5),
    )


OLD, NEW = revision(1), revision(2)


def later(seconds: float) -> datetime:
    """So long after the scene began."""
    return NOW + timedelta(seconds=seconds)


def aim(wanted: Revision = OLD, size: int = 2) -> Aim:
    """What a person wants."""
    return Aim(revision=wanted.id, release=wanted.release, size=size, reason="deploy")


def bake(store: Store, *, runs: bool) -> None:
    """Keep a first release of the project; ``runs``: the fleet is asked to run one already."""
    store.add_lock(LOCK, Lock(), NOW)
    store.add_release({WEB: LOCK}, LOCK, "source", NOW)
    if runs:
        store.add_revision(FLEET, OLD)
        store.aim(FLEET, aim(), NOW)


def launch(slot: str, wanted: Revision = OLD) -> Launch:
    """One instance more."""
    return Launch(slot=SlotId(slot), revision=wanted.id, zone=ZONE, reason="wanted")


def failure(slot: str, wanted: Revision = OLD, at: datetime = NOW) -> Failure:
    """One instance that was not well."""
    return Failure(slot=SlotId(slot), revision=wanted.id, zone=ZONE, kind=FailureKind.CRASHED, at=at, detail="exit 1")


def empty(parent: int, at: datetime = NOW) -> Plan:
    """A plan that orders nothing."""
    return Plan(fleet=FLEET, parent=parent, at=at, phase=Phase.ROLLING, summary="rolling")


def instance(name: str, wanted: Revision = OLD) -> Instance:
    """One instance, as listed."""
    return Instance(
        id=InstanceId(name),
        slot=SlotId(f"slot-{name}"),
        revision=wanted.id,
        release=wanted.release,
        zone=ZONE,
        state=MachineState.RUNNING,
        started_at=NOW,
        address="10.0.0.1",
        port=8080,
    )


def seen(
    at: datetime,
    *names: str,
    serving: tuple[str, ...] = (),
    states: Mapping[str, TrafficState] | None = None,
    incomplete: str = "",
) -> Observation:
    """The fleet as it was seen."""
    shown = {**dict.fromkeys(serving, TrafficState.SERVING), **(states or {})}
    backends = tuple(Backend(instance=InstanceId(name), state=state, since=NOW) for name, state in shown.items())
    machines = MachineSighting(at=at, instances=tuple(instance(name) for name in names), incomplete=incomplete)
    return Observation(fleet=FLEET, at=at, machines=machines, traffic=TrafficSighting(at=at, backends=backends))


def package(name: str, version: str, source: str = "") -> LockedPackage:
    """A pinned package."""
    return LockedPackage(
        ecosystem=Ecosystem.DEB,
        name=name,
        version=version,
        sha256="a" * 64,
        size_bytes=1,
        origin=f"http://archive/{name}.deb",
        filename=f"{name}.deb",
        layer=Layer.BASE,
        images=(WEB,),
        source=source,
    )
