"""What keeps an environment from being deployed as the file has it now, found before anything is wanted."""

from repave.model.names import FleetKey
from repave.model.project import Environment, Project
from repave.operations.dropped import require_own_addresses
from repave.operations.errors import Refused
from repave.operations.keys import fleets_of
from repave.ports.store import Store


def require_deployable(project: Project, environment: Environment, store: Store) -> None:
    """Raises Refused, with the way out."""
    require_own_addresses(project, environment, store)
    for key in fleets_of(project, environment):
        _require_same_port_or_none(project, key, store)


def _require_same_port_or_none(project: Project, key: FleetKey, store: Store) -> None:
    """Who serves is known by its answers, a worker by its running: no rollout leads from one to the other."""
    target = store.target(key)
    if target is None:
        return
    before, now = store.revision(key, target.revision).port, project.fleets[key.fleet].port
    if (before is None) is not (now is None):
        was, becomes = (
            ("a fleet of workers", "one with a port") if before is None else ("a fleet with a port", "workers")
        )
        raise Refused(
            f"{key.environment}/{key.fleet} runs as {was} and cannot be rolled over to {becomes}",
            hint="give the new one another name in repave.yaml, deploy it, then "
            f"`repave destroy {key.environment} --fleet {key.fleet}`",
        )
