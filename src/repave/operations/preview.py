"""What deploying a release would do, fleet by fleet, before anything is written down."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from urllib.parse import urlsplit

from repave.config.policies import fleet_policy, size_for
from repave.model.names import FleetKey, FleetName
from repave.model.observation import MachineSighting, Neighbour, Observation, TrafficSighting
from repave.model.plan import Ages, Rule
from repave.model.policy import FleetPolicy
from repave.model.project import Environment, Project
from repave.model.release import Release, Revision
from repave.model.succession import aimed
from repave.model.target import Target
from repave.operations.deployable import require_deployable
from repave.operations.keys import fleets_of
from repave.operations.rehearsing.durations import Durations, durations
from repave.operations.rehearsing.rehearsal import Rehearsal, rehearse
from repave.operations.releases import revision_asked, title
from repave.operations.strangers import strangers
from repave.planner.turns import neighbour, waits_for
from repave.ports.clock import Clock
from repave.ports.errors import Gone
from repave.ports.progress import Progress
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
    """Configuration, port, limits, size, where clients reach it. Secrets by reference."""

    size: int
    """How many would be wanted: where a range moves the size, as many as now."""

    sizes: str
    """The range that the size is moved in, such as ``6..20``; empty for a size that nothing moves."""

    replaces: int
    """Instances of other revisions that would be replaced."""

    rehearsal: Rehearsal
    extra: int
    """Most instances above the wanted size at one time."""

    durations: Durations
    """What the rehearsal takes starts and ends to last."""

    seconds: float | None
    """How long from its own beginning; None where it would not get there by itself."""

    at_most: bool
    """Whether ``seconds`` is an upper bound: a part of it was never measured here and is taken by its limit."""

    begins_seconds: float | None
    """When its turn comes, counted from the deployment's beginning; None where a fleet before it never gets there."""

    seen_at: datetime | None
    """Of when the view is that it is rehearsed over; None where nothing was ever seen."""

    unseen: str
    """Why that view may lack something; empty when it was complete."""

    unknown: tuple[str, ...]
    """Slots whose instances run what no record here knows; they count as old ones."""

    elsewhere: tuple[str, ...]
    """Slots of instances that go on as they are in zones which the file has no more."""

    ages: Ages | None
    """Of what serves now; None where no age is limited."""


def preview(
    project: Project, environment: Environment, release: Release, store: Store, clock: Clock, progress: Progress
) -> tuple[FleetPreview, ...]:
    """Rehearse the deployment of every fleet of the environment. Raises Refused where one cannot be reached there."""
    require_deployable(project, environment, store)
    now = clock.now()
    aims = {key: _aim(project, environment, key, release, store, now) for key in fleets_of(project, environment)}
    neighbours = tuple(neighbour(key, aim.target) for key, aim in aims.items())
    shown = [_fleet(aim, neighbours, store, now, progress) for aim in aims.values()]
    by_name = {fleet.fleet: fleet for fleet in shown}
    return tuple(replace(fleet, begins_seconds=_begins(fleet, by_name)) for fleet in shown)


@dataclass(frozen=True, kw_only=True)
class _Aim:
    """What would be written down of one fleet, and what is declared of it."""

    policy: FleetPolicy
    listen: str | None
    present: Target | None
    revision: Revision
    target: Target


def _aim(
    project: Project, environment: Environment, key: FleetKey, release: Release, store: Store, now: datetime
) -> _Aim:
    revision = revision_asked(project, key, release, store)
    present = store.target(key)
    size = size_for(environment, key.fleet, present.size if present else None)
    target = (
        aimed(present, revision=revision.id, release=revision.release, size=size, at=now)
        if present
        else Target(fleet=key, generation=1, revision=revision.id, release=revision.release, size=size, since=now)
    )
    policy = fleet_policy(project, environment.name, key.fleet)
    listen = environment.fleets[key.fleet].listen
    return _Aim(policy=policy, listen=listen, present=present, revision=revision, target=target)


def _begins(fleet: FleetPreview, others: Mapping[str, FleetPreview]) -> float | None:
    """Once the last of those before it is done; they in turn begin after theirs."""
    ends = [0.0]
    for name in fleet.after:
        begins = _begins(others[name], others)
        seconds = others[name].seconds
        if begins is None or seconds is None:
            return None
        ends.append(begins + seconds)
    return max(ends)


