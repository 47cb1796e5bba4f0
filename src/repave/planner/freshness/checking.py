"""Every plan is held against its promises before anything is done.

It reasons from the arguments alone and shares no code with the planner: an error made there is not made here again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from repave.model.freshness import FreshnessPolicy
from repave.model.names import Digest, EnvironmentName, ImageName, ReleaseNumber
from repave.model.review import Standing
from repave.model.watch import FreshnessPlan, Kind, Known, Proposed
from repave.planner.check import UnsafePlan


@dataclass(frozen=True, kw_only=True)
class View:
    """The plan beside all that is known."""

    plan: FreshnessPlan
    known: Known
    policy: FreshnessPolicy

    @property
    def to_repair(self) -> frozenset[str]:
        """Flaws of the present lock of which a repair is known, and was not tried a moment ago."""
        flaws = () if self.known.tried else self.known.locks[self.known.present].flaws
        return frozenset(flaw.name for flaw in flaws if flaw.repairable)

    @property
    def proposed(self) -> frozenset[Digest]:
        """Locks that were made by this, not found as they are."""
        return frozenset(one.lock for one in self.known.proposals if one.lock != one.base)

    def flaws(self, lock: Digest, image: ImageName) -> set[tuple[str, str]]:
        """Of one image, as a lock has it."""
        return {(one.package, one.name) for one in self.known.locks[lock].flaws if image in one.images}

    def hides(self, lock: Digest, than: Digest) -> bool:
        """Whether something of it could not be read or judged that could be of the other."""
        return any(gap not in self.known.locks[than].gaps for gap in self.known.locks[lock].gaps)

    def improves(self, lock: Digest, environment: EnvironmentName | None = None) -> bool:
        """Whether it was proposed, or is known to lack a flaw of what runs there, or anywhere."""
        if lock in self.proposed:
            return True
        locks = {release.number: release.lock for release in self.known.releases}
        return any(
            self.flaws(locks[number], fleet.image) - self.flaws(lock, fleet.image)
            for fleet in self.known.running
            if environment in {None, fleet.fleet.environment}
            for number in (*fleet.living, fleet.wanted)
            if number in locks and not self.hides(lock, than=locks[number])
        )


def at_once(view: View) -> Iterator[str]:
    """What can be repaired is, now, whatever else is unknown; nothing moves where people's changes are not locked."""
    relock = view.plan.relock
    if view.known.drift:
        if relock or view.plan.bake:
            yield "it would lock or bake what people have changed since"
        return
    if view.to_repair and (relock is None or relock.kind is not Kind.REPAIRS or view.to_repair - set(relock.flaws)):
        yield f"{', '.join(sorted(view.to_repair))} would not be repaired at once"
    if relock and relock.kind is Kind.REPAIRS and not view.to_repair:
        yield "it would repair what has no flaw"


def once_a_week(view: View) -> Iterator[str]:
    """Updates: for no fleet twice, never while a source is unknown, never when they are not wanted."""
    relock = view.plan.relock
    if relock is None or relock.kind is not Kind.UPDATES:
        return
    if not view.policy.updates or view.known.locks[view.known.present].unknown:
        yield "it would update what is to be left"
    repairs = view.known.reviews.get(Kind.REPAIRS)
    if repairs and repairs.standing is Standing.OPEN:
        yield "it would propose repairs a second time, among updates"
    zone = ZoneInfo(view.policy.time_zone)
    moved = {name for name, image in view.known.fleets.items() if image in relock.images}
    if moved != set(relock.fleets):
        yield f"it would move {', '.join(sorted(moved ^ set(relock.fleets)))} unsaid"
    for one in view.known.proposals:
        same = one.at.astimezone(zone).isocalendar()[:2] == view.plan.at.astimezone(zone).isocalendar()[:2]
        again = moved & set(one.fleets)
        if one.kind is Kind.UPDATES and same and again and _came_to_be(one, view.known):
            yield f"{', '.join(sorted(again))} would be updated twice in a week"
        if one.kind is Kind.UPDATES and same and one.base == view.known.present and _is_open(one, view.known):
            yield "it would propose what people look at already"


def _came_to_be(proposed: Proposed, known: Known) -> bool:
    """Or was closed by people."""
    review = known.reviews.get(proposed.kind)
    if review and review.lock == proposed.lock and review.standing is not Standing.OPEN:
        return True
    followed = any(later.base == proposed.lock for later in known.proposals)
    baked = any(release.lock == proposed.lock for release in known.releases)
    return followed or baked or proposed.lock in {proposed.base, known.present}


def _is_open(proposed: Proposed, known: Known) -> bool:
    review = known.reviews.get(proposed.kind)
    return bool(review and review.lock == proposed.lock and review.standing is Standing.OPEN)


def bakes_its_own(view: View) -> Iterator[str]:
    """Only what was proposed or is better than what runs, and only what is not baked."""
    if view.plan.bake:
        present = view.known.present
        if any(release.lock == present for release in view.known.releases):
            yield "it would bake what is baked"
        if not view.improves(present):
            yield "it would bake what a person locked"


def forward(view: View) -> Iterator[str]:
    """What is carried is newer than what is wanted, and fresher; where nothing runs, nothing is started."""
    locks = {release.number: release.lock for release in view.known.releases}
    wanted: dict[EnvironmentName, ReleaseNumber] = {}
    for fleet in view.known.running:
        where = fleet.fleet.environment
        wanted[where] = min(fleet.wanted, wanted.get(where, fleet.wanted))
    for carry in view.plan.carry:
        if carry.environment not in wanted or carry.release <= wanted[carry.environment]:
            yield f"r{carry.release} is no step forward in {carry.environment}"
        elif not view.improves(locks[carry.release], carry.environment):
            yield f"r{carry.release} makes nothing fresher in {carry.environment}"


def leaves_paused(view: View) -> Iterator[str]:
    """Nothing is finished where a person has paused a fleet."""
    paused = {fleet.fleet.environment for fleet in view.known.running if fleet.paused}
    for environment in paused.intersection(view.plan.finish):
        yield f"it would go on in {environment}, which is paused"


def unknown_is_told(view: View) -> Iterator[str]:
    """What could not be read or judged is said."""
    for lock in view.known.locks.values():
        for words in {*lock.unknown, *lock.unjudged} - set(view.plan.unknown):
            yield f"it keeps silent about this: {words}"


def looks_again(view: View) -> Iterator[str]:
    """As often as the policy wants, and not in the past."""
    if not view.plan.at < view.plan.wake <= view.plan.at + timedelta(seconds=view.policy.every_seconds):
        yield f"it would look again at {view.plan.wake}"


PROMISES: tuple[Callable[[View], Iterator[str]], ...] = (
    at_once,
    once_a_week,
    bakes_its_own,
    forward,
    leaves_paused,
    unknown_is_told,
    looks_again,
)
"""Each answers, in words, every way in which the plan would break it."""


def check(plan: FreshnessPlan, known: Known, policy: FreshnessPolicy, now: datetime) -> None:
    """Raise UnsafePlan, naming every promise that the plan would break."""
    view = View(plan=plan, known=known, policy=policy)
    broken = [words for promise in PROMISES for words in promise(view)]
    if plan.at != now:
        broken.append("it is a plan for another time")
    if broken:
        raise UnsafePlan(
            f"the plan for freshness would break a promise: {'; '.join(broken)}",
            hint="nothing was done; please report this with the output of `repave watch --once --json`",
        )
