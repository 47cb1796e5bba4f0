"""A machine is started from an artifact until only its identity is missing; then its memory is saved.

Of a fleet that starts hot its application serves by then, and has answered.

No fleet has it, no list shows it, it reaches nobody. A shell that waits for the lock of who makes the snapshot ends the
machine and removes what it wrote, as soon as that one has ended, however it ended.

What was saved is believed once another machine has gone on from it, with an identity that nobody has, and answers where
the fleet starts hot: of what was under way in that moment something may be lost, and each machine that goes on from
there would wait for it for ever; nor does every application bear to stand still.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes
from time import monotonic

from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    FleetName,
    InstanceId,
    ProjectName,
    ReleaseNumber,
    RevisionId,
    SlotId,
    ZoneName,
)
from repave.model.recipe import ImageKind
from repave.model.release import Limits
from repave.ports.clock import Clock
from repave.ports.commands import Commands
from repave.ports.errors import Conflict, Invalid, WorldError
from repave.ports.identity_format import (
    AWAITING,
    IDENTITY_BYTES,
    RANDOM_BYTES,
    SERVING,
    TAKEN,
    TRIED_NAME,
    identity_disk,
    serving_disk,
)
from repave.ports.progress import Progress, Task
from repave.ports.provider import MemoryWanted, Serving
from repave.providers.local.errors import mapped
from repave.providers.local.guarded import Guarded
from repave.providers.local.locks import attempted, locked
from repave.providers.local.mapping import Phase, Record
from repave.providers.local.places import Places
from repave.providers.local.processes import Process, identify, started_with
from repave.providers.local.qemu.acceleration import QEMU, Accelerations
from repave.providers.local.qemu.disks import Disks
from repave.providers.local.qemu.events import GREETING
from repave.providers.local.qemu.machine import START, Machine, command_line, monitor_of, name_of, seed_of
from repave.providers.local.qemu.monitor import Silent, save
from repave.providers.local.qemu.overlays import make_overlay
from repave.providers.local.qemu.seed import environment_file, seed_disk
from repave.providers.local.qemu.snapshots import (
    DISK,
    MEMORY,
    Shape,
    Snapshot,
    Snapshots,
    hot_key,
    warm_key,
)
from repave.providers.local.settings import AWAITING_LOOK_SECONDS, AWAITING_SECONDS, PROVE_SECONDS, SAVE_TRIES
from repave.providers.local.variables import checked, shared_variables

LOCK = "snapshots"
CONSOLE = "console"

WATCHED = """lock=$1; folder=$2; shift 2
"$@" <"$folder/seed" >"$folder/said" 2>&1 &
echo $! >"$folder/number"
exec flock "$lock" sh -c 'grep -qx "PPid:.$PPID" "/proc/$1/status" && kill -KILL "$1"; rm -rf "$2"' sh $! "$folder"
"""
"""Fixed text, arguments apart. Under the lock, so that nobody else makes one there meanwhile. By ``exec``: a shell that
waits for one program collects all that have ended, and the machine's number could become another's; flock waits for
its own program alone. A shell may collect one before that, too: only a child of flock is killed, whose number stays."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Memory that is to be saved for one fleet."""

    fleet: FleetName
    key: str
    limits: Limits
    seed: Callable[[Record], bytes]
    """The disk that the machine finds as it starts."""

    revision: str = ""
    """What its application is to serve before; "": it is not to have begun."""

    @property
    def word(self) -> str:
        """How the file names such starts."""
        return "hot" if self.revision else "warm"

    @property
    def proven(self) -> str:
        """What another machine says that goes on from there as it should."""
        return SERVING if self.revision else TAKEN

    @property
    def proof(self) -> str:
        """The same for people, as what none did."""
        return "from what was saved" + (" with an application that answers" if self.revision else "")


def _memories(wanted: MemoryWanted) -> list[Memory]:
    warm = [_ready(fleet, limits) for fleet, limits in wanted.ready.items()]
    return warm + [_serving(wanted.environment, fleet, serving) for fleet, serving in wanted.serving.items()]


def _ready(fleet: FleetName, limits: Limits) -> Memory:
    def seed(record: Record) -> bytes:
        return seed_disk(record, {}).ljust(IDENTITY_BYTES, b"\0")

    return Memory(fleet=fleet, key=warm_key(fleet), limits=limits, seed=seed)


