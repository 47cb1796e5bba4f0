"""HTTP as all of this room speaks it."""

from collections.abc import Generator

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
    hooks = {"response": [_refuse_descent]}
    return httpx.Client(follow_redirects=True, timeout=TIMEOUT, limits=limits, auth=auth, event_hooks=hooks)


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
