"""What fleets that start warm start from: saved for the release that is to run, and for no fleet that starts cold."""

from collections.abc import Mapping

from repave.model.names import FleetName
from repave.model.project import Project
from repave.model.release import Release
from repave.ports.progress import Progress
from repave.ports.provider import Machines, WarmStarts


def keep_warm(release: Release, project: Project, *, machines: Machines, progress: Progress) -> Mapping[FleetName, str]:
    """Have it saved where the published release can be started; answers which fleets start cold all the same, and why.

    Fleets of every environment count, since environments may share what is published.
    """
    warm = [fleet for fleet in project.fleets.values() if fleet.warm]
    if not isinstance(machines, WarmStarts):
        return {fleet.name: f"the provider {machines.name} saves no memory" for fleet in warm}
    cold: dict[FleetName, str] = {}
    for image, digest in release.artifacts.items():
        wanted = {fleet.name: fleet.limits for fleet in warm if fleet.image == image}
        cold |= machines.keep_ready(digest, wanted, progress=progress)
    return cold
