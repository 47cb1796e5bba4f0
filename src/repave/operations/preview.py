"""What deploying a release would do, fleet by fleet, before anything is written down."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median

from repave.config.policies import fleet_policy, revision_for, size_for
from repave.model.canary import CanaryStage
from repave.model.names import FleetKey, FleetName
from repave.model.plan import Ages
from repave.model.project import Environment, Project
from repave.model.release import Release, Revision
from repave.model.target import Target
from repave.operations.keys import fleets_of
from repave.operations.rehearsal import Rehearsal, rehearse
from repave.operations.releases import title
from repave.planner.turns import carried_before
from repave.ports.clock import Clock
from repave.ports.errors import Gone
from repave.ports.store import Store


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that differs besides the packages."""

    what: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class FleetPreview:
    """What would happen to one fleet."""

    environment: str
    fleet: str
    release: str
    """Would be wanted."""

    running: str
    """Is wanted now; empty before the first deployment."""

    nothing_to_do: bool
    after: tuple[FleetName, ...]
    """Fleets of the environment that come first: it starts once they carry the release."""

    changes: tuple[Change, ...]
    """Configuration, port, limits, size. Secrets by reference."""

    size: int
    """How many would be wanted: where a range moves the size, as many as now."""

    sizes: str
    """The range that the size is moved in, such as ``6..20``; empty for a size that nothing moves."""

    replaces: int
    """Instances of other revisions that would be replaced."""

    rehearsal: Rehearsal
    extra: int
    """Most instances above the wanted size at one time."""

    seconds: float | None
    """About how long, judged by how long instances took to serve before; None where none did."""

    ages: Ages | None
    """Of what serves now; None where no age is limited."""


def preview(
    project: Project, environment: Environment, release: Release, store: Store, clock: Clock
) -> tuple[FleetPreview, ...]:
    """Rehearse the deployment of every fleet of the environment."""
    return tuple(
        _fleet(project, environment, key, release, store, clock.now()) for key in fleets_of(project, environment)
    )


def _fleet(
    project: Project, environment: Environment, key: FleetKey, release: Release, store: Store, now: datetime
) -> FleetPreview:
    policy = fleet_policy(project, environment.name, key.fleet)
    revision = revision_for(project, environment.name, key.fleet, release)
    present = store.target(key)
    size = size_for(environment, key.fleet, present.size if present else None)
    seen = store.last_seen(key)
    target = aimed(key, present, revision, size, now)
    ahead = policy.before if carried_before(target) else policy.after
    rehearsal = rehearse(replace(policy, after=(), before=()), target, seen, now)
    instances = seen.machines.instances if seen else ()
    return FleetPreview(
        environment=key.environment,
        fleet=key.fleet,
        release=str(release),
        running=title(present.release) if present else "",
        nothing_to_do=not rehearsal.batches,
        after=tuple(other.fleet for other in ahead),
        changes=_changes(_present_revision(store, key, present), revision, present.size if present else None, size),
        size=size,
        sizes=f"{policy.scale.lowest}..{policy.scale.highest}" if policy.scale else "",
        replaces=sum(instance.revision != revision.id for instance in instances),
        rehearsal=rehearsal,
        extra=max(0, rehearsal.peak - size),
        ages=planned.ages if (planned := store.last_plan(key)) else None,
        seconds=_estimate(store, key, rehearsal, policy.drain_timeout_seconds),
    )


def aimed(key: FleetKey, present: Target | None, revision: Revision, size: int, now: datetime) -> Target:
    """The target as it would be after the aim."""
    if present is None:
        return Target(fleet=key, generation=1, revision=revision.id, release=revision.release, size=size, since=now)
    if present.revision == revision.id and not present.stopped:
        return replace(present, size=size)
    failures = tuple(failure for failure in present.failures if failure.revision != revision.id)
    return replace(
        present,
        revision=revision.id,
        release=revision.release,
        size=size,
        since=now,
        switched=None,
        canary=CanaryStage(),
        stopped="",
        failures=failures,
    )


def _present_revision(store: Store, key: FleetKey, present: Target | None) -> Revision | None:
    if present is None:
        return None
    try:
        return store.revision(key, present.revision)
    except Gone:
        return None


def _changes(old: Revision | None, new: Revision, old_size: int | None, size: int) -> tuple[Change, ...]:
    before = settings(old) if old else {}
    after = settings(new)
    if old is not None and old_size is not None:
        before, after = {**before, "size": str(old_size)}, {**after, "size": str(size)}
    names = sorted({*before, *after}) if old else []
    return tuple(
        Change(what=name, old=before.get(name, ""), new=after.get(name, ""))
        for name in names
        if before.get(name) != after.get(name)
    )


def settings(revision: Revision) -> Mapping[str, str]:
    """All that a revision gives its instances besides the artifact; secrets by their references."""
    limits = revision.limits
    return {
        "port": str(revision.port),
        "limits.memory": str(limits.memory_bytes or ""),
        "limits.cpus": str(limits.cpus or ""),
        **{f"config.{name}": value for name, value in revision.configuration},
        **{f"config.{name}": f"secret {reference}" for name, reference in revision.secrets},
    }


def _estimate(store: Store, key: FleetKey, rehearsal: Rehearsal, drain_seconds: float) -> float | None:
    took = [
        (lifetime.served_from - lifetime.first_seen).total_seconds()
        for lifetime in store.lifetimes(key)
        if lifetime.served_from
    ]
    waves = sum(bool(batch.launches) for batch in rehearsal.batches)
    if not took:
        return None if waves else 0.0
    # Drains end when idle, mostly within a second; the drain time-out bounds them and is no estimate.
    return waves * (median(took) + min(1.0, drain_seconds)) + rehearsal.pauses_seconds
