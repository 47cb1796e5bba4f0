"""Which fleets an environment has."""

from repave.config.policies import fleet_named
from repave.model.names import FleetKey
from repave.model.project import Environment, Project


def fleets_of(project: Project, environment: Environment, *, only: str | None = None) -> tuple[FleetKey, ...]:
    """The keys of an environment's fleets, in the file's order, or of one of them. Raises UnknownName."""
    names = environment.fleets if only is None else [fleet_named(project, environment.name, only).name]
    return tuple(FleetKey(project=project.name, environment=environment.name, fleet=name) for name in names)
