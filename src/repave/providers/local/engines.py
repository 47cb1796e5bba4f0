"""What runs the instances of one kind: the parts of this provider that know runc or QEMU, and what each leaves."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol

from repave.model.artifact import Artifact
from repave.model.names import Digest, FleetName, ProviderName
from repave.model.observation import MachineState
from repave.model.recipe import ImageKind
from repave.model.release import Limits
from repave.ports.progress import Progress
from repave.ports.provider import LaunchOrder, MemoryWanted, Proven, ProviderDescription
from repave.providers.local.mapping import Record
from repave.providers.local.processes import Process


@dataclass(frozen=True, kw_only=True)
class Started:
    """What runs of an instance."""

    process: Process | None
    """None when it has ended already."""

    forwarder: Process | None = None
    """The process that carries its network, where there is one."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """How an instance is now; texts are for people, and empty where there is nothing to say."""

    state: MachineState
    detail: str = ""
    said: str = ""
    """The end of its console."""


Start = Callable[[], Started]
"""Starts what was prepared. Raises errors of the ports."""


class Engine(Protocol):
    """Instances of one kind. What is not there is no error where a removal is asked."""

    @property
    def kind(self) -> ImageKind:
        """Which instances it runs."""
        ...

    def prove(self) -> Iterator[Proven]:
        """Try what it needs, each with a time limit; nothing where this machine was never meant to run the kind."""
        ...

    def publish(self, artifact: Artifact, *, used: Collection[Digest], progress: Progress) -> None:
        """Verify and unpack; nothing that one of the artifacts ``used`` runs from is changed. Raises Corrupt."""
        ...

    def keep_memory(self, digest: Digest, wanted: MemoryWanted, *, progress: Progress) -> Mapping[FleetName, str]:
        """Save what instances start from; answers which of the fleets start cold, and why; see the port."""
        ...

    def withdraw(self, digest: Digest) -> None:
        """Forget what was unpacked, and what was saved."""
        ...

    def check(self, order: LaunchOrder) -> None:
        """Raise Invalid for what cannot be started, Corrupt for what has changed since it was verified."""
        ...

    def share(self, digest: Digest) -> None:
        """Make what the artifact's instances have in common. Call under the project's lock."""
        ...

    def unshare(self, digest: Digest) -> None:
        """Undo ``share``. Call under the project's lock, with the artifact's last instance."""
        ...

    def prepare(self, order: LaunchOrder, record: Record, console: Path) -> Start:
        """Make all that one instance needs, its network included; its output will go to ``console``."""
        ...

    def find(self, record: Record) -> Started | None:
        """What an interrupted start left running and whole; None where the start must begin anew."""
        ...

    def finish(self, record: Record) -> bool:
        """Ask its application to end, and wait for nothing; answers whether it is going to."""
        ...

    def stop(self, record: Record) -> None:
        """Ask the instance to end, wait, then make it end."""
        ...

    def remove(self, record: Record) -> None:
        """End what is left of the instance, and remove all that `prepare` and the start made but its network."""
        ...

    def close(self) -> None:
        """Remove what instances of any artifact share; call when no instance is left."""
        ...

    def runs(self, record: Record) -> bool:
        """Whether it still runs."""
        ...

    def holds(self, record: Record) -> bool:
        """Whether anything of the started instance, alive or not, still stands on what was unpacked."""
        ...

    def condition(self, record: Record) -> Condition:
        """How the started instance is now."""
        ...

    def allowance(self, record: Record) -> Limits:
        """What it may use of this machine, where no control group says so."""
        ...


@dataclass(frozen=True, kw_only=True)
class Maker:
    """What is known of an engine before there is one."""

    make: Callable[[], Engine]
    published: Callable[[], frozenset[Digest]]
    """What it can start here now."""


class Engines(Mapping[ImageKind, Engine]):
    """The engines by their kind, each made when it is first needed: who runs no virtual machines reads nothing of QEMU.

    Several threads may ask.
    """

    def __init__(self, makers: Mapping[ImageKind, Maker]) -> None:
        self._makers = makers
        self._made: dict[ImageKind, Engine] = {}
        self._making = Lock()

    def __getitem__(self, kind: ImageKind) -> Engine:
        with self._making:
            if kind not in self._made:
                self._made[kind] = self._makers[kind].make()
            return self._made[kind]

    def __iter__(self) -> Iterator[ImageKind]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def published(self) -> frozenset[Digest]:
        """What any of them can start here now."""
        return frozenset[Digest]().union(*(maker.published() for maker in self._makers.values()))

    def of(self, digest: Digest) -> Engine:
        """The one that has published the artifact; any where none has, since each says so in the same words."""
        having = (kind for kind, maker in self._makers.items() if digest in maker.published())
        return self[next(having, next(iter(self._makers)))]


def describe(name: ProviderName, engines: Engines) -> ProviderDescription:
    """What the engines can do here, as tried just now; a kind of which nothing was tried is none of this machine's."""
    proofs = {kind: tuple(engine.prove()) for kind, engine in engines.items()}
    return ProviderDescription(
        name=name,
        kinds=tuple(kind for kind, tried in proofs.items() if tried),
        abilities=("machines", "metrics", "checks", "warm starts", "finishing"),
        proofs=tuple(proof for tried in proofs.values() for proof in tried),
    )
