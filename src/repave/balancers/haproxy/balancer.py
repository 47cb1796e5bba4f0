"""The traffic port over one HAProxy per project.

Frontends and health settings are configuration: a change of them is a seamless reload. Instances come, drain and go by
the runtime API, without one. What was ordered is recorded first and then brought about, so that a crash in between, or
HAProxy's own death, is made good by the next call.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from repave.balancers.haproxy.configuration import (
    CONNECT_SECONDS,
    address_of,
    bracketed,
    check_health,
    digest,
    render,
    url_of,
)
from repave.balancers.haproxy.mapping import Live, backends, healthy, live_servers, stat_rows, state_file
from repave.balancers.haproxy.naming import backend_name, instance_of, server_name
from repave.balancers.haproxy.process import Process, free_port, require_free
from repave.balancers.haproxy.record import Attached, FleetRecord, RecordFile
from repave.balancers.haproxy.runtime import RuntimeSocket
from repave.balancers.haproxy.servers import changes
from repave.model.metrics import MetricSighting
from repave.model.names import FleetKey, InstanceId
from repave.model.observation import TrafficSighting
from repave.model.policy import HealthPolicy
from repave.ports.errors import Conflict, Gone, Invalid, Unreachable
from repave.ports.provider import Proven
from repave.ports.surroundings import Surroundings
from repave.ports.traffic import Frontend

if TYPE_CHECKING:
    from repave.measuring.looks import Looks

CUT_SECONDS = 2.0
"""How long a detached server's cut requests may take to let go of it; they take milliseconds."""

CUT_LOOK_SECONDS = 0.01

ORPHAN_SECONDS = 2.0
"""A worker ends within milliseconds of its master's death."""

_Records = dict[FleetKey, FleetRecord]