def _fleet(
    aim: _Aim, neighbours: tuple[Neighbour, ...], store: Store, now: datetime, progress: Progress
) -> FleetPreview:
    policy, key, present, target = aim.policy, aim.target.fleet, aim.present, aim.target
    known = store.last_seen(key)
    seen = known or _nothing(key, now)
    ahead = waits_for(policy, target, replace(seen, neighbours=neighbours))
    took = durations(store.lifetimes(key), policy)
    replaces = sum(instance.revision != target.revision for instance in seen.machines.instances)
    with progress.task(f"Rehearsing {key.environment}/{key.fleet}", total=replaces or None, unit="instances") as task:
        rehearsal = rehearse(replace(policy, after=(), before=()), target, seen, now, took, task)
    planned = store.last_plan(key)
    moved = _moved(seen.traffic.endpoint, aim.listen)
    changed = _changes(_present_revision(store, key, present), aim, present.size if present else None)
    return FleetPreview(
        environment=key.environment,
        fleet=key.fleet,
        release=title(target.release),
        running=title(present.release) if present else "",
        nothing_to_do=not (rehearsal.batches or moved),
        after=tuple(other.fleet.fleet for other in ahead),
        changes=(*changed, *moved),
        size=target.size,
        sizes=f"{policy.scale.lowest}..{policy.scale.highest}" if policy.scale else "",
        replaces=replaces,
        rehearsal=rehearsal,
        extra=max(0, rehearsal.peak - target.size),
        durations=took,
        seconds=rehearsal.seconds if rehearsal.finished else None,
        at_most=_is_bound(rehearsal, took),
        begins_seconds=None,
        seen_at=known.at if known else None,
        unseen=seen.machines.incomplete or seen.traffic.incomplete,
        unknown=strangers(store, key, known),
        elsewhere=tuple(
            instance.slot
            for instance in sorted(seen.machines.instances, key=attrgetter("slot"))
            if instance.revision == target.revision and instance.zone not in policy.zones
        ),
        ages=planned.ages if planned else None,
    )


def _nothing(key: FleetKey, now: datetime) -> Observation:
    """What there is of a fleet that was never looked at, as far as is known."""
    machines, traffic = MachineSighting(at=now, instances=()), TrafficSighting(at=now, backends=())
    return Observation(fleet=key, at=now, machines=machines, traffic=traffic)


def _is_bound(rehearsal: Rehearsal, took: Durations) -> bool:
    """Whether time passes in it that was never measured."""
    spent = {wait.rule for wait in rehearsal.waits}
    unmeasured = {Rule.STARTING: not took.start.measured, Rule.DRAINING: not took.leave.measured}
    return any(unmeasured.get(rule) for rule in spent)


def _present_revision(store: Store, key: FleetKey, present: Target | None) -> Revision | None:
    if present is None:
        return None
    try:
        return store.revision(key, present.revision)
    except Gone:
        return None


def _changes(old: Revision | None, aim: _Aim, old_size: int | None) -> tuple[Change, ...]:
    before = settings(old) if old else {}
    after = settings(aim.revision)
    if old is not None and old_size is not None:
        before, after = {**before, "size": str(old_size)}, {**after, "size": str(aim.target.size)}
    names = sorted({*before, *after}) if old else []
    return tuple(
        Change(what=name, old=before.get(name, ""), new=after.get(name, ""))
        for name in names
        if before.get(name) != after.get(name)
    )


def _moved(endpoint: str, listen: str | None) -> tuple[Change, ...]:
    """Whether clients reach the fleet at another port afterwards; how addresses are named is the balancer's to know."""
    if not endpoint or not listen or urlsplit(endpoint).port == urlsplit(f"//{listen}").port:
        return ()
    return (Change(what="listen", old=endpoint, new=listen),)


def settings(revision: Revision) -> Mapping[str, str]:
    """All that a revision gives its instances besides the artifact; secrets by their references."""
    limits = revision.limits
    return {
        "port": str(revision.port or "none"),
        "limits.memory": str(limits.memory_bytes or ""),
        "limits.cpus": str(limits.cpus or ""),
        **{f"config.{name}": value for name, value in revision.configuration},
        **{f"config.{name}": f"secret {reference}" for name, reference in revision.secrets},
    }
