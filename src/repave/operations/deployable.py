"""What keeps an environment from being deployed as the file has it now, found before anything is wanted."""

from repave.model.names import FleetKey
from repave.model.project import Environment, Project
from repave.operations.dropped import is_of_another_kind, require_own_addresses
from repave.operations.errors import Refused
from repave.operations.keys import fleets_of
from repave.ports.store import Store


def require_deployable(project: Project, environment: Environment, store: Store) -> None:
    """Raises Refused, with the way out."""
    require_own_addresses(project, environment, store)
    for key in fleets_of(project, environment):
        require_one_kind(project, key, store)


def require_one_kind(project: Project, key: FleetKey, store: Store) -> None:
    """Raises Refused where a fleet of workers has a port in the file now, or the other way.

    Who serves is known by its answers, a worker by its running: no rollout leads from one to the other.
    """
    target = store.target(key)
    if target is None or not is_of_another_kind(project.fleets[key.fleet], store.revision(key, target.revision)):
        return
    kinds = ["a fleet with a port", "workers"]
    now, was = kinds if project.fleets[key.fleet].port else reversed(kinds)
    raise Refused(
        f"{key.environment}/{key.fleet} runs as {was} and cannot be rolled over to {now}",
        hint="give the new one another name in repave.yaml, deploy it, then "
        f"`repave destroy {key.environment} --fleet {key.fleet}`",
    )