class HaproxyBalancer:
    """Spreads requests by HAProxy; see the port for what each verb promises."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._clock = surroundings.clock
        self._file = RecordFile(surroundings.folder)
        self._process = Process(surroundings.folder, commands=surroundings.commands, clock=surroundings.clock)

    def describe(self) -> tuple[Proven, ...]:
        """HAProxy there, new enough, started and asked."""
        from repave.balancers.haproxy.proofs import proofs  # noqa: PLC0415 - only who is asked proves it

        return proofs(self._surroundings.commands, self._clock)

    def ensure(self, frontend: Frontend) -> str:
        """See the port. When nothing is to be done this takes a few milliseconds."""
        check_health(frontend.health)
        with self._file.locked():
            records = self._file.read()
            before = records.get(frontend.fleet)
            wanted = _ensured(before, frontend)
            refused = self._refused(before, wanted.health) if before else None
            if before and refused:
                wanted = replace(wanted, health=before.health)
            self._bring_about({**records, frontend.fleet: wanted}, before=records)
        if refused:
            raise refused
        return url_of(wanted)

    def _refused(self, record: FleetRecord, wanted: HealthPolicy) -> Conflict | None:
        """Why another check is not taken: whoever serves now would be taken out by it."""
        if record.health == wanted or not self._process.running():
            return None
        from repave.balancers.haproxy.trial import differs, failing, refusal  # noqa: PLC0415 - checks seldom change

        if not differs(record.health, wanted):
            return None
        up = {
            server.instance
            for server in self._live([record.fleet]).get(backend_name(record.fleet), ())
            if _is_up(server)
        }
        serving = [one for one in record.attached if one.instance in up and not one.draining_since]
        answers = failing(serving, wanted)
        return refusal(record, wanted, len(serving), answers) if answers else None

    def attach(
        self,
        fleet: FleetKey,
        instance: InstanceId,
        *,
        address: str,
        port: int | None,
        generation: int,
        standby: bool = False,
    ) -> None:
        """See the port."""
        if port is None:
            raise Invalid(f"{instance} of {fleet} has no port: HAProxy has nothing to send requests to")
        with self._file.locked():
            records = self._file.read()
            record = _required(records, fleet).at(generation)
            found = record.find(instance)
            now = self._clock.now()
            attached = Attached(instance=instance, address=address, port=port, standby=standby, checked_since=now)
            if found is None or found.draining_since or (found.address, found.port) != (address, port):
                record = record.put(attached)
            self._order(records, record)

    def admit(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """See the port. A weight is changed: no check is begun anew."""
        self._change(fleet, instance, generation, lambda found: self._part(found, standby=False))

    def stand_by(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """See the port. A server of weight 0 gets no request, and is checked as before."""
        self._change(fleet, instance, generation, lambda found: self._part(found, standby=True))

    def drain(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """See the port."""
        now = self._clock.now()
        self._change(
            fleet, instance, generation, lambda found: replace(found, draining_since=found.draining_since or now)
        )

    def detach(self, fleet: FleetKey, instance: InstanceId, *, generation: int) -> None:
        """See the port. Of the requests that are cut, HAProxy tries the idempotent ones at another instance."""
        with self._file.locked():
            records = self._file.read()
            if fleet in records:
                self._order(records, records[fleet].at(generation).drop(instance))

    def observe(self, fleet: FleetKey) -> TrafficSighting:
        """See the port. Two or three questions of about a millisecond. Raises Unreachable."""
        record = self._file.read().get(fleet)
        if record is None:
            return TrafficSighting(at=self._clock.now(), backends=())
        runtime = self._process.runtime
        question = f"show stat {backend_name(fleet)} 4 -1"
        rows = stat_rows(runtime.ask(question))
        old = [row for worker in runtime.workers().old for row in self._old_rows(runtime, question, worker)]
        seen = backends(rows, old, record, self._clock.now())
        self._remember_served(fleet, rows, record)
        return TrafficSighting(at=self._clock.now(), backends=seen, endpoint=url_of(record))

    def read(self, fleet: FleetKey, *, window_seconds: float, reader: str = "") -> MetricSighting:
        """See the metrics port. One question of about a millisecond. Raises Unreachable."""
        from repave.balancers.haproxy.metrics import look, metrics  # noqa: PLC0415 - few fleets scale by them

        record, at = self._file.read().get(fleet), self._clock.now()
        if record is None:
            return MetricSighting(at=at, window_seconds=window_seconds, incomplete="")
        rows = stat_rows(self._process.runtime.ask(f"show stat {backend_name(fleet)} 4 -1"))
        looks = self._looks(reader).add(fleet, look(rows, record, at), window_seconds=window_seconds)
        measured = metrics(rows, record, looks)
        return MetricSighting(at=at, window_seconds=window_seconds, instances=measured, incomplete="")

    def remove(self, fleet: FleetKey) -> None:
        """See the port."""
        self._looks().forget(fleet)
        with self._file.locked():
            records = self._file.read()
            remaining = {key: record for key, record in records.items() if key != fleet}
            if remaining:
                self._bring_about(remaining, before=records)
            else:
                self._process.end()
                self._file.write({})

    def _looks(self, reader: str = "") -> "Looks":
        from repave.measuring.looks import Looks  # noqa: PLC0415 - few fleets scale by what is measured

        return Looks(self._surroundings.folder, reader)

    def _bring_about(self, records: _Records, *, before: _Records) -> None:
        """Have HAProxy run with exactly these fleets, by the least that does it."""
        settings = self._process.settings
        running = self._process.running()
        text = render(records.values(), settings)
        if not running:
            self._process.end()
            self._await_free(before)
            _require_free(records, ())
            self._file.write(records)
            self._process.start(text, state_file(records.values(), {}))
            return
        current = running.get("description") == f"repave-{digest(records.values(), settings)}"
        if not current or self._process.outdated():
            _require_free(records, before.values())
            live = self._live(records)
            records = {key: _served(record, live.get(backend_name(key), ())) for key, record in records.items()}
            self._file.write(records)
            self._process.reload(text, state_file(records.values(), live))
        elif records != before:
            self._file.write(records)
        for record in records.values():
            self._reconcile(record)

    def _await_free(self, before: _Records) -> None:
        """Give the worker of a master that was just killed the moment it needs to notice and let go of its ports."""
        deadline = time.monotonic() + ORPHAN_SECONDS
        while time.monotonic() < deadline:
            try:
                _require_free(before, ())
            except Conflict:
                self._clock.sleep(CUT_LOOK_SECONDS)
            else:
                return

    def _change(
        self, fleet: FleetKey, instance: InstanceId, generation: int, changed: Callable[[Attached], Attached]
    ) -> None:
        with self._file.locked():
            records = self._file.read()
            record = _required(records, fleet).at(generation)
            found = record.find(instance)
            if found is None:
                raise Gone(f"{instance} is not attached to {fleet}", hint="`repave status` shows what is")
            self._order(records, record.put(changed(found)))

    def _part(self, found: Attached, *, standby: bool) -> Attached:
        return found if found.standby is standby else replace(found, standby=standby, part_since=self._clock.now())

    def _order(self, records: _Records, record: FleetRecord) -> None:
        if records[record.fleet] != record:
            self._file.write({**records, record.fleet: record})
        self._reconcile(record)

    def _reconcile(self, record: FleetRecord) -> None:
        runtime = self._process.runtime
        backend = backend_name(record.fleet)
        needed = changes(record, live_servers(runtime.ask(f"show servers state {backend}")))
        for instance in needed.remove:
            self._forget(runtime, f"{backend}/{server_name(instance)}")
        runtime.order(needed.commands)

    def _forget(self, runtime: RuntimeSocket, place: str) -> None:
        """Cut what the server still does, and delete it.

        A request that is only connecting finds another server by itself, and would be lost if it were cut: so those
        get the time a connection may take first.
        """
        runtime.order([f"set server {place} state maint"])
        connected = time.monotonic() + CONNECT_SECONDS
        deadline = connected + CUT_SECONDS
        while True:
            refused = runtime.attempt(f"del server {place}")
            if not refused:
                return
            if time.monotonic() > connected:
                runtime.order([f"shutdown sessions server {place}"])
            if time.monotonic() > deadline:
                raise Unreachable(f"HAProxy does not let go of {place}: {refused}", hint="it is tried again")
            self._clock.sleep(CUT_LOOK_SECONDS)

    def _live(self, records: Iterable[FleetKey]) -> dict[str, tuple[Live, ...]]:
        """The servers of each of these fleets that HAProxy knows by now."""
        found: dict[str, tuple[Live, ...]] = {}
        for key in records:
            answer = self._process.runtime.ask(f"show servers state {backend_name(key)}")
            if answer.startswith("1\n"):
                found[backend_name(key)] = live_servers(answer)
        return found

    def _old_rows(self, runtime: RuntimeSocket, question: str, worker: int) -> tuple[Mapping[str, str], ...]:
        try:
            answer = runtime.ask(question, worker=worker)
        except Unreachable:
            return ()  # it ended between the two questions, and its requests with it
        return stat_rows(answer) if answer.startswith("#") else ()

    def _remember_served(self, fleet: FleetKey, rows: tuple[Mapping[str, str], ...], record: FleetRecord) -> None:
        fresh = {instance_of(row["svname"]) for row in rows if healthy(row)}
        if not any(attached.instance in fresh and not attached.served for attached in record.attached):
            return
        with self._file.locked():
            records = self._file.read()
            if fleet in records:
                known = [replace(one, served=one.served or one.instance in fresh) for one in records[fleet].attached]
                self._file.write({**records, fleet: replace(records[fleet], attached=tuple(known))})


def _ensured(record: FleetRecord | None, frontend: Frontend) -> FleetRecord:
    kept = record.listen if record and record.chosen else f"127.0.0.1:{free_port()}"
    fresh = FleetRecord(
        fleet=frontend.fleet,
        listen=bracketed(frontend.listen) if frontend.listen else kept,
        chosen=frontend.listen is None,
        health=frontend.health,
        drain_timeout_seconds=frontend.drain_timeout_seconds,
    )
    return replace(fresh, generation=record.generation, attached=record.attached) if record else fresh


def _required(records: _Records, fleet: FleetKey) -> FleetRecord:
    if fleet not in records:
        raise Gone(f"{fleet} has no frontend in HAProxy", hint="ensure its frontend first")
    return records[fleet]


EVERYWHERE = frozenset({str(IPv4Address(0)), str(IPv6Address(0))})
"""Addresses that stand for all of this machine's."""


