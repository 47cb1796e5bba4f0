"""From what HAProxy answers to the words of the model, and back; nothing is asked here.

The columns and flags are those of HAProxy's management manual: ``show stat``, ``show servers state`` (version 1).
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from repave.balancers.haproxy.configuration import passing_seconds
from repave.balancers.haproxy.naming import backend_name, instance_of, server_name
from repave.balancers.haproxy.record import Attached, FleetRecord
from repave.model.names import InstanceId
from repave.model.observation import Backend, TrafficState
from repave.model.policy import HealthPolicy

_MAINTENANCE_FLAGS = 0x01 | 0x02 | 0x20 | 0x40
"""Forced, inherited, by resolution, by hostname."""

_DRAIN_FLAGS = 0x08 | 0x10
_OPERATION_STOPPED = 0
_OPERATION_RUNNING = 2
_CHECK_CONFIGURED_AND_ENABLED = 6

_REFUSED = "L4CON"
"""Of one that never served it is nearly always the address it listens on: many a framework's default is 127.0.0.1."""

_CHECK_MEANINGS = {
    "INI": "not checked yet",
    "L4TOUT": "no connection in time",
    _REFUSED: "connection refused or unreachable",
    "L4OK": "took the connection",
    "L6RSP": "not the protocol expected",
    "L7TOUT": "connected, but no answer in time",
    "L7RSP": "not an HTTP answer",
    "L7OK": "answered well",
    "L7OKC": "answered well",
    "L7STS": "answered, not well",
}


@dataclass(frozen=True, kw_only=True)
class Live:
    """One server as HAProxy has it now."""

    instance: InstanceId
    address: str
    port: int
    maintenance: bool
    draining: bool
    running: bool
    weight: int
    changed_seconds: int
    """How long ago it came into its state."""


def live_servers(answer: str) -> tuple[Live, ...]:
    """The answer to ``show servers state BACKEND``."""
    lines = [line for line in answer.splitlines() if line.strip()]
    header = next((line for line in lines if line.startswith("#")), "#")
    names = header.lstrip("# ").split()
    rows = [dict(zip(names, line.split(), strict=False)) for line in lines if " " in line and not line.startswith("#")]
    return tuple(_live(row) for row in rows)


def state_file(fleets: Iterable[FleetRecord], live: Mapping[str, tuple[Live, ...]]) -> str:
    """What a starting worker reads, so that it goes on where the last one was.

    ``live`` holds the last worker's servers by backend; what it lacks is taken from the record: an instance that has
    served serves at once (its checks take it out if it no longer can), another waits for its checks.
    """
    lines = ["1", _STATE_HEADER]
    for number, fleet in enumerate(sorted(fleets, key=lambda fleet: fleet.fleet), start=1):
        name = backend_name(fleet.fleet)
        seen = {server.instance: server for server in live.get(name, ())}
        for place, attached in enumerate(fleet.attached, start=1):
            before = seen.get(attached.instance)
            # One that is being added waits in drain for its checks: it has proved nothing yet.
            running = before.running and not _unproven(before, attached) if before else attached.served
            age = before.changed_seconds if before else 0
            lines.append(_state_line(f"{number} {name} {place}", attached, fleet.health, age, running=running))
    return "\n".join(lines) + "\n"


def backends(
    rows: Iterable[Mapping[str, str]], old: Iterable[Mapping[str, str]], fleet: FleetRecord, now: datetime
) -> tuple[Backend, ...]:
    """The answer to ``show stat`` for one fleet; ``old`` are the rows of workers that are ending after a reload.

    An instance HAProxy has but the record lacks has been detached and waits for its last request: it is not listed.
    """
    elsewhere: dict[str, int] = {}
    for row in old:
        elsewhere[row["svname"]] = elsewhere.get(row["svname"], 0) + sessions(row)
    known = {server_name(attached.instance): attached for attached in fleet.attached}
    found = [
        _backend(row, known[row["svname"]], fleet.health, elsewhere.get(row["svname"], 0), now)
        for row in rows
        if row["svname"] in known
    ]
    return tuple(sorted(found, key=lambda backend: backend.instance))


