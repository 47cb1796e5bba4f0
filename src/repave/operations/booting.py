"""One machine made both ways from one lock: how long each takes from its start until it serves, and what it then has.

Each is started as an instance of a fleet is, by the same provider, and is ready when the same balancer lets requests
through to it. The fleet that it counts to is one aside, which is gone afterwards; no release is made.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import median

from repave.config.lockfile import lock_digest
from repave.config.policies import revision_for
from repave.model.artifact import Artifact
from repave.model.lock import Ecosystem, Layer, Lock
from repave.model.names import Digest, EnvironmentName, FleetKey, ImageName, InstanceId, ReleaseNumber, SlotId, ZoneName
from repave.model.observation import Instance, MachineState, TrafficState
from repave.model.project import Environment, Fleet, Project
from repave.model.recipe import Boot, ImageKind
from repave.model.release import Release, Revision
from repave.model.revocation import RevokedKind
from repave.operations.baking import bake_request
from repave.operations.errors import Refused
from repave.operations.frontends import frontend
from repave.operations.revoking.covering import holds
from repave.ports.baker import Baker
from repave.ports.clock import Clock
from repave.ports.progress import Progress, Task
from repave.ports.provider import LaunchOrder, Machines
from repave.ports.revocations import Revocations
from repave.ports.secrets import Secrets
from repave.ports.traffic import Frontend, Traffic

ASIDE = "compare"
"""Begins the name of the environment whose fleets these instances count to."""

LOOK_SECONDS = 0.2
"""Between two looks at the balancer: so exact is a time."""

PATIENCE_SECONDS = 900.0
"""A machine that does not serve by then has failed, whatever its fleet's grace is: an emulated one is slow."""

GENERATION = 1
"""Nobody else gives orders for these instances."""

DONE = re.compile(r"repave: bootstrap is done: (\d+) packages, all as locked")
"""What a machine that installs itself says on its console, once it has compared what it has with its lock."""


@dataclass(frozen=True, kw_only=True)
class BootTimes:
    """One way."""

    boot: Boot
    artifact: Digest
    size_bytes: int
    seconds: tuple[float, ...]
    """From the order until the balancer lets requests through, for each start."""

    packages: int | None
    """How many Debian packages it has, each as locked: a golden disk was made of all of them; a machine that installs
    itself counts them at its start; None where it did not say so."""

    @property
    def median_seconds(self) -> float:
        """Of all starts."""
        return median(self.seconds)


@dataclass(frozen=True, kw_only=True)
class BootComparison:
    """Both ways."""

    image: str
    environment: str
    golden: BootTimes
    bootstrap: BootTimes

    @property
    def same_packages(self) -> bool:
        """Whether both have what the lock names, no more and no less."""
        return self.bootstrap.packages == self.golden.packages

    @property
    def factor(self) -> float:
        """How many times as long a machine takes that installs itself."""
        return self.bootstrap.median_seconds / self.golden.median_seconds


@dataclass(frozen=True, kw_only=True)
class Stand:
    """Where machines are started, checked and told their secrets, and what must not be started."""

    machines: Machines
    traffic: Traffic
    secrets: Secrets
    revocations: Revocations
    clock: Clock


class Booting:
    """Starts machines of one project both ways."""

    def __init__(self, *, project: Project, bakers: Mapping[ImageKind, Baker], stand: Stand) -> None:
        self._project = project
        self._bakers = bakers
        self._stand = stand

    def compare(
        self, environment: Environment, fleet: Fleet, lock: Lock, *, times: int, progress: Progress
    ) -> BootComparison:
        """Both ways, one machine after another, each way ``times`` times, with the environment's configuration.

        May be called again after any failure: what an earlier call left when it was killed is ended first. Raises
        Refused for what is revoked, and for a machine that does not serve, with the end of its console.
        """
        request = bake_request(self._project, fleet.image, lock)
        key = FleetKey(project=self._project.name, environment=environment.name, fleet=fleet.name)
        aside = replace(key, environment=EnvironmentName(f"{ASIDE}-{environment.name}"))
        if aside.environment in self._project.environments:
            raise Refused(
                f"machines to be compared count to the environment {aside.environment}, which the file has",
                hint="name another --environment, or call that one otherwise",
            )
        door = replace(frontend(self._project, key), fleet=aside, listen=None)
        found = {}
        for boot in Boot:
            made = replace(request, image=replace(request.image, boot=boot))
            artifact = self._bakers[request.image.kind].bake(made, progress=progress)
            self._refuse_revoked(fleet.image, lock, artifact.digest)
            trial = _Trial(
                stand=self._stand,
                door=door,
                zone=environment.zones[0],
                revision=self._revision(key, artifact.digest, lock),
            )
            with self._published(artifact, progress), progress.task(f"start {boot}", total=times) as task:
                starts = trial.starts(boot, times, task)
            found[boot] = BootTimes(
                boot=boot,
                artifact=artifact.digest,
                size_bytes=artifact.size_bytes,
                seconds=tuple(start.seconds for start in starts),
                packages=_locked(lock, fleet) if boot is Boot.GOLDEN else _said(starts),
            )
        return BootComparison(
            image=fleet.image,
            environment=environment.name,
            golden=found[Boot.GOLDEN],
            bootstrap=found[Boot.BOOTSTRAP],
        )

    def _refuse_revoked(self, image: ImageName, lock: Lock, artifact: Digest) -> None:
        for revocation in self._stand.revocations.revocations():
            package = revocation.kind is RevokedKind.PACKAGE and holds(lock, image, revocation.subject)
            if revocation.stands and (package or artifact in revocation.artifacts):
                raise Refused(
                    f"{image}, as it is locked, is revoked: {revocation.because}",
                    hint=f"lock it anew; or `repave revoke {revocation.subject} --undo` takes it back",
                )

    @contextmanager
    def _published(self, artifact: Artifact, progress: Progress) -> Iterator[None]:
        """Startable for the block; one that was so before stays it."""
        machines = self._stand.machines
        before = artifact.digest in machines.published()
        machines.publish(artifact, progress=progress)
        try:
            yield
        finally:
            if not before:
                machines.withdraw(artifact.digest)

    def _revision(self, key: FleetKey, artifact: Digest, lock: Lock) -> Revision:
        """As if the artifact had been released."""
        image = self._project.fleets[key.fleet].image
        release = Release(
            number=ReleaseNumber(0),
            artifacts={image: artifact},
            lock=lock_digest(lock),
            source="",
            created_at=self._stand.clock.now(),
        )
        return revision_for(self._project, key.environment, key.fleet, release)


