"""Where clients reach a fleet, by the file."""

from repave.config.policies import environment_named, fleet_policy
from repave.model.names import FleetKey
from repave.model.project import Project
from repave.ports.traffic import Frontend


def frontend(project: Project, key: FleetKey) -> Frontend:
    """The frontend that the file declares for a fleet. Raises UnknownName."""
    policy = fleet_policy(project, key.environment, key.fleet)
    return Frontend(
        fleet=key,
        listen=environment_named(project, key.environment).fleets[key.fleet].listen,
        health=policy.health,
        drain_timeout_seconds=policy.drain_timeout_seconds,
    )
