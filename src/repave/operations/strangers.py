"""Instances that bear a fleet's tags and run what no record here knows, as after a store was lost."""

from repave.model.names import FleetKey, RevisionId
from repave.model.observation import Observation
from repave.ports.errors import Gone
from repave.ports.store import Store


def strangers(store: Store, fleet: FleetKey, seen: Observation | None) -> tuple[str, ...]:
    """Their slots, sorted. The planner takes them for old ones: a roll-out replaces them."""
    instances = seen.machines.instances if seen else ()
    unknown = {revision for revision in {one.revision for one in instances} if not _is_known(store, fleet, revision)}
    return tuple(sorted(one.slot for one in instances if one.revision in unknown))


def _is_known(store: Store, fleet: FleetKey, revision: RevisionId) -> bool:
    try:
        store.revision(fleet, revision)
    except Gone:
        return False
    return True
