"""Environments as they were seen last: what they carry, and since when without a break."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from repave.config.policies import environment_named
from repave.model.evidence import Standing
from repave.model.names import EnvironmentName, ReleaseNumber
from repave.model.observation import MachineState, Observation, TrafficState
from repave.model.project import Project
from repave.model.target import Target
from repave.operations.carriers import carriers
from repave.operations.keys import fleets_of
from repave.planner.wishes import without_old_pause
from repave.ports.store import Store

BREAKS = frozenset({"failure", "heal", "healing", "gone", "stop", "rollback"})
"""Events of a fleet that end an unbroken time."""

WHOLE_SECOND = timedelta(seconds=1)
"""Balancers count in whole seconds: two looks at one moment may differ by nearly so much."""


def standing_of(project: Project, name: EnvironmentName, store: Store, now: datetime) -> Standing:
    """Of one environment, by its targets and the last look at each of its fleets."""
    keys = fleets_of(project, environment_named(project, name))
    targets = [target for key in keys if (target := store.target(key))]
    if not targets:
        return Standing()
    looks = {key: store.last_seen(key) for key in keys}
    whole = len(targets) == len(keys) and len({target.release for target in targets}) == 1
    carrying = carriers(targets)
    since = [_well_since(store, target, looks[target.fleet]) for target in carrying] if whole else [None]
    pauses = [target.paused_since or target.since for target in targets if without_old_pause(target, now).paused]
    return Standing(
        # While fleets of one environment want different releases, it has not got beyond the oldest of them.
        release=min(target.release for target in targets),
        proven=_proven(carrying) if len(targets) == len(keys) else {},
        seen_at=min((seen.at for seen in looks.values() if seen), default=None),
        well_since=None if None in since else max(moment for moment in since if moment),
        paused_since=min(pauses, default=None),
        deserted=not any(target.size for target in targets),
    )


def _proven(targets: Iterable[Target]) -> dict[ReleaseNumber, datetime]:
    """By release, when the last of the fleets was shown to be carried by it; those that carried every fleet."""
    latest = []
    for target in targets:
        mine: dict[ReleaseNumber, datetime] = {}
        for proof in target.proven:
            mine[proof.release] = max(proof.at, mine.get(proof.release, proof.at))
        latest.append(mine)
    common = set.intersection(*(set(mine) for mine in latest))
    return {release: max(mine[release] for mine in latest) for release in sorted(common)}


def _well_since(store: Store, target: Target, seen: Observation | None) -> datetime | None:
    """None when it is not well, cannot be seen whole, or is to be nobody."""
    proofs = [proof.at for proof in target.proven if proof.revision == target.revision and proof.at >= target.since]
    if not target.size or not proofs or seen is None or seen.machines.incomplete or seen.traffic.incomplete:
        return None
    states = {backend.instance: backend for backend in seen.traffic.backends}
    serving = [
        states[one.id]
        for one in seen.machines.instances
        if one.revision == target.revision and one.id in states and states[one.id].state is TrafficState.SERVING
    ]
    ill = any(backend.state is TrafficState.FAILING for backend in states.values())
    ended = any(one.state is MachineState.STOPPED for one in seen.machines.instances)
    if ill or ended or len(serving) < target.size:
        return None
    broken = store.newest_of(target.fleet, BREAKS)
    served = {one.instance: one.served_from for one in store.lifetimes(target.fleet, living=True)}
    returned = [
        backend.since
        for backend in serving
        if (first := served.get(backend.instance)) is not None and backend.since - first >= WHOLE_SECOND
    ]
    return max([*proofs, *returned, *([broken.at] if broken else [])])
