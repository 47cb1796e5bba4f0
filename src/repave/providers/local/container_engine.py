"""Containers by runc, each in namespaces of its own."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from repave.model.artifact import Artifact
from repave.model.names import Digest, FleetName
from repave.model.observation import MachineState
from repave.model.recipe import ImageKind
from repave.model.release import Limits
from repave.ports.commands import Commands
from repave.ports.errors import Invalid
from repave.ports.progress import Progress
from repave.ports.provider import LaunchOrder, MemoryWanted, Proven
from repave.providers.local.artifacts import Artifacts
from repave.providers.local.containers import SEARCH_PATH, Container, IdentityMap, hosts_file
from repave.providers.local.engines import Condition, Start, Started
from repave.providers.local.limits import cgroup_of, killed_for_memory
from repave.providers.local.mapping import Record
from repave.providers.local.network import Network
from repave.providers.local.places import Places
from repave.providers.local.runtime import Runtime
from repave.providers.local.settings import STOP_PATIENCE_SECONDS
from repave.providers.local.sockets import listens_elsewhere
from repave.providers.local.variables import variables_of


@dataclass(frozen=True, kw_only=True)
class ContainerEngine:
    """Implements the engine protocol by runc."""

    places: Places
    commands: Commands
    artifacts: Artifacts
    runtime: Runtime
    network: Network
    controllers: frozenset[str]
    identities: IdentityMap | None

    @property
    def kind(self) -> ImageKind:
        """Containers."""
        return ImageKind.CONTAINER

    def prove(self) -> Iterator[Proven]:
        """See the protocol."""
        from repave.providers.local.proofs import container_proofs  # noqa: PLC0415 - only who is asked proves it

        return container_proofs(self.commands, self.places, self.controllers, self.identities)

    def publish(self, artifact: Artifact, *, used: Collection[Digest], progress: Progress) -> None:
        """See the protocol."""
        self.artifacts.publish(artifact, used=used, progress=progress)

    def keep_memory(self, digest: Digest, wanted: MemoryWanted, *, progress: Progress) -> Mapping[FleetName, str]:
        """Nothing: no memory of a container is saved, which starts in a tenth of a second."""
        del progress
        self.artifacts.facts(digest)
        return dict.fromkeys(wanted.fleets, "its image is a container")

    def withdraw(self, digest: Digest) -> None:
        """See the protocol."""
        self.artifacts.withdraw(digest)

    def check(self, order: LaunchOrder) -> None:
        """See the protocol."""
        image = self.artifacts.facts(order.revision.artifact)
        self.artifacts.check(order.revision.artifact)
        if image.problem:
            raise Invalid(
                f"{order.slot} of {order.fleet} cannot be started: {image.problem}",
                hint="set `user` and `run` of the image in repave.yaml to an unprivileged user and a command",
            )

    def share(self, digest: Digest) -> None:
        """Show the root filesystem."""
        self.artifacts.show(digest)

    def unshare(self, digest: Digest) -> None:
        """Show it no more."""
        self.artifacts.hide(digest)

    def prepare(self, order: LaunchOrder, record: Record, console: Path) -> Start:
        """See the protocol."""
        image = self.artifacts.facts(record.artifact)
        hosts = self.places.instance(record.instance) / "hosts"
        hosts.parent.mkdir(parents=True, exist_ok=True)
        hosts.write_text(hosts_file(record.address, record.slot))
        hosts.chmod(0o644)
        container = Container(
            record=record,
            image=image,
            root=self.artifacts.root(record.artifact),
            hosts=hosts,
            variables=variables_of(order, record, {"PATH": SEARCH_PATH, **dict(image.environment)}),
            limits=order.revision.limits,
            network=self.network.prepare(record),
            controllers=self.controllers,
            identities=self.identities,
        )
        return lambda: self._start(container, console)

    def find(self, record: Record) -> Started | None:
        """See the protocol; one whose network is made after its process may lack it."""
        process = None if self.network.needs_connection else self.runtime.find(record.instance)
        return None if process is None else Started(process=process)

    def finish(self, record: Record) -> bool:
        """See the protocol."""
        return record.process is not None and record.process.ask_to_end()

    def stop(self, record: Record) -> None:
        """See the protocol."""
        if record.process is not None:
            record.process.stop(patience_seconds=STOP_PATIENCE_SECONDS)

    def remove(self, record: Record) -> None:
        """See the protocol."""
        self.runtime.remove(record.instance)

    def close(self) -> None:
        """See the protocol."""
        self.runtime.close()

    def runs(self, record: Record) -> bool:
        """Whether its process lives; without root the process that carries its network counts as part of it."""
        parts = [part for part in (record.process, record.forwarder) if part is not None]
        return record.process is not None and all(part.alive for part in parts)

    def holds(self, record: Record) -> bool:
        """Its process, or the mount of its root: layers are not changed below one."""
        alive = record.process is not None and record.process.alive
        return alive or self.artifacts.root(record.artifact).is_mount()

    def condition(self, record: Record) -> Condition:
        """See the protocol."""
        if record.process is not None and self.runs(record):
            place = listens_elsewhere(record.process.pid, record.port) if record.port else ""
            return Condition(state=MachineState.RUNNING, detail=place)
        return Condition(state=MachineState.STOPPED, detail=_why_stopped(record))

    def allowance(self, record: Record) -> Limits:
        """See the protocol: its limits, though without control groups nothing holds it to them."""
        return record.limits or Limits()

    def _start(self, container: Container, console: Path) -> Started:
        process = self.runtime.start(container, console)
        forwarder = None if process is None else self.network.connect(container.record, process)
        return Started(process=process, forwarder=forwarder)


def _why_stopped(record: Record) -> str:
    """How its process ended, as far as is known: nobody of ours waits for it, so its exit code is not."""
    if record.process is None:
        return "at once; `repave logs` shows its output"
    if record.process.restarted_since:
        return "the machine was restarted"
    if record.process.alive:
        return "the process that carried its network ended"
    if killed_for_memory(cgroup_of(record)):
        return "the kernel killed it for using more than its memory limit"
    return "`repave logs` shows its output"
