"""What HAProxy says, in the words of the model, and the other way round."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repave.balancers.haproxy.mapping import Live, backends, live_servers, stat_rows, state_file
from repave.balancers.haproxy.naming import backend_name, instance_of, server_name
from repave.balancers.haproxy.record import Attached, FleetRecord
from repave.balancers.haproxy.servers import changes
from repave.model.names import EnvironmentName, FleetKey, FleetName, InstanceId, ProjectName
from repave.model.observation import TrafficState
from repave.model.policy import HealthPolicy

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEY = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
ONE = InstanceId("web-1")
COLUMNS = "pxname,svname,qcur,scur,stot,status,lastchg,check_status,check_code"
STATES = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_time_since_last_change srv_port
2 shop.test.web 1 web-1 127.0.0.1 2 0 1 7 8081
2 shop.test.web 2 web-2 127.0.0.1 0 8 0 5 8082
2 shop.test.web 3 web-3 127.0.0.1 2 5 1 0 8083

"""


def fleet(*attached: Attached) -> FleetRecord:
    """A fleet with these attached."""
    return FleetRecord(
        fleet=KEY,
        listen="127.0.0.1:8080",
        chosen=True,
        health=HealthPolicy(),
        drain_timeout_seconds=30,
        attached=attached,
    )


def one(*, served: bool = False, draining: bool = False, standby: bool = False, address: str = "127.0.0.1") -> Attached:
    """The first instance, attached."""
    since = NOW - timedelta(seconds=3) if draining else None
    return Attached(instance=ONE, address=address, port=8081, served=served, draining_since=since, standby=standby)


def live(*, running: bool = True, draining: bool = False, maintenance: bool = False) -> Live:
    """The first instance as HAProxy has it."""
    return Live(
        instance=ONE,
        address="127.0.0.1",
        port=8081,
        maintenance=maintenance,
        draining=draining,
        running=running,
        weight=1,
        changed_seconds=4,
    )


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(TEXT, TEXT)
def test_names_come_back_and_stay_apart(first: str, second: str) -> None:
    """Whatever an instance is called, its server's name leads back to it and holds nothing a command could trip on."""
    name = server_name(InstanceId(first))
    assert instance_of(name) == first
    assert not set(name) & set(" \t\n;/'\"\\#.")
    keys = [
        FleetKey(project=ProjectName("p"), environment=EnvironmentName(environment), fleet=FleetName(fleet_name))
        for environment, fleet_name in ((f"{first}.", second), (first, f".{second}"))
    ]
    assert backend_name(keys[0]) != backend_name(keys[1])


@pytest.mark.parametrize(
    ("status", "sessions", "attached", "expected"),
    [
        ("UP", 2, one(), TrafficState.SERVING),
        ("UP 1/3", 0, one(served=True), TrafficState.SERVING),
        ("DOWN", 0, one(), TrafficState.CHECKING),
        ("DOWN 1/2", 0, one(), TrafficState.CHECKING),
        ("MAINT", 0, one(), TrafficState.CHECKING),
        ("DOWN", 0, one(served=True), TrafficState.FAILING),
        ("DRAIN", 1, one(draining=True), TrafficState.DRAINING),
        ("DRAIN", 0, one(draining=True), TrafficState.DRAINED),
        ("DOWN", 0, one(draining=True, served=True), TrafficState.DRAINED),
        ("UP", 0, one(draining=True), TrafficState.SERVING),
        ("UP", 1, one(standby=True), TrafficState.READY),
        ("DOWN", 0, one(standby=True), TrafficState.CHECKING),
        ("DOWN", 0, one(standby=True, served=True), TrafficState.FAILING),
        ("DRAIN", 0, one(standby=True, draining=True), TrafficState.DRAINED),
    ],
)
def test_a_server_becomes_a_backend(status: str, sessions: int, attached: Attached, expected: TrafficState) -> None:
    """The state is HAProxy's own word; only whether it has served before, and a drain asked for, are remembered."""
    rows = stat_rows(f"# {COLUMNS}\nshop.test.web,web-1,0,{sessions},0,{status},9,L7STS,503\n\n")
    [backend] = backends(rows, [], fleet(attached), NOW)
    assert (backend.state, backend.sessions) == (expected, sessions)
    assert backend.since == (attached.draining_since or NOW - timedelta(seconds=9))
    assert backend.detail == "answered, not well, HTTP 503"


def test_a_part_that_changed_later_than_the_health_counts_from_then() -> None:
    """HAProxy knows nothing of it: to it the server has been well for long."""
    rows = stat_rows(f"# {COLUMNS}\nb,web-1,0,0,5,UP,90,L7OK,200\n")
    changed = replace(one(standby=True), part_since=NOW - timedelta(seconds=5))
    [backend] = backends(rows, [], fleet(changed), NOW)
    assert backend.since == NOW - timedelta(seconds=5)


@pytest.mark.parametrize(("status", "expected"), [("DOWN", NOW + timedelta(seconds=0.525)), ("UP", None)])
def test_one_that_is_checked_passes_after_its_checks(status: str, expected: datetime | None) -> None:
    """Two, a quarter of a second apart, and what they take; of one that serves there is nothing to wait for."""
    rows = stat_rows(f"# {COLUMNS}\nb,web-1,0,0,0,{status},0,L4CON,\n")
    [backend] = backends(rows, [], fleet(replace(one(), checked_since=NOW)), NOW)
    assert backend.passes_from == expected


