"""Artifacts where they can be started: what is to run, and what a rollback may return to."""

from repave.model.names import Digest, FleetKey
from repave.model.release import Release
from repave.operations.admission import Admission
from repave.ports.errors import Corrupt, Gone
from repave.ports.progress import Progress
from repave.ports.provider import Machines
from repave.ports.store import Store


def publish(
    release: Release,
    fleets: tuple[FleetKey, ...],
    *,
    store: Store,
    machines: Machines,
    admission: Admission,
    progress: Progress,
) -> None:
    """Make the release startable, and say of each proven revision of the fleets whether it still is.

    Raises Gone when an artifact of the release is no longer in the registry (bake it again), Corrupt when it is not
    what was baked, Refused when it is not signed by whom it must be.
    """
    admission.admit(release)
    for digest in release.artifacts.values():
        machines.publish(store.artifact(digest), progress=progress)
    for fleet in fleets:
        target = store.target(fleet)
        if target is None:
            continue
        proven = {proof.revision: store.revision(fleet, proof.revision).artifact for proof in target.proven}
        lost = [
            revision
            for revision, digest in proven.items()
            if not (admission.trusts(digest) and _startable(digest, store, machines, progress))
        ]
        store.unbootable(fleet, lost)


def _startable(digest: Digest, store: Store, machines: Machines, progress: Progress) -> bool:
    if digest in machines.published():
        return True
    try:
        machines.publish(store.artifact(digest), progress=progress)
    except (Gone, Corrupt):
        return False
    return True
