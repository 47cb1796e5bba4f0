"""One registry's HTTP: addresses, patience, and what its answers mean."""

import json
from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from repave.ports.distribution import HUB, Reference, Repository
from repave.ports.errors import Denied, Gone, Invalid, WorldError
from repave.ports.logins import Logins, NoLogins
from repave.registries.connections import new_client
from repave.registries.measuring import Wanted
from repave.registries.oci.authentication import HUB_HOST, RegistryAuth
from repave.registries.patience import TRANSIENT_STATUS, Transient, patiently, retry_after_seconds

SERVED_BY = {HUB: HUB_HOST}
"""Registries whose name is not their host."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
TOLD_CHARACTERS = 300
"""Of a registry's own words: enough for a sentence, too few for a page of HTML."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One question to a registry."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""


class Session:
    """Speaks to registries; also the line by which a vault fetches ``oci://`` addresses.

    ``insecure`` names the registries (host, with port) that are spoken to without TLS; loopback always is.
    """

    def __init__(self, *, logins: Logins | None = None, insecure: Collection[str] = ()) -> None:
        self._plain = new_client()
        self._client = new_client(RegistryAuth(logins or NoLogins(), client=self._plain))
        self._insecure = frozenset(insecure)

    def base(self, repository: Repository) -> str:
        """The address below which a repository is."""
        host = repository.registry
        bare = host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
        scheme = "http" if host in self._insecure or bare in LOOPBACK else "https"
        return f"{scheme}://{SERVED_BY.get(host, host)}/v2/{repository.name}"

    def addresses(self, file: Wanted) -> tuple[str, ...]:
        """Where to ask for a file: its own address; see the line."""
        return (file.url,)

    def get(self, address: str, headers: dict[str, str]) -> AbstractContextManager[httpx.Response]:
        """Ask for the blob at an ``oci://`` address; see the line."""
        reference = Reference.parse(address)
        if reference.digest is None:
            raise Invalid(f"{address} names no blob", hint="as oci://registry.example/shop@sha256:...")
        return self._client.stream(
            "GET", f"{self.base(reference.repository)}/blobs/{reference.digest}", headers=headers
        )

    def ask(self, request: Request, *, what: str) -> httpx.Response:
        """Ask until there is an answer that counts; ``what`` is for people: what was attempted, on what.

        Raises Gone, Denied, Invalid, Throttled, Unreachable.
        """
        return patiently(lambda: self._once(request, what), what=what)

    def _once(self, request: Request, what: str) -> httpx.Response:
        try:
            answer = self._client.request(
                request.method, request.url, headers=request.headers, content=request.content or None
            )
        except httpx.TransportError as trouble:
            raise Transient(str(trouble) or type(trouble).__name__) from trouble
        except (httpx.InvalidURL, httpx.TooManyRedirects) as trouble:
            raise Invalid(f"could not {what}: {trouble}") from trouble
        if answer.status_code in TRANSIENT_STATUS:
            raise Transient(
                f"the registry answered {answer.status_code}", after_seconds=retry_after_seconds(answer.headers)
            )
        if not answer.is_success:
            raise refusal(answer, what)
        return answer

    def absolute(self, answer: httpx.Response, location: str) -> str:
        """An address that an answer names, which may be relative. Logins go by host: another gets none."""
        address = str(answer.request.url.join(location))
        if urlsplit(address).scheme not in {"http", "https"}:
            raise Invalid(f"the registry {answer.request.url.host} sends us to {address}")
        return address

    def close(self) -> None:
        """End the connections."""
        self._client.close()
        self._plain.close()


def refusal(answer: httpx.Response, what: str) -> WorldError:
    """What a registry's refusal means; its own words are kept."""
    told = f"could not {what}: the registry answered {answer.status_code}{_words(answer)}"
    match answer.status_code:
        case 401 | 403:
            return Denied(told, hint="declare `credentials` of the registry under `origins`, or `docker login` to it")
        case 404 | 410:
            return Gone(told)
        case 407:
            return Denied(told, hint="the proxy wants a login")
        case _:
            return Invalid(told)


def _words(answer: httpx.Response) -> str:
    """Of its error document (distribution specification, "Error codes")."""
    try:
        errors = json.loads(answer.content)["errors"]
        words = "; ".join(f"{error['code']}: {error.get('message', '')}" for error in errors)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return f" ({words[:TOLD_CHARACTERS]})"
