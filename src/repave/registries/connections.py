"""HTTP as all of this room speaks it."""

from collections.abc import Generator

import httpx

from repave.ports.logins import Logins

TIMEOUT = httpx.Timeout(30.0, connect=15.0)
"""Of one read or connect, never of the whole file: a slow line is no error."""

MOST_CONNECTIONS = 16
"""Above what is ever downloaded at once: nobody waits for a connection."""


def new_client(auth: httpx.Auth | None = None) -> httpx.Client:
    """A client for many downloads; proxies and certificates come from the environment, as everywhere."""
    limits = httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS)
    return httpx.Client(follow_redirects=True, timeout=TIMEOUT, limits=limits, auth=auth)


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
