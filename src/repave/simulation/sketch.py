"""Sketches: situations of one fleet in a few words, for tests that show a planner one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from repave.model.names import FleetKey, InstanceId, ReleaseNumber, RevisionId, SlotId, ZoneName
from repave.model.observation import (
    Backend,
    Instance,
    MachineSighting,
    MachineState,
    Observation,
    TrafficSighting,
    TrafficState,
)
from repave.model.revocation import Revoked
from repave.model.target import Failure, FailureKind, Order, Proof
from repave.simulation.stage import FLEET

MACHINES = {"stopped": MachineState.STOPPED, "starting": MachineState.STARTING}
UNLISTED = {"stopped", "starting", "unknown"}
"""States of an instance that the balancer does not list."""

LONG_SECONDS = 600.0
"""For how long things have been as they are, unless it is said."""


@dataclass(frozen=True, kw_only=True)
class Sketch:
    """One moment of one fleet; all times are seconds before it."""

    now: datetime = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
    fleet: FleetKey = FLEET
    releases: Mapping[str, int] = field(default_factory=lambda: {"older": 1, "old": 2, "new": 3})
    """By the revision's name."""

    def ago(self, seconds: float) -> datetime:
        """So long before."""
        return self.now - timedelta(seconds=seconds)

    def see(self, *lines: str) -> Observation:
        """What is seen: each line ``NUMBER REVISION ZONE STATE [SECONDS IN IT [SECONDS SINCE ITS START]]``.

        The state is the balancer's, or ``stopped``, ``starting``, ``unknown`` (runs, and is not attached).
        """
        instances, backends = [], []
        for line in lines:
            number, revision, zone, state, *since = line.split()
            machine = MACHINES.get(state, MachineState.RUNNING)
            # Unless it is said, the lower number is the older.
            age = float(since[1]) if len(since) > 1 else 6 * LONG_SECONDS - int(number)
            instance = Instance(
                id=InstanceId(f"i-{number}"),
                slot=self.slot(int(number)),
                revision=RevisionId(revision),
                release=self.release(revision),
                zone=ZoneName(zone),
                state=machine,
                started_at=self.ago(age),
                address=None if machine is MachineState.STARTING else f"10.0.0.{number}",
                port=8080,
            )
            instances.append(instance)
            if state not in UNLISTED:
                at = self.ago(float(since[0]) if since else LONG_SECONDS)
                backends.append(Backend(instance=instance.id, state=TrafficState(state), since=at))
        return Observation(
            fleet=self.fleet,
            at=self.now,
            machines=MachineSighting(at=self.now, instances=tuple(instances)),
            traffic=TrafficSighting(at=self.now, backends=tuple(backends)),
        )

    def slot(self, number: int) -> SlotId:
        """The slot of this number."""
        return SlotId(f"{self.fleet.fleet}-{number}")

    def release(self, revision: str) -> ReleaseNumber:
        """The number of the release that this revision runs."""
        return ReleaseNumber(self.releases[revision])

    def proof(self, revision: str, seconds: float = 7200, *, bootable: bool = True) -> Proof:
        """A revision that carried the fleet."""
        return Proof(
            revision=RevisionId(revision),
            release=self.release(revision),
            at=self.ago(seconds),
            bootable=bootable,
        )

    def revoked(self, revision: str, seconds: float = 60) -> Revoked:
        """A revision that must not be started any more."""
        return Revoked(revision=RevisionId(revision), reason="its key was stolen", since=self.ago(seconds))

    def failed(
        self, number: int, kind: FailureKind, seconds: float = 10, *, revision: str = "new", zone: str = "a"
    ) -> Failure:
        """One that failed."""
        return Failure(
            slot=self.slot(number), revision=RevisionId(revision), zone=ZoneName(zone), kind=kind, at=self.ago(seconds)
        )

    def ordered(self, number: int, seconds: float = 1, *, revision: str = "new", zone: str = "a") -> Order:
        """A launch that was committed."""
        return Order(
            slot=self.slot(number), revision=RevisionId(revision), zone=ZoneName(zone), ordered_at=self.ago(seconds)
        )
