"""What the store itself puts on record, in the transaction that keeps it: releases, committed plans, what is seen."""

from collections.abc import Collection, Mapping

from repave.model.event import Event
from repave.model.names import Digest, InstanceId
from repave.model.observation import Instance, Observation
from repave.model.plan import Plan
from repave.model.release import Release

RELEASE, PLAN, SIGHTING = "release", "plan", "sighting"
"""The kinds of these events."""


def released(release: Release) -> Event:
    """A release was numbered."""
    details = {
        "release": release.number,
        "lock": release.lock,
        "artifacts": release.artifacts,
        "source": release.source,
    }
    return Event(at=release.created_at, kind=RELEASE, details=details)


def planned(plan: Plan) -> Event:
    """A plan was committed: what it orders, and what it takes for granted from now on."""
    details: dict[str, object] = {
        "generation": plan.parent + 1,
        "phase": plan.phase,
        "summary": plan.summary,
        "steps": [{"do": step.kind, "slot": step.slot, "reason": step.reason} for step in plan.steps],
    }
    if plan.failures:
        details["failed"] = [failure.slot for failure in plan.failures]
    if plan.heals:
        details["healed"] = [heal.slot for heal in plan.heals]
    if plan.retarget is not None:
        details["back_to"] = {"release": plan.retarget.release, "revision": plan.retarget.revision}
    if plan.stop:
        details["stopped"] = plan.stop
    if plan.resize is not None:
        details["size"] = plan.resize.size
    if plan.proven is not None:
        details["proven"] = plan.proven
    return Event(at=plan.at, fleet=plan.fleet, kind=PLAN, details=details)


def seen(
    observation: Observation, began: Mapping[InstanceId, Digest | None], ended: Collection[InstanceId]
) -> tuple[Event, ...]:
    """What was seen to run from now on, each with its artifact, and what no longer does; nothing when nothing changed.

    ``began``: seen for the first time, or again after a complete list had lacked them. Those come first that no record
    explains: their artifact is None. ``ended``: lacked by a complete list.
    """
    if not (began or ended):
        return ()
    running = sorted(began.items(), key=lambda one: (one[1] is not None, one[0]))
    listed = {instance.id: instance for instance in observation.machines.instances}
    details = {"began": [_running(listed[name], artifact) for name, artifact in running], "ended": sorted(ended)}
    return (Event(at=observation.machines.at, fleet=observation.fleet, kind=SIGHTING, details=details),)


def _running(instance: Instance, artifact: Digest | None) -> Mapping[str, object]:
    return {
        "instance": instance.id,
        "slot": instance.slot,
        "release": instance.release,
        "revision": instance.revision,
        "artifact": artifact,
        "zone": instance.zone,
        "started": instance.started_at,
    }
