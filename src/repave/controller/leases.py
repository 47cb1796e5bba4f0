"""Who acts on which fleet. Leases only spare wasted work: what makes two at once safe is the target's generation."""

from collections.abc import Callable

from repave.controller.ports import Ports
from repave.model.names import FleetKey

LEASE_SECONDS = 15.0
"""Longer than a tick, throttling included; short enough that a killed one's fleet is soon taken over."""


class Leases:
    """The leases of one holder."""

    def __init__(self, ports: Ports, holder: str, is_dead: Callable[[str], bool]) -> None:
        self._store = ports.store
        self._clock = ports.clock
        self._holder = holder
        self._is_dead = is_dead
        self._held: set[FleetKey] = set()

    def leader(self, fleet: FleetKey) -> str:
        """Take or renew the lease; empty when it is ours, else who holds it."""
        if self._take(fleet):
            return ""
        lease = self._store.lease(str(fleet), self._clock.now())
        if lease is not None and self._is_dead(lease.holder):
            self._store.release_lease(str(fleet), lease.holder)
            if self._take(fleet):
                return ""
        return "another" if lease is None else lease.holder

    def release(self) -> None:
        """Give all back."""
        for fleet in sorted(self._held):
            self._store.release_lease(str(fleet), self._holder)
        self._held.clear()

    def _take(self, fleet: FleetKey) -> bool:
        at = self._clock.now()
        ours = self._store.acquire(str(fleet), self._holder, at=at, seconds=LEASE_SECONDS) is not None
        (self._held.add if ours else self._held.discard)(fleet)
        return ours
