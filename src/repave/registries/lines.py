"""How files are reached: mirrors in place of origins, logins where declared, registries by their own protocol."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Self
from urllib.parse import urlsplit

import httpx

from repave.ports.errors import Gone, Invalid
from repave.ports.logins import Logins, NoLogins
from repave.registries.connections import OriginAuth, new_client
from repave.registries.measuring import Wanted
from repave.registries.oci.session import Session

StandIns = Callable[[Wanted], tuple[str, ...]]
"""The addresses to ask instead of a file's origin, in order; none to ask the origin."""


class Lines:
    """The line of one project; connections last as long as its block."""

    def __init__(
        self,
        *,
        logins: Logins | None = None,
        stand_ins: StandIns = lambda _: (),
        insecure: Collection[str] = (),
    ) -> None:
        self._logins = logins or NoLogins()
        self._stand_ins = stand_ins
        self._insecure = insecure

    def addresses(self, file: Wanted) -> tuple[str, ...]:
        """Where to ask: what stands in for the origin, else the origin. Raises Gone where there is neither."""
        found = self._stand_ins(file) or ((file.url,) if file.url else ())
        if not found:
            raise Gone(
                f"{file.name} is a file of the application: it is in no archive, and no shared vault is declared",
                hint="check out the revision it was locked from, or name a vault that has it under `vault: shared:`",
            )
        return found

    def get(self, address: str, headers: dict[str, str]) -> AbstractContextManager[httpx.Response]:
        """Ask by the address's protocol."""
        match urlsplit(address).scheme:
            case "http" | "https":
                return self._client.stream("GET", address, headers=headers)
            case "oci":
                return self._registries.get(address, headers)
            case _:
                raise Invalid(f"{address} has no scheme that can be read", hint="use http, https, oci or file")

    # Contexts of TLS take some 20 ms each: made when something is asked for.
    @cached_property
    def _client(self) -> httpx.Client:
        return new_client(OriginAuth(self._logins))

    @cached_property
    def _registries(self) -> Session:
        return Session(logins=self._logins, insecure=self._insecure)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for opened in ("_client", "_registries"):
            if opened in self.__dict__:
                self.__dict__.pop(opened).close()
