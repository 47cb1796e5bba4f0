"""What a check that changes, and an answer that takes long, do to those who are asked."""

from dataclasses import replace
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from haproxied import HEALTH, Load, StartServer, await_state, frontend, serve

from repave.balancers.haproxy.balancer import HaproxyBalancer
from repave.model.observation import TrafficState
from repave.ports.errors import Conflict

pytestmark = pytest.mark.real


def test_a_check_that_nobody_passes_takes_nobody_out(balancer: HaproxyBalancer, start_server: StartServer) -> None:
    """It is refused with what they answer; once it is passed, or nobody serves any more, it is taken."""
    endpoint = balancer.ensure(frontend())
    first, second = start_server("first"), start_server("second")
    serve(balancer, first, second)
    wrong = replace(HEALTH, path="/nope")
    with Load(endpoint) as load:
        with pytest.raises(Conflict, match=r"2 of the 2 .* GET /nope well .*\(first: HTTP 404\)"):
            balancer.ensure(frontend(health=wrong))
        load.go_on(100)
        balancer.ensure(frontend(health=replace(HEALTH, path="/healthz?also=this")))
        load.go_on(100)
    assert load.failed == []
    for server in (first, second):
        server.ill.touch()
        await_state(balancer, server, TrafficState.FAILING)
    assert balancer.ensure(frontend(health=wrong)) == endpoint


def test_a_slow_request_is_not_carried_out_twice(
    balancer: HaproxyBalancer, start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past the time that an answer may take its client is told so."""
    monkeypatch.setattr("repave.balancers.haproxy.configuration.SERVER_SECONDS", 1)
    endpoint = balancer.ensure(frontend())
    servers = start_server("first"), start_server("second")
    serve(balancer, *servers)
    with pytest.raises(HTTPError) as told:
        urlopen(f"{endpoint}/slow/5", timeout=60)  # noqa: S310 - our own endpoint
    with told.value as answer:
        assert answer.code == HTTPStatus.GATEWAY_TIMEOUT
    notes = [server.ill.with_suffix(".slow") for server in servers]
    assert [note.read_text() for note in notes if note.exists()] == ["once\n"]