def stat_rows(answer: str) -> tuple[Mapping[str, str], ...]:
    """The rows of ``show stat``'s CSV by column."""
    lines = [line for line in answer.removeprefix("# ").splitlines() if line]
    return tuple(csv.DictReader(lines))


def healthy(row: Mapping[str, str]) -> bool:
    """Whether HAProxy finds this server well, and neither drains nor maintains it: it serves, or stands by."""
    return row["status"].startswith("UP")


_STATE_HEADER = (
    "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight"
    " srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state"
    " bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr"
    " srv_agent_addr srv_agent_port"
)


def _unproven(before: Live, attached: Attached) -> bool:
    return (before.draining or before.maintenance) and attached.draining_since is None


def _live(row: Mapping[str, str]) -> Live:
    admin = int(row["srv_admin_state"])
    return Live(
        instance=instance_of(row["srv_name"]),
        address=row["srv_addr"],
        port=int(row["srv_port"]),
        maintenance=bool(admin & _MAINTENANCE_FLAGS),
        draining=bool(admin & _DRAIN_FLAGS),
        running=int(row["srv_op_state"]) != _OPERATION_STOPPED,
        weight=int(row["srv_uweight"]),
        changed_seconds=int(row["srv_time_since_last_change"]),
    )


def _state_line(place: str, attached: Attached, checks: HealthPolicy, age_seconds: int, *, running: bool) -> str:
    operation = _OPERATION_RUNNING if running else _OPERATION_STOPPED
    admin = 0x08 if attached.draining_since else 0
    health = checks.healthy + checks.unhealthy - 1 if running else 0
    checked = "15 3" if running else "1 0"  # passed at layer 7; or not yet checked
    weight = attached.weight
    return (
        f"{place} {server_name(attached.instance)} {attached.address} {operation} {admin} {weight} {weight}"
        f" {age_seconds} {checked} {health} {_CHECK_CONFIGURED_AND_ENABLED} 0 0 0 - {attached.port} - 0 0 - - 0"
    )


def sessions(row: Mapping[str, str]) -> int:
    """Requests that are being answered, or wait for their turn."""
    return int(row["scur"] or 0) + int(row["qcur"] or 0)


def _backend(
    row: Mapping[str, str], attached: Attached, checks: HealthPolicy, elsewhere: int, now: datetime
) -> Backend:
    open_requests = sessions(row) + elsewhere
    state = _state(row, attached, open_requests)
    return Backend(
        instance=attached.instance,
        state=state,
        since=_since(row, attached, now),
        sessions=open_requests,
        detail=_detail(row, attached),
        passes_from=_passes_from(attached, checks) if state is TrafficState.CHECKING else None,
    )


def _passes_from(attached: Attached, checks: HealthPolicy) -> datetime | None:
    since = attached.checked_since
    return since + timedelta(seconds=passing_seconds(checks)) if since else None


def _since(row: Mapping[str, str], attached: Attached, now: datetime) -> datetime:
    """HAProxy counts from its own changes of state; beginning to stand by, or ceasing to, is none to it."""
    if attached.draining_since:
        return attached.draining_since
    changed = now - timedelta(seconds=int(row["lastchg"] or 0))
    return max(changed, attached.part_since) if attached.part_since and healthy(row) else changed


def _state(row: Mapping[str, str], attached: Attached, open_requests: int) -> TrafficState:
    if healthy(row):
        return TrafficState.READY if attached.standby else TrafficState.SERVING
    if attached.draining_since is not None:
        return TrafficState.DRAINING if open_requests else TrafficState.DRAINED
    return TrafficState.FAILING if attached.served or int(row["stot"] or 0) else TrafficState.CHECKING


def _detail(row: Mapping[str, str], attached: Attached) -> str:
    status = row["check_status"].lstrip("* ")
    if status == _REFUSED and not attached.served:
        return f"{_CHECK_MEANINGS[_REFUSED]}; does it listen on 0.0.0.0:{attached.port}?"
    code = f", HTTP {row['check_code']}" if row.get("check_code", "").strip() not in {"", "0"} else ""
    return (_CHECK_MEANINGS.get(status, status) + code) if status else ""
