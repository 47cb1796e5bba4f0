"""Who acts on which fleet. Leases only spare wasted work: what makes two at once safe is the target's generation."""

from collections.abc import Callable
from datetime import datetime, timedelta

from repave.controller.ports import Ports
from repave.model.names import FleetKey

LEASE_SECONDS = 15.0
"""Longer than a tick, throttling included; short enough that a killed one's fleet is soon taken over."""

RENEWED_SECONDS = 2.0
"""A lease taken so lately is not renewed yet: what is left of it still outlasts a throttled tick."""


class Leases:
    """The leases of one holder."""

    def __init__(self, ports: Ports, holder: str, is_dead: Callable[[str], bool]) -> None:
        self._store = ports.store
        self._clock = ports.clock
        self._holder = holder
        self._is_dead = is_dead
        self._held: dict[FleetKey, datetime] = {}
        """Since when each was last renewed."""

    def leader(self, fleet: FleetKey) -> str:
        """Take or renew the lease; empty when it is ours, else who holds it."""
        renewed = self._held.get(fleet)
        if renewed is not None and self._clock.now() - renewed < timedelta(seconds=RENEWED_SECONDS):
            return ""
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
        if ours:
            self._held[fleet] = at
        else:
            self._held.pop(fleet, None)
        return ours
