"""HTTP as all of this room speaks it."""

import os
import ssl
from collections.abc import Generator
from functools import lru_cache
from pathlib import Path

import httpx

from repave.ports.errors import Denied
from repave.ports.logins import Logins

TIMEOUT = httpx.Timeout(30.0, connect=15.0)
"""Of one read or connect, never of the whole file: a slow line is no error."""

MOST_CONNECTIONS = 16
"""Above what is ever downloaded at once: nobody waits for a connection."""


def new_client(auth: httpx.Auth | None = None) -> httpx.Client:
    """A client for many downloads; proxies and certificates come from the environment, as everywhere."""
    limits = httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS)
    hooks, trusted = {"response": [_refuse_descent]}, _trusting_who_is_named()
    return httpx.Client(
        verify=trusted, follow_redirects=True, timeout=TIMEOUT, limits=limits, auth=auth, event_hooks=hooks
    )


def _trusting_who_is_named() -> ssl.SSLContext:
    """By the environment, or everybody whom httpx knows; a folder of authorities is only read when one is needed."""
    file = os.environ.get("SSL_CERT_FILE")
    if not file and os.environ.get("SSL_CERT_DIR"):
        return httpx.create_ssl_context()
    return _trusting(file, _state_of(file) if file else ())


@lru_cache(maxsize=2)
def _trusting(file: str | None, state: tuple[int, ...]) -> ssl.SSLContext:
    """Read once for all clients, and anew when the file is another: it takes longer than many a request."""
    del file, state
    return httpx.create_ssl_context()


def _state_of(file: str) -> tuple[int, ...]:
    try:
        found = Path(file).stat()
    except OSError:
        return ()  # whoever reads it says what is wrong
    return found.st_ino, found.st_size, found.st_mtime_ns


def _refuse_descent(answer: httpx.Response) -> None:
    """Follow no server from https to where anyone on the way can read and change what comes."""
    if not answer.has_redirect_location:
        return
    try:
        onward = answer.url.join(answer.headers["Location"])
    except httpx.InvalidURL:
        return  # httpx says so itself, as of a server that breaks its protocol
    if onward.scheme not in {"https", answer.url.scheme}:
        raise Denied(
            f"{answer.url.copy_with(query=None)} sends us on to {onward.copy_with(query=None)}, over a line that "
            "nothing protects",
            hint="name an address that is https all the way",
        )


class OriginAuth(httpx.Auth):
    """Basic authentication by the address that is asked; a redirect to elsewhere carries nothing along."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the login that is declared for the address, if one is."""
        login = self._logins.login(str(request.url))
        if login is None:
            yield request
        else:
            yield from httpx.BasicAuth(login.username, login.password).auth_flow(request)
