"""Saved memory of machines that were ready: which there is, and whether a machine may go on from it.

A folder for each fleet of an artifact that is to start warm, and for each in an environment that is to start hot, with
its seal beside it; or only a note why there is none. What is in it was saved before the machine knew any name or
secret, and that of a fleet that starts warm before it knew any variable.
"""

import json
import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from repave.model.names import Digest, EnvironmentName, FleetName
from repave.model.release import Limits
from repave.providers.local.places import Places, file_name
from repave.providers.local.qemu.acceleration import QEMU, Acceleration
from repave.providers.local.qemu.machine import memory_of, processors_of
from repave.providers.local.seals import broken, seal
from repave.scratch.whole import flush, write_whole

MEMORY, DISK, SHAPE = "memory", "disk.qcow2", "shape.json"

IN_ENVIRONMENT = "@"
"""Between fleet and environment; no file name of either has it."""

PROCESSORS = Path("/proc/cpuinfo")
KINDS = ("flags", "microcode", "model name")
"""What is the same of each processor there, and may be other after a restart on another."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What a machine goes on from."""

    memory: Path
    disk: Path
    """What the machine had written, above the published disk."""


@dataclass(frozen=True, kw_only=True)
class Unusable:
    """A machine was to go on from saved memory, and cannot."""

    why: str


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What must be the same of the machine that is saved and those that go on from there."""

    qemu: str
    """By what the file system says of the program."""

    acceleration: str
    host: str
    """Digest of what its processors are and can do, and of its kernel: under KVM the guest has seen both."""

    memory: str
    processors: str
    revision: str
    """What the machine's application serves; "" for one that knew no configuration."""

    @classmethod
    def of(cls, acceleration: Acceleration, limits: Limits, revision: str = "") -> "Shape":
        """As a machine with these limits would have it now."""
        program = shutil.which(QEMU)
        status = Path(program).stat() if program else None
        return cls(
            qemu=f"{status.st_ino} {status.st_size} {status.st_ctime_ns}" if status else "none",
            acceleration=f"{acceleration.accelerator} {acceleration.processor}",
            host=_host(),
            memory=f"{memory_of(limits)} bytes",
            processors=str(processors_of(limits)),
            revision=revision,
        )

    def other(self, saved: Mapping[str, str]) -> str | None:
        """The first thing that is not as it was saved; None where all is."""
        return next((name for name, value in asdict(self).items() if saved.get(name) != value), None)


def warm_key(fleet: FleetName) -> str:
    """Where the memory lies from which the fleet starts in every environment."""
    return file_name(fleet)


def hot_key(environment: EnvironmentName, fleet: FleetName) -> str:
    """Where the memory lies from which the fleet starts in one environment."""
    return f"{file_name(fleet)}{IN_ENVIRONMENT}{file_name(environment)}"


def concerns(key: str, environment: EnvironmentName) -> bool:
    """Whether it is of every environment, or of this one."""
    return IN_ENVIRONMENT not in key or key.endswith(f"{IN_ENVIRONMENT}{file_name(environment)}")


class Snapshots:
    """Keeps them, by artifact and key."""

    def __init__(self, *, places: Places) -> None:
        self._places = places

    def found(self, digest: Digest, key: str, shape: Shape) -> Snapshot | Unusable | None:
        """What a machine goes on from, or why it cannot; None where it is not meant to."""
        folder = self._folder(digest, key)
        if not self._seal(folder).exists():
            note = self._note(folder)
            if note.exists():
                return Unusable(why=note.read_text(encoding="utf-8"))
            return Unusable(why="what was saved is incomplete") if folder.exists() else None
        changed = broken(folder, self._seal(folder))
        if changed is not None:
            return Unusable(why=f"the saved memory has changed since it was saved: {changed}")
        other = shape.other(json.loads((folder / SHAPE).read_bytes()))
        if other is not None:
            return Unusable(why=f"memory was saved with another {other} than a machine would have now")
        return Snapshot(memory=folder / MEMORY, disk=folder / DISK)

    def making(self, digest: Digest, key: str) -> Path:
        """An empty folder in which one is made; what a crash left in it is gone."""
        making = self._making(digest, key)
        making.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        return making

    def keep(self, digest: Digest, key: str, shape: Shape) -> None:
        """What was made is used from now on: its memory and its disk, and nothing else of the folder."""
        folder, making, made = self._folder(digest, key), self._making(digest, key), self._made(digest, key)
        self.forget(digest, key)
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(mode=0o700)
        for name in (MEMORY, DISK):
            (making / name).rename(made / name)
        shutil.rmtree(making)
        write_whole(made / SHAPE, json.dumps(asdict(shape)).encode())
        # The seal is looked at, never the bytes: it must not outlast them when the power fails.
        for path in (*made.iterdir(), made):
            flush(path)
        made.rename(folder)
        flush(folder.parent)
        seal(folder, self._seal(folder))

    def abandon(self, digest: Digest, key: str) -> None:
        """Remove what is not whole yet."""
        for place in (self._making(digest, key), self._made(digest, key)):
            shutil.rmtree(place, ignore_errors=True)

    def refuse(self, digest: Digest, key: str, why: str) -> None:
        """There is none, and this is why; forgotten once one is kept."""
        self.forget(digest, key)
        write_whole(self._note(self._folder(digest, key)), why.encode())

    def forget(self, digest: Digest, key: str) -> None:
        """Remove it; who goes on from it already has all of it open."""
        folder = self._folder(digest, key)
        self._seal(folder).unlink(missing_ok=True)
        self._note(folder).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)

    def keep_only(self, digest: Digest, wanted: Collection[str], environment: EnvironmentName) -> None:
        """Remove what the artifact has under other keys, and what a crash left; what concerns others alone stays."""
        folder = self._places.snapshots(digest)
        for place in folder.iterdir() if folder.is_dir() else ():
            unfinished = place.name.startswith(".")
            key = place.stem.removeprefix(".") if unfinished or place.suffix in {".seal", ".cold"} else place.name
            if not concerns(key, environment) or (key in wanted and not unfinished):
                continue
            if place.is_dir():
                shutil.rmtree(place, ignore_errors=True)  # who watched over it may be removing it just now
            else:
                place.unlink(missing_ok=True)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()

    def clear(self, digest: Digest) -> None:
        """Remove all of the artifact."""
        shutil.rmtree(self._places.snapshots(digest), ignore_errors=True)

    def _folder(self, digest: Digest, key: str) -> Path:
        return self._places.snapshots(digest) / key

    def _making(self, digest: Digest, key: str) -> Path:
        return self._places.snapshots(digest) / f".{key}.making"

    def _made(self, digest: Digest, key: str) -> Path:
        return self._places.snapshots(digest) / f".{key}.made"

    @staticmethod
    def _seal(folder: Path) -> Path:
        return folder.with_name(f"{folder.name}.seal")

    @staticmethod
    def _note(folder: Path) -> Path:
        return folder.with_name(f"{folder.name}.cold")


def _host() -> str:
    first = PROCESSORS.read_text().partition("\n\n")[0].splitlines()
    kinds = [line for line in first if line.startswith(KINDS)]
    return sha256("\n".join([*kinds, os.uname().release]).encode()).hexdigest()