@dataclass(frozen=True, kw_only=True)
class _Start:
    """One machine that served."""

    seconds: float
    console: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Trial:
    """Starts of one artifact."""

    stand: Stand
    door: Frontend
    zone: ZoneName
    revision: Revision

    def starts(self, boot: Boot, times: int, task: Task) -> tuple[_Start, ...]:
        """One after another; nothing of them is left."""
        self._end_all()
        found = []
        self.stand.traffic.ensure(self.door)
        try:
            for _ in range(times):
                found.append(self._start(boot, task))
                task.advance()
        finally:
            self._end_all()  # one whose launch was broken off, too
            self.stand.traffic.remove(self.door.fleet)
        return tuple(found)

    def _start(self, boot: Boot, task: Task) -> _Start:
        clock, machines, key = self.stand.clock, self.stand.machines, self.door.fleet
        began = clock.now()
        order = LaunchOrder(
            fleet=key,
            # A slot is filled once: another start, another name.
            slot=SlotId(f"{boot}-{began:%y%m%d%H%M%S%f}"),
            zone=self.zone,
            revision=self.revision,
            generation=GENERATION,
            secrets={name: self.stand.secrets.resolve(where) for name, where in self.revision.secrets},
        )
        instance = machines.launch(order)
        try:
            while not self._serves(instance, boot):
                seconds = (clock.now() - began).total_seconds()
                task.note(f"{seconds:.0f} s")
                if seconds > PATIENCE_SECONDS:
                    raise _failed(boot, f"did not serve within {PATIENCE_SECONDS:.0f} s", self._seen(instance))
                clock.sleep(LOOK_SECONDS)
            seconds = (clock.now() - began).total_seconds()
            return _Start(seconds=seconds, console=tuple(machines.console(key, instance)))
        finally:
            self._end(instance)

    def _serves(self, instance: InstanceId, boot: Boot) -> bool:
        """Whether requests reach it; it is checked as soon as it has an address. Raises Refused if it ended."""
        key, seen = self.door.fleet, self._seen(instance)
        if seen is not None and seen.state is MachineState.STOPPED:
            raise _failed(boot, "ended", seen)
        states = {backend.instance: backend.state for backend in self.stand.traffic.observe(key).backends}
        if instance not in states and seen is not None and seen.address:
            self.stand.traffic.attach(key, instance, address=seen.address, port=seen.port, generation=GENERATION)
        return states.get(instance) is TrafficState.SERVING

    def _seen(self, instance: InstanceId) -> Instance | None:
        listed = self.stand.machines.observe(self.door.fleet).instances
        return next((one for one in listed if one.id == instance), None)

    def _end_all(self) -> None:
        for left in self.stand.machines.observe(self.door.fleet).instances:
            self._end(left.id)

    def _end(self, instance: InstanceId) -> None:
        self.stand.traffic.detach(self.door.fleet, instance, generation=GENERATION)
        self.stand.machines.terminate(self.door.fleet, instance, generation=GENERATION)


def _failed(boot: Boot, what: str, seen: Instance | None) -> Refused:
    told = f": {seen.detail} | {seen.said}" if seen else ""
    return Refused(
        f"the {boot} machine {what}{told}", hint="nothing was compared; mend the image, lock it and try again"
    )


def _locked(lock: Lock, fleet: Fleet) -> int:
    """How many Debian packages a golden disk of the fleet's image is made of."""
    layers = {Layer.BASE, Layer.PLATFORM}
    packages = lock.packages_of(fleet.image)
    return sum(package.ecosystem is Ecosystem.DEB and package.layer in layers for package in packages)


def _said(starts: Iterable[_Start]) -> int | None:
    """How many packages machines that installed themselves found, if all say the same."""
    told = {found[1] for start in starts for line in start.console if (found := DONE.search(line))}
    return int(told.pop()) if len(told) == 1 else None
