"""Which fleets an environment has."""

from repave.model.names import FleetKey
from repave.model.project import Environment, Project


def fleets_of(project: Project, environment: Environment) -> tuple[FleetKey, ...]:
    """The keys of an environment's fleets, in the file's order."""
    return tuple(
        FleetKey(project=project.name, environment=environment.name, fleet=name) for name in environment.fleets
    )
