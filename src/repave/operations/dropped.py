"""Fleets and environments that run and that the file has no more: renamed, or taken out of it, while they ran."""

from dataclasses import replace
from urllib.parse import urlsplit

from repave.config.policies import environment_named
from repave.model.names import EnvironmentName, FleetKey
from repave.model.policy import HealthPolicy
from repave.model.project import Environment, Fleet, FleetSize, Project
from repave.model.release import Revision
from repave.model.target import Target
from repave.operations.errors import Refused
from repave.ports.store import Store

UNJUDGED = HealthPolicy(path=None, interval_seconds=60.0, unhealthy=100)
"""How they are asked while they drain: their own check went with the file, and an instance that fails a wrong one would
be ended with its requests still open. So a connection is enough, and none is found sick within the longest drain."""

DRAIN_SECONDS = 30.0
LONGEST_SECONDS = 3600.0
"""How long they may take to leave, where requests are open; and where it is work, or connections of another protocol.
What they were given went with the file. Who has nothing left to end goes at once."""

PUT_BACK = "put it back below `environments`, destroy it, then take it out again"
"""What can be done about an environment of which the file does not say any more where its instances are."""


def dropped(project: Project, environment: EnvironmentName, store: Store) -> tuple[FleetKey, ...]:
    """Those of one environment, sorted."""
    declared = project.environments[environment].fleets if environment in project.environments else {}
    fleets = (key for key in store.fleets() if (key.project, key.environment) == (project.name, environment))
    return tuple(key for key in fleets if key.fleet not in declared)


def dropped_environments(project: Project, store: Store) -> tuple[EnvironmentName, ...]:
    """Those of which a fleet is wanted, sorted."""
    wanted = {key.environment for key in store.fleets() if key.project == project.name}
    return tuple(sorted(wanted - project.environments.keys()))


def require_own_addresses(project: Project, environment: Environment, store: Store) -> None:
    """Raises Refused where a fleet is to listen where one that the file has no more serves, as that was last seen."""
    names = {environment.name, *dropped_environments(project, store)}
    gone = (key for name in sorted(names) for key in dropped(project, name, store))
    held = {urlsplit(seen.traffic.endpoint).netloc: key for key in gone if (seen := store.last_seen(key))}
    for name, said in environment.fleets.items():
        if said.listen and (holder := held.get(said.listen)):
            raise Refused(
                f"{environment.name}/{name} is to listen on {said.listen}, where {holder.environment}/{holder.fleet} "
                "serves, which the file has no more",
                hint=f"give {name} another `listen`, or the old name; or `repave destroy {holder.environment} --fleet "
                f"{holder.fleet}` frees the address, where nobody answers then until {name} does"
                if holder.environment == environment.name
                else PUT_BACK,
            )


def with_dropped(project: Project, environment: EnvironmentName, store: Store) -> Project:
    """The project with them added, of size 0: enough to drain and end them, and nothing of it is started.

    What runs as workers and has a port in the file now, or the other way, is there as it runs.
    """
    fleets, where = dict(project.fleets), project.environments[environment]
    sizes = dict(where.fleets)
    for key in dropped(project, environment, store):
        if target := store.target(key):
            running = _as_it_runs(key, target, store)
            fleets.setdefault(key.fleet, running)
            sizes[key.fleet] = FleetSize(size=0)
    for name in sizes:
        key = FleetKey(project=project.name, environment=environment, fleet=name)
        if (target := store.target(key)) and is_of_another_kind(fleets[name], store.revision(key, target.revision)):
            fleets[name] = _as_it_runs(key, target, store)
    environments = {**project.environments, environment: replace(where, fleets=sizes)}
    return replace(project, fleets=fleets, environments=environments)


def is_of_another_kind(fleet: Fleet, revision: Revision) -> bool:
    """Whether one of them is of workers and the other is not."""
    return (fleet.port is None) is not (revision.port is None)


def _as_it_runs(key: FleetKey, target: Target, store: Store) -> Fleet:
    """As far as it can be known without the file."""
    was, seen = store.revision(key, target.revision), store.last_seen(key)
    health = UNJUDGED if was.port else HealthPolicy(steady_seconds=0.0)
    by_requests = was.port and seen and urlsplit(seen.traffic.endpoint).scheme == "http"
    drain = DRAIN_SECONDS if by_requests else LONGEST_SECONDS
    return Fleet(name=key.fleet, image=was.image, port=was.port, health=health, drain_timeout_seconds=drain)


def environment_to_end(project: Project, name: str, store: Store) -> Environment:
    """The environment of that name. Raises UnknownName; Refused where only the file has it no more."""
    environment = EnvironmentName(name)
    running = dropped(project, environment, store)
    if environment not in project.environments and running:
        fleets = ", ".join(key.fleet for key in running)
        raise Refused(
            f"`{name}` was deployed ({fleets}), and the file has it no more: nothing says where its instances are",
            hint=PUT_BACK,
        )
    return environment_named(project, name)
