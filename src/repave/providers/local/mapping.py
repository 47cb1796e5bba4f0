"""Payloads to model and back, pure: this provider's records, and what an image's configuration says."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    FleetName,
    InstanceId,
    ProjectName,
    ReleaseNumber,
    RevisionId,
    SlotId,
    ZoneName,
)
from repave.model.observation import Instance, MachineState
from repave.model.recipe import ImageKind
from repave.model.release import Limits
from repave.ports.provider import LaunchOrder
from repave.providers.local.processes import Process
from repave.providers.local.slots import SpentSlots


class Phase(StrEnum):
    """How far an instance has come."""

    STARTING = "starting"
    """Written before anything of it exists: what a crash leaves is found by this."""

    STARTED = "started"
    """Its process was started, and is known by number and start."""

    ENDING = "ending"
    """Its termination has begun."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One instance, as this provider remembers it."""

    instance: InstanceId
    fleet: FleetKey
    slot: SlotId
    revision: RevisionId
    release: ReleaseNumber
    artifact: Digest
    zone: ZoneName
    port: int | None
    """None of a worker, which listens nowhere."""

    generation: int
    phase: Phase
    address: str
    started_at: datetime
    kind: ImageKind = ImageKind.CONTAINER
    limits: Limits | None = None
    """Its revision's; None of what an earlier version started."""

    process: Process | None = None
    """A container's first process, or the QEMU that is the machine."""

    forwarder: Process | None = None
    """Without root: the process that carries a container's network."""


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """What starting an instance needs to know of a published artifact."""

    layers: tuple[str, ...]
    """Folders of its layers, lowest first."""

    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    folder: str
    user: int
    group: int
    groups: tuple[int, ...] = ()
    volumes: tuple[str, ...] = ()
    """Folders the image declares as the application's own (its data, lost with the instance)."""

    problem: str = ""
    """Why it cannot be started; empty when it can."""


def new_record(order: LaunchOrder, instance: InstanceId, *, kind: ImageKind, address: str, at: datetime) -> Record:
    """The record of an instance of which nothing exists yet."""
    return Record(
        kind=kind,
        limits=order.revision.limits,
        instance=instance,
        fleet=order.fleet,
        slot=order.slot,
        revision=order.revision.id,
        release=order.revision.release,
        artifact=order.revision.artifact,
        zone=order.zone,
        port=order.revision.port,
        generation=order.generation,
        phase=Phase.STARTING,
        address=address,
        started_at=at,
    )


def instance_of(record: Record, state: MachineState, detail: str = "", said: str = "") -> Instance:
    """The record as the model says it."""
    return Instance(
        id=record.instance,
        slot=record.slot,
        revision=record.revision,
        release=record.release,
        zone=record.zone,
        state=state,
        started_at=record.started_at,
        address=record.address,
        port=record.port,
        detail=detail,
        said=said,
    )


def written_record(record: Record) -> bytes:
    """A record as its file holds it."""
    return _json(
        {
            "kind": record.kind.value,
            "limits": asdict(record.limits) if record.limits else None,
            "instance": record.instance,
            "fleet": _fleet(record.fleet),
            "slot": record.slot,
            "revision": record.revision,
            "release": record.release,
            "artifact": record.artifact,
            "zone": record.zone,
            "port": record.port,
            "generation": record.generation,
            "phase": record.phase.value,
            "address": record.address,
            "started_at": record.started_at.isoformat(),
            "process": _process(record.process),
            "forwarder": _process(record.forwarder),
        }
    )


def read_record(content: bytes) -> Record:
    """A record from its file. Raises ValueError, KeyError or TypeError for anything else."""
    read = json.loads(content)
    return Record(
        kind=ImageKind(read["kind"]) if "kind" in read else ImageKind.CONTAINER,  # as older records have it
        limits=_read_limits(read["limits"]) if "limits" in read else None,  # the same
        instance=InstanceId(read["instance"]),
        fleet=_read_fleet(read["fleet"]),
        slot=SlotId(read["slot"]),
        revision=RevisionId(read["revision"]),
        release=ReleaseNumber(read["release"]),
        artifact=Digest(read["artifact"]),
        zone=ZoneName(read["zone"]),
        port=None if read["port"] is None else int(read["port"]),
        generation=int(read["generation"]),
        phase=Phase(read["phase"]),
        address=str(read["address"]),
        started_at=datetime.fromisoformat(read["started_at"]),
        process=_read_process(read["process"]),
        forwarder=_read_process(read["forwarder"]),
    )


