"""What fleets that start warm or hot start from: saved for the release that is to run, and for no other fleet."""

from collections.abc import Mapping

from repave.config.policies import revision_for
from repave.model.names import FleetName
from repave.model.project import Environment, Project, Start
from repave.model.release import Release
from repave.ports.progress import Progress
from repave.ports.provider import Machines, MemoryWanted, Serving, WarmStarts


def keep_warm(
    release: Release, project: Project, environment: Environment, *, machines: Machines, progress: Progress
) -> Mapping[FleetName, str]:
    """Have it saved where the published release can be started; answers which fleets start cold all the same, and why.

    Of those that start warm the fleets of every environment count, since environments may share what is published.
    Those that start hot know their environment: only fleets of this one are saved.
    """
    saved = [fleet for fleet in project.fleets.values() if fleet.start is not Start.COLD]
    if not isinstance(machines, WarmStarts):
        return {fleet.name: f"the provider {machines.name} saves no memory" for fleet in saved}
    cold: dict[FleetName, str] = {}
    for image, digest in release.artifacts.items():
        fleets = [fleet for fleet in saved if fleet.image == image]
        wanted = MemoryWanted(
            environment=environment.name,
            ready={fleet.name: fleet.limits for fleet in fleets if fleet.start is Start.WARM},
            serving={
                fleet.name: Serving(
                    revision=revision_for(project, environment.name, fleet.name, release),
                    health_path=path,
                )
                for fleet in fleets
                if fleet.start is Start.HOT and fleet.name in environment.fleets and (path := fleet.health.path)
            },
        )
        cold |= machines.keep_memory(digest, wanted, progress=progress)
    return cold
