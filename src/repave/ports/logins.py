"""Who we are to the servers that files come from and go to."""

from dataclasses import dataclass, field
from typing import Protocol

from repave.model.origins import Origins


@dataclass(frozen=True, kw_only=True)
class Login:
    """A name and what proves it; shown nowhere."""

    username: str
    password: str = field(repr=False)


class Logins(Protocol):
    """Resolves logins at the moment of a request; nothing keeps what it returns."""

    def login(self, address: str) -> Login | None:
        """The login for an address (``https://host/path``, ``oci://host/repository``); None to ask as nobody.

        Raises Gone when a declared secret is not there, Denied when it may not be read, Invalid when it is no login.
        No message of these ever holds the secret.
        """
        ...


class NoLogins:
    """Everything is asked for as nobody."""

    def login(self, address: str) -> Login | None:
        """Nobody, everywhere."""
        del address
        return None


@dataclass(frozen=True, kw_only=True)
class Access:
    """How the addresses of others are reached: what stands in for them, and who we are there."""

    origins: Origins = field(default_factory=Origins)
    logins: Logins = field(default_factory=NoLogins)