def written_fleet(fleet: FleetKey) -> bytes:
    """Which fleet a folder belongs to, for people and earlier versions."""
    return _json(_fleet(fleet))


def written_spent(spent: SpentSlots) -> bytes:
    """Used-up slots as their file holds them."""
    return _json({"ranges": spent.ranges, "names": sorted(spent.names)})


def read_spent(content: bytes) -> SpentSlots:
    """Used-up slots from their file; an empty object is the empty set."""
    read = json.loads(content)
    return SpentSlots(
        ranges={
            prefix: tuple((first, last) for first, last in runs) for prefix, runs in read.get("ranges", {}).items()
        },
        names=frozenset(read.get("names", ())),
    )


def written_facts(facts: ImageFacts) -> bytes:
    """A published artifact's facts as their file holds them."""
    return _json(
        {
            "layers": facts.layers,
            "command": facts.command,
            "environment": facts.environment,
            "folder": facts.folder,
            "user": facts.user,
            "group": facts.group,
            "groups": facts.groups,
            "volumes": facts.volumes,
            "problem": facts.problem,
        }
    )


def read_facts(content: bytes) -> ImageFacts:
    """A published artifact's facts from their file."""
    read = json.loads(content)
    return ImageFacts(
        layers=tuple(read["layers"]),
        command=tuple(read["command"]),
        environment=tuple((name, value) for name, value in read["environment"]),
        folder=read["folder"],
        user=read["user"],
        group=read["group"],
        groups=tuple(read["groups"]),
        volumes=tuple(read.get("volumes", ())),  # facts written before there were any have none
        problem=read["problem"],
    )


def image_command(configuration: Mapping[str, object]) -> tuple[str, ...]:
    """Entry point and command of an OCI image configuration, joined as the specification says."""
    entry, command = configuration.get("Entrypoint") or [], configuration.get("Cmd") or []
    if not isinstance(entry, list) or not isinstance(command, list):
        raise TypeError("Entrypoint and Cmd are lists")
    return tuple(str(word) for word in (*entry, *command))


def image_volumes(configuration: Mapping[str, object]) -> tuple[str, ...]:
    """The volumes of an OCI image configuration, sorted."""
    volumes = configuration.get("Volumes") or {}
    if not isinstance(volumes, dict):
        raise TypeError("Volumes is a mapping")
    return tuple(sorted(str(path) for path in volumes))


def image_environment(configuration: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Variables of an OCI image configuration, in its order."""
    lines = configuration.get("Env") or []
    if not isinstance(lines, list):
        raise TypeError("Env is a list")
    pairs = (str(line).partition("=") for line in lines)
    return tuple((name, value) for name, _, value in pairs)


def _fleet(fleet: FleetKey) -> dict[str, str]:
    return {"project": fleet.project, "environment": fleet.environment, "fleet": fleet.fleet}


def _read_fleet(read: Mapping[str, str]) -> FleetKey:
    return FleetKey(
        project=ProjectName(read["project"]),
        environment=EnvironmentName(read["environment"]),
        fleet=FleetName(read["fleet"]),
    )


def _process(process: Process | None) -> dict[str, object] | None:
    if process is None:
        return None
    return {"pid": process.pid, "started_ticks": process.started_ticks, "boot": process.boot}


def _read_process(read: Mapping[str, object] | None) -> Process | None:
    if read is None:
        return None
    return Process(pid=int(str(read["pid"])), started_ticks=int(str(read["started_ticks"])), boot=str(read["boot"]))


def _read_limits(read: Mapping[str, Any] | None) -> Limits | None:
    return None if read is None else Limits(**read)


def _json(content: object) -> bytes:
    return json.dumps(content, indent=1, sort_keys=True).encode() + b"\n"
