"""What one fleet of one environment is asked to be and to run, gathered from the file's parts."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from repave.config.errors import NotInRelease, UnknownName
from repave.config.freshness import limits_of
from repave.config.order import ahead_of
from repave.config.problems import nearest, one_of
from repave.model.names import EnvironmentName, FleetKey, FleetName, ImageName
from repave.model.policy import FleetPolicy
from repave.model.project import Environment, Fleet, FleetSize, Project
from repave.model.release import Release, Revision, SecretReference
from repave.model.scaling import Scale, ScalePolicy

Name = TypeVar("Name", bound=str)
Value = TypeVar("Value")


def fleet_policy(project: Project, environment: EnvironmentName, fleet: FleetName) -> FleetPolicy:
    """The policy of ``fleet`` in ``environment``. Raises UnknownName."""
    where = environment_named(project, environment)
    what = fleet_named(project, environment, fleet)

    def keys(names: Iterable[FleetName]) -> tuple[FleetKey, ...]:
        held = (name for name in names if name in where.fleets)
        return tuple(FleetKey(project=project.name, environment=environment, fleet=name) for name in held)

    limits = limits_of(project, where, what)
    return FleetPolicy(
        fleet=FleetKey(project=project.name, environment=environment, fleet=fleet),
        zones=where.zones,
        health=what.health,
        rollout=what.rollout,
        healing=what.healing,
        budget=what.budget,
        scale=_scale(what.scale, where.fleets[fleet]),
        age=limits.age,
        fix_within=limits.fix_within,
        declared=limits.declared,
        drain_timeout_seconds=what.drain_timeout_seconds,
        after=keys(ahead_of(fleet, project.fleets)),
        before=keys(other for other in project.fleets if fleet in ahead_of(other, project.fleets)),
    )


def size_for(environment: Environment, fleet: FleetName, present: int | None) -> int:
    """How many are to run when ``fleet`` is deployed: where a range moves the size, the present one within it."""
    sizes = environment.fleets[fleet]
    if sizes.highest is None or present is None:
        return sizes.size
    return min(sizes.highest, max(sizes.size, present))


def _scale(scale: Scale, sizes: FleetSize) -> ScalePolicy | None:
    if sizes.highest is None:
        return None
    return ScalePolicy(
        lowest=sizes.size,
        highest=sizes.highest,
        targets=scale.targets,
        schedule=scale.schedule,
        tolerance=scale.tolerance,
        out_after_seconds=scale.out_after_seconds,
        in_after_seconds=scale.in_after_seconds,
        in_per_hour=scale.in_per_hour,
        cool_down_seconds=scale.cool_down_seconds,
        window_seconds=scale.window_seconds,
    )


def revision_for(
    project: Project,
    environment: EnvironmentName,
    fleet: FleetName,
    release: Release,
    *,
    image: ImageName | None = None,
) -> Revision:
    """What ``fleet`` runs in ``environment`` when ``release`` is deployed there: its own image, or the one named.

    Raises UnknownName; NotInRelease when the release was baked before the file had the fleet's image.
    """
    configuration = environment_named(project, environment).configuration
    what = fleet_named(project, environment, fleet)
    image = image or what.image
    artifact = release.artifacts.get(image)
    if artifact is None:
        raise NotInRelease(
            f"fleet `{fleet}` cannot run {release}: the release holds no artifact of image `{image}`",
            hint=f"it holds {', '.join(sorted(release.artifacts)) or 'none'}; "
            "`repave bake` makes a release of all images that the file has now",
        )
    plain = {name: value for name, value in configuration.items() if isinstance(value, str)}
    secrets = {name: value for name, value in configuration.items() if isinstance(value, SecretReference)}
    return Revision(
        release=release.number,
        image=image,
        artifact=artifact,
        port=what.port,
        configuration=tuple(sorted(plain.items())),
        secrets=tuple(sorted(secrets.items())),
        limits=what.limits,
    )


def environment_named(project: Project, name: str) -> Environment:
    """The environment of that name. Raises UnknownName with the nearest one."""
    return _named("environment", name, project.environments)


def fleet_named(project: Project, environment: str, name: str) -> Fleet:
    """The fleet of that name, which the environment holds. Raises UnknownName with the nearest one."""
    held = environment_named(project, environment).fleets
    fleets = {fleet: project.fleets[fleet] for fleet in held}
    return _named(f"fleet in environment `{environment}`", name, fleets)


def _named(word: str, name: str, known: Mapping[Name, Value]) -> Value:
    for candidate, value in known.items():
        if candidate == name:
            return value
    meant = nearest(name, known)
    raise UnknownName(
        f"there is no {word} named `{name}`; expected {one_of(known)}",
        hint=f"did you mean `{meant}`?" if meant else "",
    )
