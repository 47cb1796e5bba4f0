"""Saved memory of machines that were ready: which there is, and whether a machine may go on from it.

A folder for each fleet of an artifact that is to start warm, with its seal beside it; or only a note why there is none.
What is in it was saved before the machine knew any name, variable or secret.
"""

import json
import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from repave.model.names import Digest, FleetName
from repave.model.release import Limits
from repave.providers.local.places import Places, file_name
from repave.providers.local.qemu.acceleration import QEMU, Acceleration
from repave.providers.local.qemu.machine import memory_of, processors_of
from repave.providers.local.records import flush, write_whole
from repave.providers.local.seals import broken, seal

MEMORY, DISK, SHAPE = "memory", "disk.qcow2", "shape.json"

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

    @classmethod
    def of(cls, acceleration: Acceleration, limits: Limits) -> "Shape":
        """As a machine with these limits would have it now."""
        program = shutil.which(QEMU)
        status = Path(program).stat() if program else None
        return cls(
            qemu=f"{status.st_ino} {status.st_size} {status.st_ctime_ns}" if status else "none",
            acceleration=f"{acceleration.accelerator} {acceleration.processor}",
            host=_host(),
            memory=f"{memory_of(limits)} bytes",
            processors=str(processors_of(limits)),
        )

    def other(self, saved: Mapping[str, str]) -> str | None:
        """The first thing that is not as it was saved; None where all is."""
        return next((name for name, value in asdict(self).items() if saved.get(name) != value), None)


class Snapshots:
    """Keeps them, by artifact and fleet."""

    def __init__(self, *, places: Places) -> None:
        self._places = places

    def found(self, digest: Digest, fleet: FleetName, shape: Shape) -> Snapshot | Unusable | None:
        """What a machine goes on from, or why it cannot; None where it is not meant to."""
        folder = self._folder(digest, fleet)
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

    def making(self, digest: Digest, fleet: FleetName) -> Path:
        """An empty folder in which one is made; what a crash left in it is gone."""
        making = self._making(digest, fleet)
        making.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        return making

    def keep(self, digest: Digest, fleet: FleetName, shape: Shape) -> None:
        """What was made is used from now on: its memory and its disk, and nothing else of the folder."""
        folder, making, made = self._folder(digest, fleet), self._making(digest, fleet), self._made(digest, fleet)
        self.forget(digest, fleet)
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

    def abandon(self, digest: Digest, fleet: FleetName) -> None:
        """Remove what is not whole yet."""
        for place in (self._making(digest, fleet), self._made(digest, fleet)):
            shutil.rmtree(place, ignore_errors=True)

    def refuse(self, digest: Digest, fleet: FleetName, why: str) -> None:
        """There is none, and this is why; forgotten once one is kept."""
        self.forget(digest, fleet)
        write_whole(self._note(self._folder(digest, fleet)), why.encode())

    def forget(self, digest: Digest, fleet: FleetName) -> None:
        """Remove it; who goes on from it already has all of it open."""
        folder = self._folder(digest, fleet)
        self._seal(folder).unlink(missing_ok=True)
        self._note(folder).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)

    def keep_only(self, digest: Digest, fleets: Collection[FleetName]) -> None:
        """Remove what other fleets of the artifact have, and what a crash left."""
        folder = self._places.snapshots(digest)
        if not fleets:
            shutil.rmtree(folder, ignore_errors=True)
            return
        wanted = {self._folder(digest, fleet) for fleet in fleets}
        for place in folder.iterdir() if folder.is_dir() else ():
            if place in wanted or (place.suffix in {".seal", ".cold"} and place.with_suffix("") in wanted):
                continue
            if place.is_dir():
                shutil.rmtree(place, ignore_errors=True)  # who watched over it may be removing it just now
            else:
                place.unlink(missing_ok=True)

    def _folder(self, digest: Digest, fleet: FleetName) -> Path:
        return self._places.snapshots(digest) / file_name(fleet)

    def _making(self, digest: Digest, fleet: FleetName) -> Path:
        return self._places.snapshots(digest) / f".{file_name(fleet)}.making"

    def _made(self, digest: Digest, fleet: FleetName) -> Path:
        return self._places.snapshots(digest) / f".{file_name(fleet)}.made"

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
