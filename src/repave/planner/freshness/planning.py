"""The decision: flaws at once, all else once per fleet and week, and nothing twice."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from repave.model.freshness import FreshnessPolicy
from repave.model.names import Digest, EnvironmentName, FleetName, ReleaseNumber
from repave.model.release import Release
from repave.model.review import Review, Standing
from repave.model.watch import (
    Carry,
    FreshnessPlan,
    Kind,
    Known,
    KnownFlaw,
    KnownLock,
    Proposed,
    Relock,
    Rule,
    RunningFleet,
    Wait,
)
from repave.planner.freshness.weeks import week_begins, week_ends

MOST_NAMED = 6
"""Flaws in one sentence."""


def plan(known: Known, policy: FreshnessPolicy, now: datetime) -> FreshnessPlan:
    """What is to be done now, and what waits. The same again once nothing has changed."""
    view = _View(known)
    relock = None if known.drift else (_repairs(view) or _updates(view, policy, now))
    every = now + timedelta(seconds=policy.every_seconds)
    return FreshnessPlan(
        at=now,
        relock=relock,
        bake=view.unbaked and view.ours_to_bake and not known.drift,
        carry=tuple(_carries(view)),
        finish=tuple(name for name, paused in _unfinished(view) if not paused),
        unknown=tuple(
            dict.fromkeys(words for lock in known.locks.values() for words in (*lock.unknown, *lock.unjudged))
        ),
        waits=tuple(_waits(view, policy, relock, now)),
        wake=min(every, week_ends(now, ZoneInfo(policy.time_zone))) if policy.updates else every,
    )


def is_to_be_kept(known: Known, kind: Kind, lock: Digest, policy: FreshnessPolicy, now: datetime) -> bool:
    """Whether a lock that was just resolved is a proposal of its own: a new one, or updates of another week or lock."""
    if kind is Kind.UPDATES and lock != known.present:
        return not _were_proposed(known, lock, week_begins(now, ZoneInfo(policy.time_zone)))
    return is_new(known, lock)


def is_new(known: Known, lock: Digest) -> bool:
    """Whether a lock is none that is there or was proposed."""
    return lock != known.present and all(lock != proposed.lock for proposed in known.proposals)


class _View:
    """What is known, asked in the planner's words."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.present = known.locks[known.present]
        self.released = {release.lock for release in known.releases}
        self.proposed = {one.lock for one in known.proposals if one.lock != one.base}
        self.numbered = {release.number: release for release in known.releases}
        self._gone_on = {one.base for one in known.proposals}
        self._settled = {one.lock for one in known.reviews.values() if one.standing is not Standing.OPEN}

    @property
    def repairable(self) -> frozenset[KnownFlaw]:
        """What the present lock is to get rid of."""
        return frozenset(flaw for flaw in self.present.flaws if flaw.repairable)

    @property
    def unbaked(self) -> bool:
        """Whether no release was made of the present lock."""
        return self.known.present not in self.released

    @property
    def ours_to_bake(self) -> bool:
        """Whether it was proposed, or rids something that runs of a flaw."""
        present = self.known.present
        return present in self.proposed or any(self.closes(fleet, present) for fleet in self.known.running)

    def closes(self, fleet: RunningFleet, lock: Digest) -> frozenset[str]:
        """Flaws that the fleet runs, or is to run, and that a release of the lock is known not to have."""
        runs = {self.numbered[number].lock for number in {fleet.wanted, *fleet.living} if number in self.numbered}
        new = self.known.locks[lock]
        comparable = (old for old in map(self.known.locks.__getitem__, runs) if new.gaps <= old.gaps)
        there = frozenset(one for old in comparable for one in _within(old, fleet))
        return frozenset(name for _, name in there - _within(new, fleet))

    def taken(self, proposed: Proposed) -> bool:
        """Whether it came to be the lock, there was nothing to move, or people have closed it."""
        reached = {self.known.present, proposed.base} | self.released | self._gone_on | self._settled
        return proposed.lock in reached

    def under_review(self, kind: Kind) -> Review | None:
        """The open one of a kind; None when there is none."""
        found = self.known.reviews.get(kind)
        return found if found and found.standing is Standing.OPEN else None


def _within(lock: KnownLock, fleet: RunningFleet) -> frozenset[tuple[str, str]]:
    """Package and name of each flaw of the fleet's image."""
    return frozenset((flaw.package, flaw.name) for flaw in lock.flaws if fleet.image in flaw.images)


def _repairs(view: _View) -> Relock | None:
    flaws = view.repairable
    if not flaws or view.known.tried:
        return None
    names = {flaw.name for flaw in flaws}
    return Relock(
        kind=Kind.REPAIRS,
        images=tuple(sorted({image for flaw in flaws for image in flaw.images})),
        flaws=tuple(sorted(names)),
        by=_first_due(view.known.running, names),
    )


def _first_due(running: Iterable[RunningFleet], names: Iterable[str]) -> datetime | None:
    wanted = frozenset(names)
    return min((at for fleet in running for name, at in fleet.due.items() if name in wanted), default=None)


def _updates(view: _View, policy: FreshnessPolicy, now: datetime) -> Relock | None:
    """Of all images whose every fleet has its week before it; repairs that people look at come first."""
    if not policy.updates or view.present.unknown or view.under_review(Kind.REPAIRS):
        return None
    if _is_current(view, policy, now):
        return None
    due = _due_fleets(view, policy, now)
    images = {image for fleet, image in view.known.fleets.items() if fleet in due}
    images -= {image for fleet, image in view.known.fleets.items() if fleet not in due}
    if not images:
        return None
    fleets = sorted(fleet for fleet, image in view.known.fleets.items() if image in images)
    return Relock(kind=Kind.UPDATES, images=tuple(sorted(images)), fleets=tuple(fleets))


