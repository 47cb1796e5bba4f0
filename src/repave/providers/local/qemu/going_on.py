"""A machine goes on from saved memory as another one; or it is said why it starts anew."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_bytes
from time import monotonic

from repave.ports.clock import Clock
from repave.ports.errors import CommandFailed, Invalid
from repave.ports.identity_format import RANDOM_BYTES, identity_disk
from repave.providers.local.engines import Started
from repave.providers.local.places import Places
from repave.providers.local.processes import started_with
from repave.providers.local.qemu.acceleration import QEMU
from repave.providers.local.qemu.machine import Machine, monitor_of, name_of
from repave.providers.local.qemu.monitor import Silent, ask
from repave.providers.local.qemu.seed import environment_file
from repave.providers.local.qemu.snapshots import (
    Shape,
    Snapshot,
    Snapshots,
    Unusable,
    hot_key,
    warm_key,
)
from repave.providers.local.settings import LOAD_LOOK_SECONDS, LOAD_SECONDS
from repave.providers.local.variables import hostname


@dataclass(frozen=True, kw_only=True)
class GoingOn:
    """Starts machines from what was saved."""

    places: Places
    clock: Clock
    snapshots: Snapshots

    def start(
        self, machine: Machine, variables: Mapping[str, str], start: Callable[[Machine, bytes, Path], Started]
    ) -> Started | None:
        """What runs; None where the machine is to start anew, nothing of it runs, and its console says why.

        ``start`` is given the machine, its seed disk, and the memory that it goes on from.
        """
        digest = machine.record.artifact
        key, found = self._found(machine)
        started: Started | None = None
        if isinstance(found, Snapshot):
            try:
                seed = identity_disk(
                    random=token_bytes(RANDOM_BYTES),
                    name=hostname(machine.record.slot),
                    variables=environment_file(variables),
                )
                started = start(replace(machine, below=found.disk), seed, found.memory)
                self._await(machine, started)
            except Invalid as unfit:
                found = Unusable(why=unfit.message)
            except CommandFailed as failed:
                found = Unusable(why=f"QEMU did not go on from the saved memory: {failed.message}")
                for process in started_with(QEMU, name_of(machine.record)):
                    process.stop(patience_seconds=0)
                # Where it did not even begin to read, the memory may be as good as ever.
                if started is not None:
                    with suppress(OSError):  # on a full disk; it is tried again then
                        self.snapshots.refuse(digest, key, found.why)
            else:
                return started
        if found is not None:
            with machine.console.open("a", encoding="utf-8") as console:
                console.write(f"repave: started cold: {found.why}\n")
        return None

    def _found(self, machine: Machine) -> tuple[str, Snapshot | Unusable | None]:
        """What is saved of it, and by which key: of one that served first."""
        record = machine.record
        hot, warm = hot_key(record.fleet.environment, record.fleet.fleet), warm_key(record.fleet.fleet)
        shape = Shape.of(machine.acceleration, machine.limits, record.revision)
        served = self.snapshots.found(record.artifact, hot, shape)
        if served is not None:
            return hot, served
        return warm, self.snapshots.found(record.artifact, warm, replace(shape, revision=""))

    def _await(self, machine: Machine, started: Started) -> None:
        """Wait until it has read the memory. Raises CommandFailed where it ends over it, or takes too long."""
        process = started.process
        latest = monotonic() + LOAD_SECONDS
        while monotonic() < latest:
            if process is None or not process.alive:
                raise CommandFailed([QEMU], exit_code=1, stderr="it could not read it")
            with suppress(Silent):  # on a busy machine; its end is noticed above
                if ask(self.places.runtime, monitor_of(machine.record), "query-status").get("status") != "inmigrate":
                    return
            self.clock.sleep(LOAD_LOOK_SECONDS)
        raise CommandFailed([QEMU], exit_code=None, stderr="")
