"""Which limits of age and of flaws hold for one fleet of one environment: each is said by whoever is nearest to it."""

from dataclasses import dataclass

from repave.model.exposure import FixWithin
from repave.model.freshness import DeclaredLimit, Freshness
from repave.model.names import FleetKey
from repave.model.policy import AgePolicy
from repave.model.project import Environment, Fleet, Project

KEYS = {
    "soft_seconds": "max_age",
    "hard_seconds": "hard_max_age",
    "critical_seconds": "fix_within.critical",
    "high_seconds": "fix_within.high",
}
"""How the file names each limit."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What holds, and which of it is not the project's."""

    age: AgePolicy
    fix_within: FixWithin
    declared: tuple[DeclaredLimit, ...]


def limits_for(project: Project, key: FleetKey) -> Limits:
    """As the file declares them; none of a fleet that it no longer has."""
    where = project.environments.get(key.environment)
    if where is None or key.fleet not in where.fleets:
        return Limits(age=AgePolicy(), fix_within=FixWithin(), declared=())
    return limits_of(project, where, project.fleets[key.fleet])


def limits_of(project: Project, environment: Environment, fleet: Fleet) -> Limits:
    """The fleet's own word, else its environment's, else the project's: key by key."""
    layers = {
        f"fleets.{fleet.name}.policy": fleet.freshness,
        f"environments.{environment.name}.policy": environment.freshness,
    }
    whole = Freshness(
        soft_seconds=project.age.soft_seconds,
        hard_seconds=project.age.hard_seconds,
        critical_seconds=project.fix_within.critical_seconds,
        high_seconds=project.fix_within.high_seconds,
    )
    values: dict[str, float | None] = {}
    declared: list[DeclaredLimit] = []
    for field, key in KEYS.items():
        values[field] = getattr(whole, field)
        for place, own in layers.items():
            seconds = getattr(own, field)
            if seconds is not None:
                values[field] = seconds
                declared.append(DeclaredLimit(key=key, seconds=seconds, by=place))
                break
    return Limits(
        age=AgePolicy(soft_seconds=values["soft_seconds"], hard_seconds=values["hard_seconds"]),
        fix_within=FixWithin(critical_seconds=values["critical_seconds"], high_seconds=values["high_seconds"]),
        declared=tuple(declared),
    )
