"""An order to this machine as a provider, and the instance and container that come of it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    FleetName,
    ImageName,
    ProjectName,
    ReleaseNumber,
    SlotId,
    ZoneName,
)
from repave.model.recipe import ImageKind
from repave.model.release import Limits, Revision
from repave.ports.provider import LaunchOrder
from repave.providers.local.containers import (
    SEARCH_PATH,
    Container,
)
from repave.providers.local.mapping import (
    ImageFacts,
    Record,
    new_record,
)
from repave.providers.local.places import Places
from repave.providers.local.variables import variables_of

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
REVISION = Revision(
    release=ReleaseNumber(3),
    image=ImageName("web"),
    artifact=Digest("sha256:" + "a" * 64),
    port=8080,
    configuration=(("LOG_LEVEL", "info"),),
    limits=Limits(memory_bytes=1 << 26, cpus=0.25),
)
ORDER = LaunchOrder(
    fleet=FLEET, slot=SlotId("web-1"), zone=ZoneName("a"), revision=REVISION, generation=4, secrets={"COLOUR": "red"}
)
IMAGE = ImageFacts(
    layers=("x", "y"),
    command=("serve", "--all"),
    environment=(("PATH", "/opt/bin"), ("LOG_LEVEL", "debug")),
    folder="/srv",
    user=33,
    group=33,
    groups=(44,),
)
GIVEN = {"PATH": SEARCH_PATH, **dict(IMAGE.environment)}
PLACES = Places(root=Path("/project/.repave/local"), runtime=Path("/run/repave/x"))


def record() -> Record:
    """An instance of the order."""
    identity = PLACES.instance_id(FLEET, ORDER.slot)
    return new_record(ORDER, identity, kind=ImageKind.CONTAINER, address="10.64.0.2", at=AT)


def container(**more: object) -> Container:
    """The container of the order."""
    whole = Container(
        record=record(),
        image=IMAGE,
        root=Path("/root-of-it"),
        hosts=Path("/hosts-of-it"),
        variables=variables_of(ORDER, record(), GIVEN),
        limits=REVISION.limits,
        network=Path("/run/netns/x"),
        controllers=frozenset({"cpu", "memory", "pids"}),
    )
    return replace(whole, **more)  # type: ignore[arg-type] # a test's own words