@pytest.mark.parametrize(
    ("served", "expected"),
    [
        (False, "connection refused or unreachable; does it listen on 0.0.0.0:8081?"),
        (True, "connection refused or unreachable"),
    ],
)
def test_one_that_never_let_anybody_in_is_asked_where_it_listens(served: bool, expected: str) -> None:
    """An application that listens on 127.0.0.1 alone is well to itself, and to nobody else."""
    rows = stat_rows(f"# {COLUMNS}\nb,web-1,0,0,0,DOWN,9,L4CON,\n")
    [backend] = backends(rows, [], fleet(one(served=served)), NOW)
    assert backend.detail == expected


def test_requests_of_an_ending_worker_count() -> None:
    """After a reload the old worker may still serve a request of an instance: it is not drained before that ended."""
    rows = stat_rows(f"# {COLUMNS}\nb,web-1,0,0,5,DRAIN,9,L7OK,200\n")
    old = stat_rows(f"# {COLUMNS}\nb,web-1,1,1,5,UP,9,L7OK,200\n")
    [backend] = backends(rows, old, fleet(one(draining=True)), NOW)
    assert (backend.state, backend.sessions) == (TrafficState.DRAINING, 2)


def test_a_detached_server_is_not_listed() -> None:
    """What is on its way out of HAProxy is forgotten at once."""
    rows = stat_rows(f"# {COLUMNS}\nb,web-1,0,1,5,MAINT,9,L7OK,200\n")
    assert backends(rows, [], fleet(), NOW) == ()


def test_servers_are_read_with_their_flags() -> None:
    """Drain and maintenance are told apart."""
    first, second, third = live_servers(STATES)
    assert (first.running, first.draining, first.maintenance, first.port) == (True, False, False, 8081)
    assert (second.running, second.draining, second.maintenance) == (False, True, False)
    assert third.maintenance


@pytest.mark.parametrize(
    ("attached", "before", "operation", "admin"),
    [
        (one(served=True), None, "2", "0"),
        (one(), None, "0", "0"),
        (one(served=True), live(running=False), "0", "0"),
        (one(), live(), "2", "0"),
        (one(), live(draining=True), "0", "0"),
        (one(draining=True), live(draining=True), "2", "8"),
    ],
)
def test_a_new_worker_goes_on_where_the_last_was(
    attached: Attached, before: Live | None, operation: str, admin: str
) -> None:
    """Who served serves at once, who was being checked or drained still is."""
    text = state_file([fleet(attached)], {backend_name(KEY): (before,)} if before else {})
    fields = text.splitlines()[2].split()
    assert (fields[3], fields[5], fields[6]) == ("web-1", operation, admin)
    assert len(fields) == len(text.splitlines()[1].split()) - 1


def test_a_new_server_is_called_ill_before_it_may_serve() -> None:
    """It passes through drain, where it gets nothing, and leaves it as ill: only good checks in a row raise it."""
    commands = [command.partition("web-1 ")[2] or command for command in changes(fleet(one()), ()).commands]
    assert commands[0].startswith("127.0.0.1:8081 check inter 2000ms fastinter 250ms")
    assert commands[1:] == [
        "state drain",
        "enable health shop.test.web/web-1",
        "health down",
        "state ready",
    ]


@pytest.mark.parametrize("server", [live(), live(running=False)])
def test_a_server_in_place_is_left_alone(server: Live) -> None:
    """Nothing to do is nothing done, whatever its checks say."""
    found = changes(fleet(one()), (server,))
    assert not found.remove
    assert not found.commands


@pytest.mark.parametrize("server", [live(maintenance=True), live(draining=True)])
def test_a_half_made_server_is_finished(server: Live) -> None:
    """A crash between two commands is made good by the next call."""
    found = changes(fleet(one()), (server,))
    assert not found.remove
    assert len(found.commands) == 4


def test_a_server_that_moved_is_made_anew() -> None:
    """Another address under the same name is another server."""
    found = changes(fleet(one(address="127.0.0.2")), (live(),))
    assert found.remove == (ONE,)
    assert found.commands[0].startswith("add server shop.test.web/web-1 127.0.0.2:8081 ")


def test_standing_by_is_a_weight() -> None:
    """Of one in place nothing else is touched; a new one has it from the first on, and a new worker too."""
    [command] = changes(fleet(one(standby=True)), (live(),)).commands
    assert command == "set server shop.test.web/web-1 weight 0"
    assert not changes(fleet(one(standby=True)), (replace(live(), weight=0),)).commands
    [command] = changes(fleet(one()), (replace(live(), weight=0),)).commands
    assert command == "set server shop.test.web/web-1 weight 1"
    assert changes(fleet(one(standby=True)), ()).commands[0].endswith(" weight 0")
    assert state_file([fleet(one(standby=True))], {}).splitlines()[2].split()[7:9] == ["0", "0"]


def test_a_drain_is_asked_for_once() -> None:
    """One that drains already is left alone."""
    assert changes(fleet(one(draining=True)), (live(),)).commands[0].endswith("state drain")
    assert not changes(fleet(one(draining=True)), (live(draining=True),)).commands
