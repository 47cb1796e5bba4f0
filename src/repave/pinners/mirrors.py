"""Mirrors that cannot be reached cost one short wait, once in a run."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from repave.ports.errors import Unreachable
from repave.ports.reaching import first_reached

Place = TypeVar("Place")
Answer = TypeVar("Answer")

CONNECT_SECONDS = 3.0
"""For a mirror to take a connection while another is at hand; apt would try a dead one for half a minute."""

PORTS = {"http": 80, "https": 443}


class Mirrors:
    """What one run has learned of them."""

    def __init__(self, connect_seconds: float = CONNECT_SECONDS) -> None:
        self._connect_seconds = connect_seconds
        self._passed_over: dict[tuple[str, ...], str] = {}

    @property
    def remarks(self) -> tuple[str, ...]:
        """Which were passed over and why, a sentence each."""
        return tuple(f"a mirror was passed over: {why}" for why in self._passed_over.values())

    def first_reached(
        self, places: Sequence[Place], ask: Callable[[Place], Answer], *, addresses: Callable[[Place], Iterable[str]]
    ) -> Answer:
        """The answer of the first place that can be reached, by all its addresses.

        The last one is always asked, and with all patience. Raises Unreachable, with what each said, and whatever else
        ``ask`` raises.
        """

        def asked(place: Place) -> Answer:
            if place == places[-1]:
                return ask(place)
            known = tuple(addresses(place))
            if known in self._passed_over:
                raise Unreachable(self._passed_over[known])
            try:
                for address in known:
                    self._connect(address)
                return ask(place)
            except Unreachable as failure:
                self._passed_over[known] = failure.message
                raise

        return first_reached(places, asked)

    def _connect(self, address: str) -> None:
        """Raise Unreachable where no connection can be made; behind a proxy that cannot be told."""
        import socket  # noqa: PLC0415 - as the next
        from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - 20 ms to load, and few have mirrors

        parts = urlsplit(address)
        if parts.scheme not in PORTS or parts.hostname is None:
            return
        if parts.scheme in getproxies() and not proxy_bypass(parts.hostname):
            return
        server = (parts.hostname, parts.port or PORTS[parts.scheme])
        try:
            socket.create_connection(server, timeout=self._connect_seconds).close()
        except OSError as trouble:
            raise Unreachable(f"{address} was not reached: {trouble.strerror or trouble}") from trouble