def _covers(held: str, wanted: str) -> bool:
    """Whether who listens at one address keeps others from the other; one that stands for all is in every other."""
    (one, port), (other, other_port) = address_of(held), address_of(wanted)
    return port == other_port and (one == other or not EVERYWHERE.isdisjoint((one, other)))


def _require_free(records: _Records, held: Iterable[FleetRecord]) -> None:
    """Each address that HAProxy does not hold yet must be free, and each be asked for by one fleet alone."""
    theirs = [record.listen for record in held]
    owners: dict[str, FleetKey] = {}
    for key, record in records.items():
        if record.listen in owners:
            raise Conflict(
                f"{key} and {owners[record.listen]} both ask for {record.listen}",
                hint="give each fleet a `listen` of its own",
            )
        owners[record.listen] = key
        if not any(_covers(listen, record.listen) for listen in theirs):
            require_free(record.listen, owner=str(key))


def _is_up(server: Live) -> bool:
    return server.running and not server.draining and not server.maintenance


def _served(record: FleetRecord, live: tuple[Live, ...]) -> FleetRecord:
    """Remember who serves, as the reload's state file says it too."""
    up = {server.instance for server in live if _is_up(server)}
    return replace(
        record, attached=tuple(replace(one, served=one.served or one.instance in up) for one in record.attached)
    )
