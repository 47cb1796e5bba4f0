"""From frontends to the text of ``haproxy.cfg``; nothing is read or started here.

The words are those of HAProxy's configuration manual (2.6). An instance that hangs (accepts, never answers) is taken
out after at most ``interval + timeout + (unhealthy - 1) x (min(interval, 0.25) + timeout)`` seconds: see
``detection_seconds``. Requests it has taken by then are tried elsewhere when the instance is detached or ended, if they
are idempotent. What is merely slow is never carried out twice: past the server time-out the client is told so (504).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from ipaddress import ip_address

from repave.balancers.haproxy.naming import backend_name, server_name
from repave.balancers.haproxy.record import Attached, FleetRecord
from repave.model.policy import HealthPolicy
from repave.ports.errors import Invalid

LOOPBACKS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - told apart, not bound
"""By the address that stands for all of its kind."""

QUICK_CHECK_SECONDS = 0.25
"""How often an instance is asked while its state is in doubt: a start is noticed soon, at four requests a second."""

ANSWERED_SECONDS = 0.025
"""What an order to check, its record on a busy disk, and a good answer may take: who looks sooner sees one of two."""

CONNECT_SECONDS = 1.5
"""Longer than one retransmission of a lost SYN (1 s, RFC 6298); a request that meets two vanished instances, as when a
zone stops, is still answered by a third within 3 s."""

SERVER_SECONDS = 60
"""How long an instance may take to begin its answer, or be silent within it; past it the client is told so (504)."""

QUEUE_SECONDS = 5
"""A client that waited so long for a place is told so (503) rather than left waiting."""

REQUEST_SECONDS = 10
"""A client must have sent its request's head by then, or it only holds a place."""

CLIENT_SECONDS = 120
"""Twice the server's time, so that it is never the client's side that ends a slow answer first."""

KEEP_ALIVE_SECONDS = 30
"""An idle client connection is kept so long; also how long an old worker waits for it after a reload."""

TUNNEL_SECONDS = 3600
"""A WebSocket or its like, or a connection of which HAProxy reads nothing, may be silent for so long."""

HARD_STOP_SECONDS = TUNNEL_SECONDS
"""An old worker ends by then, whatever its clients do, and before with the last of them. Downloads, uploads and tunnels
that are open when another fleet comes or goes last so long."""

RETRIES = 9
"""Further tries of one request, each at another instance than the one before. Of instances that die together, each may
cut a request once as it dies and refuse it twice before it is out, and the least busy are chosen: nine outlast three.
A refused try costs milliseconds, one into a vanished instance CONNECT_SECONDS; where all are out the client is told so
at once."""

CONNECTION_ERRORS = 2
"""Connections refused in a row before an instance is out without waiting for its check: one may be a chance."""

IDEMPOTENT_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE")
"""RFC 9110, 9.2.2. Others are tried again only when the connection failed, so that nothing had been sent."""

OF_REQUESTS = "requests"
OF_CONNECTIONS = "connections"
"""The two kinds of fleets: of which each request is given to an instance, and of which each connection is."""

_PATH = re.compile(r"/[A-Za-z0-9._~!$&()*+,;=:@%/?-]*")
"""RFC 3986 path and query, without the quote that would end our own quoting."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the configuration needs to know of this machine and this project."""

    node: str
    """Who we are: HAProxy repeats it, so that no other's process is taken for ours."""

    states: str
    """Path of the file with the servers' states, read at each start and reload."""

    maximum_connections: int
    threads: int
    user: str = ""
    """Whom the worker runs as; empty where repave itself is not root."""

    group: str = ""
    empty_folder: str = ""
    """Where the worker is locked in; empty where repave itself is not root."""


def render(fleets: Iterable[FleetRecord], settings: Settings) -> str:
    """The whole text, the attached instances included, and in ``description`` the digest of all but those."""
    ordered = sorted(fleets, key=lambda fleet: fleet.fleet)
    return "\n".join([_global(settings, digest(ordered, settings)), _below(ordered)])


def digest(fleets: Iterable[FleetRecord], settings: Settings) -> str:
    """The same as long as no reload is needed: instances come and go without one."""
    bare = [replace(fleet, attached=()) for fleet in sorted(fleets, key=lambda fleet: fleet.fleet)]
    text = "\n".join([_global(settings, ""), _below(bare)])
    return sha256(text.encode()).hexdigest()[:16]


def server_arguments(attached: Attached, health: HealthPolicy) -> str:
    """Address and check of one server, the same words in the configuration and in ``add server``."""
    host = f"[{attached.address}]" if ":" in attached.address else attached.address
    quick = _quick_seconds(health)
    return (
        f"{host}:{attached.port} check inter {_milliseconds(health.interval_seconds)}"
        f" fastinter {_milliseconds(quick)} downinter {_milliseconds(quick)}"
        f" rise {health.healthy} fall {health.unhealthy}"
        f" observe layer4 error-limit {CONNECTION_ERRORS} on-error mark-down weight {attached.weight}"
    )


def detection_seconds(health: HealthPolicy) -> float:
    """After how long at most an instance that hangs gets no new requests."""
    quick = _quick_seconds(health)
    return health.interval_seconds + health.timeout_seconds + (health.unhealthy - 1) * (quick + health.timeout_seconds)


def passing_seconds(health: HealthPolicy) -> float:
    """How soon an instance that is well from its first check on can serve: the first check waits for its turn, too."""
    return health.healthy * _quick_seconds(health) + ANSWERED_SECONDS


