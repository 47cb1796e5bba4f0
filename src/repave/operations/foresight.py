"""What a patch would do to fleets, before its release is baked."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from repave.model.names import EnvironmentName, ReleaseNumber
from repave.model.project import Project
from repave.operations.preview import FleetPreview, preview
from repave.operations.releases import newest_release
from repave.ports.clock import Clock
from repave.ports.progress import Progress
from repave.ports.store import Store


def foresee(
    project: Project, environments: Iterable[EnvironmentName], store: Store, clock: Clock, progress: Progress
) -> Mapping[EnvironmentName, tuple[FleetPreview, ...]]:
    """The preview of the next release in each of these environments, each as if it began now; the order is theirs.

    A release that is not baked has no artifacts yet, and rolls out like any other: it bears the next number, and the
    newest one's artifacts in their place. Raises Refused when nothing was ever baked.
    """
    newest = newest_release(store)
    following = replace(newest, number=ReleaseNumber(newest.number + 1))
    return {
        name: preview(project, project.environments[name], following, store, clock, progress) for name in environments
    }
