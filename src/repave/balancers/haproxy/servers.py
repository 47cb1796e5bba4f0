"""Which commands lead from the servers HAProxy has to those it should have; nothing is sent here."""

from collections.abc import Iterable
from dataclasses import dataclass

from repave.balancers.haproxy.configuration import server_arguments
from repave.balancers.haproxy.mapping import Live
from repave.balancers.haproxy.naming import backend_name, server_name
from repave.balancers.haproxy.record import Attached, FleetRecord
from repave.model.names import InstanceId


@dataclass(frozen=True, kw_only=True)
class Changes:
    """First these servers go, then these commands are given, in order."""

    remove: tuple[InstanceId, ...]
    commands: tuple[str, ...]


def changes(fleet: FleetRecord, live: Iterable[Live]) -> Changes:
    """What brings HAProxy from ``live`` to the record; nothing when it is there already."""
    present = {server.instance: server for server in live}
    moved = {
        attached.instance
        for attached in fleet.attached
        if (server := present.get(attached.instance)) and (server.address, server.port) != _place(attached)
    }
    unwanted = set(present) - {attached.instance for attached in fleet.attached}
    commands = [
        command
        for attached in fleet.attached
        for command in _bring(fleet, attached, None if attached.instance in moved else present.get(attached.instance))
    ]
    return Changes(remove=tuple(sorted(unwanted | moved)), commands=tuple(commands))


def _place(attached: Attached) -> tuple[str, int]:
    return attached.address, attached.port


def _bring(fleet: FleetRecord, attached: Attached, live: Live | None) -> list[str]:
    place = f"{backend_name(fleet.fleet)}/{server_name(attached.instance)}"
    add = [] if live else [f"add server {place} {server_arguments(attached, fleet.health)}"]
    drain = f"set server {place} state drain"
    if attached.draining_since is not None:
        return [] if live and live.draining else [*add, drain, f"enable health {place}"]
    weigh = [f"set server {place} weight {attached.weight}"] if live and live.weight != attached.weight else []
    if live and not live.maintenance and not live.draining:
        return weigh
    # A server that leaves maintenance counts as healthy until its checks say otherwise. So it goes through drain,
    # where it gets no request, is called ill there, and from then on only good checks in a row can raise it.
    return [
        *add,
        *weigh,
        drain,
        f"enable health {place}",
        f"set server {place} health down",
        f"set server {place} state ready",
    ]