def _serving(environment: EnvironmentName, fleet: FleetName, serving: Serving) -> Memory:
    revision = serving.revision
    port = revision.port
    if port is None:
        raise Invalid(f"{fleet} in {environment} has no port: nothing tells when it serves")
    if revision.secrets:
        raise Invalid(f"{fleet} in {environment} has secrets: memory of what serves with them is not saved")

    def seed(record: Record) -> bytes:
        variables = environment_file(
            checked(shared_variables(revision, environment, fleet), f"{fleet} in {environment}")
        )
        return serving_disk(seed_disk(record, {}), port=port, path=serving.health_path, variables=variables)

    key = hot_key(environment, fleet)
    return Memory(fleet=fleet, key=key, limits=revision.limits, seed=seed, revision=revision.id)


@dataclass(frozen=True, kw_only=True)
class Saving:
    """Makes snapshots, one at a time."""

    places: Places
    commands: Commands
    guarded: Guarded
    clock: Clock
    disks: Disks
    accelerations: Accelerations
    snapshots: Snapshots
    privileged: bool

    def keep_memory(self, digest: Digest, wanted: MemoryWanted, *, progress: Progress) -> dict[FleetName, str]:
        """See ``WarmStarts`` in the port."""
        whole = _memories(wanted)
        with locked(self.places.lock(LOCK)), mapped(f"saving memory of {digest}"):
            self.snapshots.keep_only(digest, {one.key for one in whole}, wanted.environment)
            cold: dict[FleetName, str] = {}
            if whole:
                self.disks.boot(digest)  # raises for what is not published, or has changed
            for one in whole:
                shape = Shape.of(self.accelerations.known(), one.limits, one.revision)
                if isinstance(self.snapshots.found(digest, one.key, shape), Snapshot):
                    continue
                try:
                    with mapped("saving memory"), progress.task(f"{one.word} start of {one.fleet}") as task:
                        if not any(self._save(digest, one, task) for _ in range(SAVE_TRIES)):
                            raise Invalid(
                                f"no machine went on {one.proof}, {SAVE_TRIES} times: bake its image again if an "
                                "older version baked it"
                            )
                        self.snapshots.keep(digest, one.key, shape)
                except WorldError as error:
                    cold[one.fleet] = error.message
                    self._give_up(digest, one.key, error.message)
            return cold

    def withdraw(self, digest: Digest) -> None:
        """Remove all of the artifact. Raises Conflict while memory is being saved."""
        if not self.places.snapshots(digest).exists():
            return
        with attempted(self.places.lock(LOCK)) as free:
            if not free:
                raise Conflict(
                    f"the artifact {digest} was not withdrawn: memory of a machine is being saved",
                    hint="withdraw it again in a minute",
                )
            self.snapshots.clear(digest)

    def _give_up(self, digest: Digest, key: str, why: str) -> None:
        """Leave nothing but a note, and not even that where the disk is full: the fleet can do without."""
        self._end(self._record(digest, key))
        self.snapshots.abandon(digest, key)
        with suppress(OSError):
            self.snapshots.refuse(digest, key, why)

    @staticmethod
    def _end(record: Record) -> None:
        for remains in started_with(QEMU, name_of(record)):
            remains.stop(patience_seconds=0)

    def _save(self, digest: Digest, one: Memory, task: Task) -> bool:
        """Leave memory and disk in the folder in which a snapshot is made, and say whether they are of any use.

        Raises WorldError.
        """
        record = self._record(digest, one.key)
        self._end(record)
        boot = self.disks.boot(digest)
        if boot.starts_cold is None:
            raise Invalid("its image was baked by a version that knew no warm start: bake it again")
        if boot.starts_cold:
            raise Invalid(boot.starts_cold)
        folder = self.snapshots.making(digest, one.key)
        machine = Machine(
            record=record,
            boot=boot,
            overlay=folder / DISK,
            events=folder / "events",
            console=folder / CONSOLE,
            acceleration=self.accelerations.known(),
            limits=one.limits,
            namespace=None,
            runas=self.privileged,
            awaits=True,
        )
        _begin(machine)
        make_overlay(self.commands, machine)
        (folder / "seed").write_bytes(one.seed(record))
        task.note("starting a machine that serves nobody")
        self._start(machine, folder, Path("/dev/null"))
        process = awaited(folder, AWAITING, self.clock, seconds=AWAITING_SECONDS)
        task.note("saving its memory")
        self._write_down(record, process, folder / MEMORY)
        task.note("trying whether another goes on from it")
        return self._goes_on(machine, folder, one.proven)

    def _goes_on(self, saved: Machine, folder: Path, proven: str) -> bool:
        """Whether a machine takes another identity, and says so. What it writes is of no use to anybody."""
        record, trial = saved.record, folder / "trial"
        trial.mkdir()
        overlay, events, console = (trial / name for name in (DISK, "events", CONSOLE))
        machine = replace(saved, overlay=overlay, events=events, console=console, below=folder / DISK)
        _begin(machine)
        make_overlay(self.commands, machine)
        (trial / "seed").write_bytes(identity_disk(random=token_bytes(RANDOM_BYTES), name=TRIED_NAME, variables=""))
        self._start(machine, trial, folder / MEMORY)
        try:
            awaited(trial, proven, self.clock, seconds=PROVE_SECONDS)
        except Invalid:
            return False
        finally:
            self._end(record)
            (self.places.runtime / monitor_of(record)).unlink(missing_ok=True)
        return True

    def _start(self, machine: Machine, folder: Path, memory: Path) -> None:
        runtime = self.places.runtime
        runtime.mkdir(parents=True, exist_ok=True, mode=0o700)
        started = ["sh", "-c", START, "sh", str(runtime), seed_of(machine.record), str(memory), ""]
        watched = ["sh", "-c", WATCHED, "sh", str(self.places.lock(LOCK)), str(folder)]
        self.guarded.leave([*watched, *started, *command_line(machine)])

    def _write_down(self, record: Record, process: Process, place: Path) -> None:
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            save(self.places.runtime, monitor_of(record), handle)
        except Silent as error:
            raise Invalid(f"QEMU did not save the memory: {error}") from error
        finally:
            os.close(handle)
            process.stop(patience_seconds=0)
            (self.places.runtime / monitor_of(record)).unlink(missing_ok=True)

    def _record(self, digest: Digest, key: str) -> Record:
        """As an instance's, for the names that are made of it; it is kept nowhere."""
        name = sha256(f"{self.places.token}\0snapshot\0{digest}\0{key}".encode()).hexdigest()
        return Record(
            kind=ImageKind.VM,
            instance=InstanceId(f"i-{name[:12]}"),
            fleet=FleetKey(project=ProjectName("none"), environment=EnvironmentName("none"), fleet=FleetName("none")),
            slot=SlotId("none"),
            revision=RevisionId("none"),
            release=ReleaseNumber(0),
            artifact=digest,
            zone=ZoneName("none"),
            port=0,
            generation=0,
            phase=Phase.STARTING,
            address="",
            started_at=self.clock.now(),
        )


def _begin(machine: Machine) -> None:
    """What its monitor is told to begin with, and nothing yet of what happens to it."""
    machine.events.with_suffix(".in").write_bytes(GREETING)
    machine.events.with_suffix(".out").write_bytes(b"")


def awaited(folder: Path, wanted: str, clock: Clock, *, seconds: float) -> Process:
    """The process of the machine that runs in the folder, once its console says what is wanted. Raises Invalid."""
    process: Process | None = None
    latest = monotonic() + seconds
    while monotonic() < latest:
        number = _text(folder / "number")
        if number.endswith("\n"):
            process = process or identify(int(number))
            said = _text(folder / CONSOLE)
            if process is None or not process.alive:
                told = _text(folder / "said").strip() or said.strip().rpartition("\n")[2] or "without a word"
                raise Invalid(f"a machine that was to be saved ended before it was ready: {told}")
            if wanted in said:
                return process
        clock.sleep(AWAITING_LOOK_SECONDS)
    raise Invalid(f"a machine that was to be saved was not ready within {seconds:.0f} s")


def _text(place: Path) -> str:
    """What is in the file by now; "" before it is there."""
    return place.read_text(errors="replace") if place.exists() else ""