def address_of(listen: str) -> tuple[str, int]:
    """Address and port of ``address:port``; ``[::1]:80`` for IPv6, ``*`` for every address. Raises Invalid."""
    host, colon, port = listen.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    try:
        address = "0.0.0.0" if bare == "*" else str(ip_address(bare))  # noqa: S104 - what `*` means, asked by the user
        number = int(port) if port.isascii() and port.isdigit() else 0
    except ValueError as defect:
        raise _bad_address(listen) from defect
    if not colon or not 0 < number < 65536:  # noqa: PLR2004 - ports have 16 bits
        raise _bad_address(listen)
    return address, number


def bracketed(listen: str) -> str:
    """``address:port`` as a URL and HAProxy's ``bind`` write it."""
    return _joined(*address_of(listen))


def url_of(fleet: FleetRecord) -> str:
    """Where clients on this machine reach it: an address that stands for all of them is reached over loopback."""
    address, port = address_of(fleet.listen)
    scheme = "tcp" if fleet.health.path is None else "http"
    return f"{scheme}://{_joined(LOOPBACKS.get(address, address), port)}"


def _joined(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def check_health(health: HealthPolicy) -> None:
    """Refuse what HAProxy cannot check. Raises Invalid."""
    if health.path is not None and not _PATH.fullmatch(health.path):
        raise Invalid(
            f"the health path {health.path!r} is not a path of a URL",
            hint="start it with / and write other characters as %XX",
        )
    if min(health.interval_seconds, health.timeout_seconds) <= 0 or min(health.healthy, health.unhealthy) < 1:
        raise Invalid("health: interval and timeout must be above 0, healthy and unhealthy at least 1")


def quoted(text: str) -> str:
    """As one word of HAProxy's language, nothing in it expanded."""
    return "'" + text.replace("'", r"'\''") + "'"


def _quick_seconds(health: HealthPolicy) -> float:
    return min(health.interval_seconds, QUICK_CHECK_SECONDS)


def _bad_address(listen: str) -> Invalid:
    return Invalid(f"cannot listen on {listen!r}: not an address and a port", hint="write it as 127.0.0.1:8080")


def _milliseconds(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))}ms"


def _global(settings: Settings, digest_of_rest: str) -> str:
    privileges = (
        f"  user {settings.user}\n  group {settings.group}\n  chroot {quoted(settings.empty_folder)}\n"
        if settings.user
        else ""
    )
    return (
        "# Written by repave; changes made here are lost.\n"
        "global\n"
        f"  node {settings.node}\n"
        f"  description repave-{digest_of_rest}\n"
        f"  maxconn {settings.maximum_connections}\n"
        f"  nbthread {settings.threads}\n"
        f"  hard-stop-after {HARD_STOP_SECONDS}s\n"
        f"  server-state-file {quoted(settings.states)}\n"
        f"{privileges}"
    )


def _below(fleets: Iterable[FleetRecord]) -> str:
    """All but the global section. Words that are HTTP's alone are not written for those that speak something else."""
    return "\n".join([_defaults(), *(_fleet(fleet) for fleet in fleets)])


def _defaults() -> str:
    # Each request gets a connection of its own to its instance (http-server-close): none is ever sent into a kept
    # connection that the instance is just closing, so that a POST meets a dead instance as a refused connection,
    # which may be tried again. Between processes of one machine or rack a connection costs about 0.1 ms.
    return f"""defaults {OF_CONNECTIONS}
  mode tcp
  load-server-state-from-file global
  timeout client {TUNNEL_SECONDS}s
  timeout connect {_milliseconds(CONNECT_SECONDS)}
  timeout server {TUNNEL_SECONDS}s
  timeout queue {QUEUE_SECONDS}s
  retries {RETRIES}
  option redispatch 1

defaults {OF_REQUESTS}
  mode http
  load-server-state-from-file global
  timeout client {CLIENT_SECONDS}s
  timeout connect {_milliseconds(CONNECT_SECONDS)}
  timeout server {SERVER_SECONDS}s
  timeout queue {QUEUE_SECONDS}s
  timeout http-request {REQUEST_SECONDS}s
  timeout http-keep-alive {KEEP_ALIVE_SECONDS}s
  timeout tunnel {TUNNEL_SECONDS}s
  retries {RETRIES}
  retry-on conn-failure empty-response
  option redispatch 1
  option http-server-close
  option idle-close-on-response
  option forwardfor
"""


def _fleet(fleet: FleetRecord) -> str:
    name = backend_name(fleet.fleet)
    servers = "".join(
        f"  server {server_name(attached.instance)} {server_arguments(attached, fleet.health)}\n"
        for attached in fleet.attached
    )
    # leastconn: a hanging instance keeps what it was given, so it is given nearly nothing more before its checks
    # find it; among equals HAProxy takes turns.
    common = (
        f"  bind {bracketed(fleet.listen)}\n"
        "  balance leastconn\n"
        f"  timeout check {_milliseconds(fleet.health.timeout_seconds)}\n"
    )
    if fleet.health.path is None:
        return f"listen {name} from {OF_CONNECTIONS}\n{common}{servers}"
    return f"""listen {name} from {OF_REQUESTS}
{common}  http-request disable-l7-retry unless {{ method {" ".join(IDEMPOTENT_METHODS)} }}
  option httpchk
  http-check send meth GET uri {quoted(fleet.health.path)} ver HTTP/1.1 hdr Host localhost
  http-check expect status 200-399
{servers}"""
