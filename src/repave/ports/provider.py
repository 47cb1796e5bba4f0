"""What we ask of a cloud (or of this machine). The numbered rules hold for every adapter; one suite checks them.

1. Every verb may be called again with the same arguments, after a crash too, and then changes nothing more.
2. What is gone answers Gone where something was asked about, and is success where a removal was asked.
3. A list is complete, or says why it is not.
4. Nothing that does not bear repave's tags for this fleet is ever listed as ours, or touched.
5. Orders carry a generation; one older than the newest this fleet has seen is refused with Conflict.
6. Errors are those of ``repave.ports.errors`` and no others.
7. Verbs may be called from several threads at once.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from repave.model.artifact import Artifact
from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    FleetName,
    InstanceId,
    ProviderName,
    RevisionId,
    SlotId,
    ZoneName,
)
from repave.model.observation import MachineSighting
from repave.model.recipe import ImageKind
from repave.model.release import Limits, Revision
from repave.ports.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Proven:
    """One thing a provider needs, tried for real just now."""

    name: str
    works: bool
    detail: str
    hint: str = ""
    needed: bool = True
    """Whether something does not work without it; else all works, if not as well."""


@dataclass(frozen=True, kw_only=True)
class ProviderDescription:
    """What a provider can do here, as tried, not as believed."""

    name: ProviderName
    kinds: tuple[ImageKind, ...]
    abilities: tuple[str, ...]
    """Names of the ability protocols it offers: ``machines``, ``traffic``, ``groups``..."""

    proofs: tuple[Proven, ...]


@dataclass(frozen=True, kw_only=True)
class LaunchOrder:
    """One instance to be started."""

    fleet: FleetKey
    slot: SlotId
    zone: ZoneName
    revision: Revision
    generation: int
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Environment variables with resolved secrets: to be handed to the process and kept nowhere."""


Placed = Callable[[InstanceId, str, int | None], None]
"""Told the address and port at which an instance is going to answer; a worker has no port. Does not raise."""


def unasked(_: InstanceId, __: str, ___: int | None) -> None:
    """Nobody wants to know."""


class Provider(Protocol):
    """Every cloud."""

    @property
    def name(self) -> ProviderName:
        """As ``repave.yaml`` names it."""
        ...

    def describe(self) -> ProviderDescription:
        """Try what is needed, each with a time limit; never raises for something that does not work."""
        ...

    def publish(self, artifact: Artifact, *, progress: Progress) -> None:
        """Make the artifact startable here. Rule 1. Raises Corrupt: nothing unverified is made startable."""
        ...

    def withdraw(self, artifact: Digest) -> None:
        """Undo ``publish``. Rule 1. Raises Conflict while an instance of it runs."""
        ...

    def published(self) -> frozenset[Digest]:
        """The artifacts that can be started here now."""
        ...

    def observe(self, fleet: FleetKey) -> MachineSighting:
        """All instances of the fleet. Rules 3 and 4."""
        ...

    def fleets(self) -> tuple[FleetKey, ...]:
        """Every fleet that has an instance here bearing repave's tags: what no record lists is found by this."""
        ...


class Machines(Provider, Protocol):
    """The ability to start and end single instances."""

    def launch(self, order: LaunchOrder, *, placed: Placed = unasked) -> InstanceId:
        """Start an instance, tagged with fleet, slot, revision, release and zone. Returns before it is healthy.

        A provider that knows where the instance is going to answer before it has started may tell ``placed``, so that
        others get ready meanwhile: no sooner than the address is this instance's alone. Who asks there before it can be
        reached must not wait longer than until it can.

        The slot is the client token: the same slot again answers the same instance, also one that has stopped since.
        A slot whose instance was terminated starts nothing: Gone.

        Raises NoCapacity (the zone has no room), Denied, Invalid, Conflict (rule 5), Throttled, Unreachable.
        """
        ...

    def terminate(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """End the instance and free all it used, whatever state it is in. Rules 1, 2, 5."""
        ...

    def console(self, fleet: FleetKey, instance: InstanceId, *, follow: bool = False) -> Iterator[str]:
        """The instance's output, oldest line first, kept for a while after its end. Raises Gone."""
        ...

    def kept_consoles(self, fleet: FleetKey) -> tuple[tuple[InstanceId, SlotId, RevisionId], ...]:
        """Instances whose output can be read, the ended ones included, oldest first."""
        ...


@runtime_checkable
class Finishing(Protocol):
    """The ability to let an instance end its work: what a worker needs that no load balancer can drain."""

    def finish(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> bool:
        """Ask the application to end by itself, as by SIGTERM, and wait for nothing; ``terminate`` follows.

        Answers whether it is going to: of one that does not listen for that, has ended or is unknown it is not said.
        Asked again, it is told again. Rule 5.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Serving:
    """With what an instance serves whose memory is to be saved."""

    revision: Revision
    """One without secrets."""

    health_path: str
    """What it is asked for until it answers with 2xx or 3xx."""


@dataclass(frozen=True, kw_only=True)
class MemoryWanted:
    """Of which instances of an artifact memory is to be saved."""

    environment: EnvironmentName
    """Where those serve that are to."""

    ready: Mapping[FleetName, Limits] = field(default_factory=dict)
    """Those that know no configuration yet: they may be started in every environment."""

    serving: Mapping[FleetName, Serving] = field(default_factory=dict)

    @property
    def fleets(self) -> tuple[FleetName, ...]:
        """All that are to start from it."""
        return (*self.ready, *self.serving)


@runtime_checkable
class WarmStarts(Protocol):
    """The ability to start instances from saved memory: of one that was ready, or of one that served.

    What a launch answers, and what the instance is told, is the same as of a cold start. Where the saved memory cannot
    be used the instance starts cold, and says so in its console. ``withdraw`` removes what was saved of the artifact.
    """

    def keep_memory(self, artifact: Digest, wanted: MemoryWanted, *, progress: Progress) -> Mapping[FleetName, str]:
        """Have saved what the published artifact's instances in these fleets start from, and for no other fleet.

        Of what serves, other environments keep what they have. Answers which of the fleets start cold all the same,
        and why. Rule 1: what is saved and fits is kept. It starts a machine that belongs to no fleet, which is gone
        when this returns or its process ends.

        An instance whose revision is another than what served starts cold. The application keeps the variables that it
        was saved with, and so is not told its instance and zone.

        Raises Invalid where the artifact is not published, and for a revision that is to serve with secrets.
        """
        ...