def _is_current(view: _View, policy: FreshnessPolicy, now: datetime) -> bool:
    """Whether people look at this week's updates of the present lock already."""
    review = view.under_review(Kind.UPDATES)
    begins = week_begins(now, ZoneInfo(policy.time_zone))
    return review is not None and _were_proposed(view.known, review.lock, begins)


def _were_proposed(known: Known, lock: Digest | None, since: datetime) -> bool:
    """Whether updates from the present lock to that one were."""
    return any(
        one.kind is Kind.UPDATES and (one.lock, one.base) == (lock, known.present) and one.at >= since
        for one in known.proposals
    )


def _due_fleets(view: _View, policy: FreshnessPolicy, now: datetime) -> frozenset[FleetName]:
    """Those that had nothing of the kind this week. What a clock that was weeks ahead dated counts for nothing."""
    zone = ZoneInfo(policy.time_zone)
    begins, latest = week_begins(now, zone), week_ends(now, zone) + timedelta(days=7)
    had = {
        fleet
        for one in view.known.proposals
        if one.kind is Kind.UPDATES and begins <= one.at < latest and view.taken(one)
        for fleet in one.fleets
    }
    return frozenset(view.known.fleets.keys() - had)


def _carries(view: _View) -> Iterator[Carry]:
    for environment, fleets in _by_environment(view.known.running):
        for release in sorted(view.known.releases, key=lambda one: one.number, reverse=True):
            if release.number <= min(fleet.wanted for fleet in fleets):
                break
            closes = _closed(view, fleets, release)
            if closes or release.lock in view.proposed:
                by = _first_due(fleets, closes)
                yield Carry(environment=environment, release=release.number, closes=tuple(sorted(closes)), by=by)


def _closed(view: _View, fleets: Iterable[RunningFleet], release: Release) -> frozenset[str]:
    return frozenset(name for fleet in fleets for name in view.closes(fleet, release.lock))


def _unfinished(view: _View) -> Iterator[tuple[EnvironmentName, bool]]:
    """Where what is wanted is ours, or rids what lives there of a flaw, and is not all that lives there; if paused."""
    for environment, fleets in _by_environment(view.known.running):
        if any(fleet.living - {fleet.wanted} and _is_ours(view, fleets, fleet.wanted) for fleet in fleets):
            yield environment, any(fleet.paused for fleet in fleets)


def _is_ours(view: _View, fleets: Iterable[RunningFleet], wanted: ReleaseNumber) -> bool:
    release = view.numbered.get(wanted)
    return release is not None and (release.lock in view.proposed or bool(_closed(view, fleets, release)))


def _by_environment(running: Iterable[RunningFleet]) -> list[tuple[EnvironmentName, list[RunningFleet]]]:
    found: dict[EnvironmentName, list[RunningFleet]] = {}
    for fleet in running:
        found.setdefault(fleet.fleet.environment, []).append(fleet)
    return list(found.items())


def _waits(view: _View, policy: FreshnessPolicy, relock: Relock | None, now: datetime) -> Iterator[Wait]:
    known = view.known
    if known.drift:
        yield Wait(rule=Rule.DRIFT, detail="; ".join(known.drift[:3]), remedy="`repave lock`, then `repave bake`")
    unrepaired = sorted({flaw.name for flaw in view.present.flaws if not flaw.repairable})
    if unrepaired:
        more = f" and {len(unrepaired) - MOST_NAMED} more" if len(unrepaired) > MOST_NAMED else ""
        detail = f"repave.lock has {', '.join(unrepaired[:MOST_NAMED])}{more}"
        yield Wait(rule=Rule.UNREPAIRED, detail=detail, remedy="`repave scan` names the packages")
    if view.unbaked and not view.ours_to_bake:
        yield Wait(rule=Rule.UNBAKED, detail="no release was made of repave.lock", remedy="`repave bake`")
    for name, paused in _unfinished(view):
        if paused:
            yield Wait(rule=Rule.PAUSED, detail=f"{name} was left half done", remedy=f"`repave resume {name}`")
    for kind, review in sorted(known.reviews.items()):
        yield from _waits_for_people(view, kind, review)
    waiting = any(view.under_review(kind) for kind in Kind)
    if policy.updates and known.fleets and relock is None and not known.drift and not waiting:
        if view.present.unknown:
            yield Wait(
                rule=Rule.UNKNOWN,
                detail=f"updates wait: {'; '.join(view.present.unknown)}",
                remedy="`repave scan` says what could not be read",
            )
        else:
            until = week_ends(now, ZoneInfo(policy.time_zone))
            yield Wait(rule=Rule.WEEK, detail="every fleet has had its updates of this week", until=until)


def _waits_for_people(view: _View, kind: Kind, review: Review) -> Iterator[Wait]:
    if review.standing is Standing.OPEN:
        yield Wait(rule=Rule.REVIEW, detail=f"{kind} are proposed by {review.address}", remedy="merge it, or close it")
    elif review.standing is Standing.CLOSED and kind is Kind.REPAIRS and view.repairable:
        detail = f"repairs were proposed by {review.address}, which somebody closed"
        yield Wait(rule=Rule.CLOSED, detail=detail, remedy="open it again; another repair is proposed by itself")
