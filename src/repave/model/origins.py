"""Where files really come from: what stands in for an address, and who we are there."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from repave.model.release import SecretReference


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """A name, and where its password is found when a request is made."""

    username: str
    password: SecretReference


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What holds for an address and everything below it."""

    address: str
    """``https://host/path`` or ``oci://host/path``, with no slash at its end."""

    mirrors: tuple[str, ...] = ()
    """Asked instead, in this order; the same paths are below each."""

    credentials: Credentials | None = None
    insecure: bool = False
    """A registry that is spoken to without TLS."""


@dataclass(frozen=True, kw_only=True)
class Origins:
    """All that the file says of addresses; of several that fit the longest counts."""

    declared: tuple[Origin, ...] = field(default=())

    def places(self, address: str) -> tuple[str, ...]:
        """Where to ask for ``address``, in order: its mirrors, or itself. The lock keeps the address itself.

        Plain http and https are one origin here: what comes is judged by its hash or signature.
        """
        scheme, _, rest = address.partition("://")
        other = {"http": "https", "https": "http"}.get(scheme, scheme)
        found = self._longest(f"{scheme}://{rest}", f"{other}://{rest}", mirrored=True)
        if found is None:
            return (address,)
        below = rest[len(found.address.partition("://")[2]) :]
        return tuple(f"{mirror}{below}" for mirror in found.mirrors)

    def credentials(self, address: str) -> Credentials | None:
        """Who we are at ``address``; a login that is declared for https is not given to http."""
        found = self._longest(address, known=True)
        return found.credentials if found else None

    @property
    def insecure(self) -> frozenset[str]:
        """The hosts of registries without TLS."""
        return frozenset(urlsplit(origin.address).netloc for origin in self.declared if origin.insecure)

    def _longest(self, *addresses: str, mirrored: bool = False, known: bool = False) -> Origin | None:
        fitting = (
            origin
            for origin in self.declared
            if (origin.mirrors or not mirrored)
            and (origin.credentials or not known)
            and any(f"{address}/".startswith(f"{origin.address}/") for address in addresses)
        )
        return max(fitting, key=lambda origin: len(origin.address), default=None)
