"""Requests, errors and latency of instances, as HAProxy counts them for each server.

The columns are those of ``show stat`` in HAProxy's management manual. HAProxy has no percentiles; its mean time is that
of the last 1,024 requests of the server, however long ago they were.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from repave.balancers.haproxy.mapping import sessions
from repave.balancers.haproxy.naming import server_name
from repave.balancers.haproxy.record import FleetRecord
from repave.measuring.growth import Growth, Look, growth
from repave.model.metrics import InstanceMetrics
from repave.model.names import InstanceId

ANSWERED = "answered"
FAILED = "failed"
_SERVER_ERRORS = "hrsp_5xx"
_NO_ANSWER = "eresp"
"""The connection broke, or the time was over, before an answer came."""

_CONNECTIONS = "stot"
_ANSWERS = ("hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", _SERVER_ERRORS, "hrsp_other", _NO_ANSWER)
_TOTAL_TIME = "ttime"
"""Milliseconds."""

OPEN_REQUESTS = "open_requests"
"""Being answered, or waiting for their turn, just now."""

Row = Mapping[str, str]


def look(rows: Iterable[Row], fleet: FleetRecord, at: datetime) -> Look:
    """The counters of the attached instances; what was detached and ends its last request is not one."""
    counters = _counters if fleet.health.path is not None else _counters_of_connections
    return Look(at=at, counters={instance: counters(row) for instance, row in _attached(rows, fleet).items()})


def metrics(rows: Iterable[Row], fleet: FleetRecord, looks: Sequence[Look]) -> tuple[InstanceMetrics, ...]:
    """What became of the counters over the looks, the last of which was made from these rows."""
    attached = sorted(_attached(rows, fleet).items())
    timed = fleet.health.path is not None
    return tuple(_metrics(instance, row, growth(looks, instance), timed=timed) for instance, row in attached)


def _metrics(instance: InstanceId, row: Row, grown: Growth | None, *, timed: bool) -> InstanceMetrics:
    named = ((OPEN_REQUESTS, float(sessions(row))),)
    if grown is None:
        return InstanceMetrics(instance=instance, seconds=0.0, named=named)
    samples = round(grown.counters[ANSWERED])
    return InstanceMetrics(
        instance=instance,
        seconds=grown.seconds,
        samples=samples,
        requests_per_second=samples / grown.seconds,
        error_rate=grown.counters[FAILED] / samples if samples else None,
        latency_seconds=_number(row, _TOTAL_TIME) / 1000 if samples and timed else None,
        named=named,
    )


def _attached(rows: Iterable[Row], fleet: FleetRecord) -> dict[InstanceId, Row]:
    known = {server_name(attached.instance): attached.instance for attached in fleet.attached}
    return {known[row["svname"]]: row for row in rows if row["svname"] in known}


def _counters(row: Row) -> dict[str, float]:
    answered = sum(_number(row, column) for column in _ANSWERS)
    return {ANSWERED: answered, FAILED: _number(row, _SERVER_ERRORS) + _number(row, _NO_ANSWER)}


def _counters_of_connections(row: Row) -> dict[str, float]:
    """Of a fleet whose protocol is not read: a connection is all that is seen of what was asked."""
    return {ANSWERED: _number(row, _CONNECTIONS), FAILED: _number(row, _NO_ANSWER)}


def _number(row: Row, column: str) -> int:
    return int(row.get(column) or 0)
