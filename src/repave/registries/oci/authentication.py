"""How a registry is told who asks: basic authentication, or a bearer token from where its challenge points.

Source: RFC 7235 (challenges), Distribution Registry v2 token authentication.
"""

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from threading import Lock

import httpx

from repave.ports.distribution import HUB
from repave.ports.errors import Denied, Unreachable
from repave.ports.logins import Login, Logins

PARAMETER = re.compile(r'([a-zA-Z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
REPOSITORY = re.compile(r"/v2/(.+)/(?:manifests|blobs|tags|referrers)/")
READING = frozenset({"GET", "HEAD"})

HUB_HOST = "registry-1.docker.io"
"""The host behind ``docker.io``, under which its logins are declared."""

REFRESHING = "<token>"
"""The user name by which docker's own configuration marks a password that is a refresh token."""


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """What a registry wants to see."""

    scheme: str
    """In lower case."""

    parameters: Mapping[str, str]


def challenge(header: str) -> Challenge:
    """Read one WWW-Authenticate header."""
    scheme, _, rest = header.strip().partition(" ")
    found = {
        name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
        for name, quoted, plain in PARAMETER.findall(rest)
    }
    return Challenge(scheme=scheme.lower(), parameters=found)


class RegistryAuth(httpx.Auth):
    """Answers challenges. A login goes to the registry it is declared for and to the token server it names only."""

    def __init__(self, logins: Logins, *, client: httpx.Client) -> None:
        self._logins = logins
        self._client = client
        self._known: dict[tuple[str, str, bool], str] = {}
        self._asking = Lock()

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Ask with what is known; where that is refused, with what the challenge demands."""
        matched = REPOSITORY.match(request.url.path)
        place = (request.url.netloc.decode(), matched[1] if matched else "", request.method in READING)
        before = self._known.get(place)
        if before:
            request.headers["Authorization"] = before
        answer = yield request
        if answer.status_code != httpx.codes.UNAUTHORIZED or answer.request.url.netloc != request.url.netloc:
            return
        with self._asking:
            if self._known.get(place) in {None, before}:
                header = self._answer(request, challenge(answer.headers.get("WWW-Authenticate", "")), place[1])
                if header is None:
                    return
                self._known[place] = header
        request.headers["Authorization"] = self._known[place]
        yield request

    def _answer(self, request: httpx.Request, asked: Challenge, repository: str) -> str | None:
        host = request.url.netloc.decode()
        login = self._logins.login(f"oci://{HUB if host == HUB_HOST else host}/{repository}")
        if asked.scheme == "bearer":
            return f"Bearer {self._token(request, asked.parameters, login)}"
        if asked.scheme == "basic" and login is not None:
            return _basic(login)
        return None

    def _token(self, request: httpx.Request, parameters: Mapping[str, str], login: Login | None) -> str:
        registry = request.url.netloc.decode()
        try:
            realm = httpx.URL(parameters.get("realm", ""))
        except httpx.InvalidURL as broken:
            raise Denied(f"the registry {registry} names no token server that could be asked") from broken
        if realm.scheme != "https" and (realm.scheme, request.url.scheme) != ("http", "http"):
            raise Denied(
                f"the registry {registry} sends us to {realm} for a token, where a login could be read on the way",
                hint="the token server must be reached by https",
            )
        scope = {name: parameters[name] for name in ("service", "scope") if name in parameters}
        try:
            answer = self._ask(realm, scope, login)
            document = answer.json() if answer.is_success else {}
        except httpx.TransportError as trouble:
            raise Unreachable(f"the token server {realm.host} of {registry} does not answer: {trouble}") from trouble
        except ValueError as broken:
            raise Unreachable(f"the token server {realm.host} of {registry} answers no JSON") from broken
        token = document.get("token") or document.get("access_token") if isinstance(document, dict) else None
        if not isinstance(token, str) or not token:
            who = "as nobody" if login is None else f"as {login.username}"
            raise Denied(
                f"the token server {realm.host} of {registry} gives no token, asked {who} ({answer.status_code})",
                hint="declare `credentials` of the registry under `origins`, or `docker login` to it",
            )
        return token

    def _ask(self, realm: httpx.URL, scope: Mapping[str, str], login: Login | None) -> httpx.Response:
        if login is not None and login.username == REFRESHING:
            form = {**scope, "grant_type": "refresh_token", "refresh_token": login.password, "client_id": "repave"}
            return self._client.post(realm, data=form)
        headers = {} if login is None else {"Authorization": _basic(login)}
        return self._client.get(realm.copy_merge_params(dict(scope)), headers=headers)


def _basic(login: Login) -> str:
    request = httpx.Request("GET", "http://registry.invalid")
    return str(next(httpx.BasicAuth(login.username, login.password).auth_flow(request)).headers["Authorization"])
