"""Fleets whose protocol HAProxy does not read: what becomes of connections, and of a check that changes."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from haproxied import FLEET, HEALTH, Server, StartServer, await_state, frontend, serve

from repave.balancers.haproxy.balancer import HaproxyBalancer
from repave.model.names import InstanceId
from repave.model.observation import TrafficState
from repave.operations.dropped import UNJUDGED
from repave.ports.errors import Conflict

pytestmark = pytest.mark.real

CONNECTIONS = replace(HEALTH, path=None)


class Client:
    """One connection, over which it asks as often as it likes."""

    def __init__(self, endpoint: str) -> None:
        place = urlsplit(endpoint)
        self._socket = socket.create_connection((place.hostname, place.port or 0), timeout=10)
        self.instance = self.ask()

    def ask(self) -> InstanceId:
        """Who answers; nobody, where the connection was cut."""
        try:
            self._socket.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            return InstanceId(self._socket.recv(65536).decode().rpartition("\r\n\r\n")[2])
        except ConnectionError:
            return InstanceId("")

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


@pytest.fixture
def clients() -> Iterator[list[Client]]:
    """Who hang up in the end."""
    connected: list[Client] = []
    yield connected
    for client in connected:
        client.close()


def test_an_open_connection_stays_where_it_is_until_it_ends_or_its_time_is_over(
    balancer: HaproxyBalancer, start_server: StartServer, clients: list[Client]
) -> None:
    """A drained instance gets no new one; one that is detached loses those it has."""
    endpoint = balancer.ensure(frontend(health=CONNECTIONS))
    first, second = start_server("first", lasting=True), start_server("second", lasting=True)
    serve(balancer, first)
    clients.append(Client(endpoint))
    assert clients[0].instance == "first"
    serve(balancer, second)
    balancer.drain(FLEET, InstanceId("first"), generation=1)
    await_state(balancer, first, TrafficState.DRAINING)
    clients += [Client(endpoint) for _ in range(4)]
    assert [client.ask() for client in clients] == ["first", *["second"] * 4]
    balancer.detach(FLEET, InstanceId("first"), generation=1)
    assert clients[0].ask() == ""
    assert clients[1].ask() == "second"


def test_a_fleet_comes_to_speak_another_protocol_only_if_it_answers_so(
    balancer: HaproxyBalancer, start_server: StartServer
) -> None:
    """A connection is always taken by what serves; requests may not be answered well."""
    balancer.ensure(frontend())
    server = start_server("first")
    serve(balancer, server)
    assert balancer.ensure(frontend(health=CONNECTIONS)).startswith("tcp://")
    await_state(balancer, server, TrafficState.SERVING)
    server.ill.touch()
    told = "checked as before, by a connection: 1 of the 1 that serve do not answer GET"
    with pytest.raises(Conflict, match=told) as refused:
        balancer.ensure(frontend())
    assert "put `protocol` back" in refused.value.hint
    await_state(balancer, server, TrafficState.SERVING)
    server.ill.unlink()
    endpoint = balancer.ensure(frontend())
    await_state(balancer, server, TrafficState.SERVING)
    assert endpoint.startswith("http://")


def test_who_drains_unjudged_may_answer_as_it_likes(balancer: HaproxyBalancer, start_server: StartServer) -> None:
    """As a fleet does that the file has no more, and whose path nobody knows; the dead keep nobody from it."""
    balancer.ensure(frontend())
    server = start_server("first")
    serve(balancer, server)
    gone = start_server("gone")
    serve(balancer, gone)
    server.ill.touch()
    gone.process.kill()
    gone.process.wait()
    balancer.ensure(frontend(health=UNJUDGED))
    balancer.drain(FLEET, InstanceId("first"), generation=1)
    await_state(balancer, server, TrafficState.DRAINED)


def test_connections_are_counted(balancer: HaproxyBalancer, start_server: StartServer, clients: list[Client]) -> None:
    """And those that are open; how long one lasts is no latency."""
    endpoint = balancer.ensure(frontend(health=CONNECTIONS))
    server: Server = start_server("first", lasting=True)
    serve(balancer, server)
    balancer.read(FLEET, window_seconds=60)
    clients += [Client(endpoint) for _ in range(3)]
    [seen] = balancer.read(FLEET, window_seconds=60).instances
    assert (seen.samples, seen.error_rate, seen.latency_seconds) == (3, 0.0, None)
    assert dict(seen.named) == {"open_requests": 3.0}
