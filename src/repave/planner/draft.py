"""A plan in the making: what has been decided so far, and the counts that follow from it. Lives for one plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Literal

from repave.model.canary import CanaryStage
from repave.model.disruption import Drawer
from repave.model.names import RevisionId, SlotId, ZoneName
from repave.model.plan import Ages, Hold, Launch, Retarget, Rule, Step
from repave.model.policy import FleetPolicy
from repave.model.revocation import Revoked
from repave.model.scaling import Resize, SizeHistory, Sizing
from repave.model.target import Failure, Heal, Sickness, Target
from repave.planner import failures, keeper
from repave.planner.budget import Budget, Request
from repave.planner.sets import UNNUMBERED, Member, Sets, Standing, slot_number
from repave.planner.turns import Turn, carried_before
from repave.planner.zones import Zones

ALIVE = (Standing.SERVING, Standing.READY, Standing.COMING)
"""What carries the fleet, or may soon."""


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """Why a member is to be replaced by another of the wanted revision."""

    drawer: Drawer
    reason: str


@dataclass
class Notes:
    """What is to be kept of the plan beside its steps, draws and failures."""

    healing: Literal["", "stops", "goes on"] = ""
    sicknesses: list[Sickness] = field(default_factory=list)
    replaced: list[SlotId] = field(default_factory=list)
    """What a person asked to be replaced, and is gone."""

    resumes: bool = False
    wakes: list[datetime] = field(default_factory=list)
    """When something may change by the passing of time alone, beside the ends of holds."""


@dataclass(kw_only=True)
class SizeDraft:
    """What becomes of the size; see the fields of the plan."""

    resize: Resize | None = None
    history: SizeHistory | None = None
    sizing: Sizing | None = None


class Draft:
    """What the steps of the planner write into, one after the other."""

    ages: Ages | None = None
    """Known once the step for ages was taken."""

    beside: frozenset[SlotId] = frozenset()
    """The slots of the baseline that a canary is judged by, while it is."""

    def __init__(self, policy: FleetPolicy, target: Target, sets: Sets, now: datetime) -> None:
        self.policy = policy
        self.target = target
        self.sets = sets
        self.now = now
        self.judging = failures.under_judgement(target)
        self.barred = failures.barred(target)
        self.steps: list[Step] = []
        self.holds: list[Hold] = []
        self._held: set[str] = set()
        self.failures: list[Failure] = []
        self.closed: list[SlotId] = []
        self.heals: list[Heal] = []
        self.next_slot = _next_slot(target, sets)
        self.retarget: Retarget | None = None
        self.stop = ""
        self.switch = False
        self.canary: CanaryStage | None = None
        self.most: int | None = None
        """New ones that there may be by the step that is judged."""

        self.proven: RevisionId | None = None
        self.notes = Notes()
        self.requests: list[Request] = []
        self.resting: list[Hold] = []
        """What may still be bettered later, in a fleet that is as wanted."""

        self.size = SizeDraft()

        self.outgoing: dict[SlotId, Outgoing] = {}
        """Members to be replaced for a reason of their own: another is launched first, then the budget lets them go."""

        self.turn: Turn | None = None
        """Whose turn comes first; until then ``target`` is what the fleet is kept as."""

        self._gone: set[SlotId] = set()
        self._away: set[SlotId] = set()
        """The gone, and those that leave and keep their place until they are."""

        self._failed = {failure.slot for failure in target.failures}
        self.serving = sets.serving
        self.budget = Budget(policy, target, sets, now, hurried=self.returning)
        self.surge = _surge(policy, target.size, self.floor)
        self.zones = Zones(policy, target, sets, now, judging=self.judging)
        self._spread = self.zones.spread(_filled(sets))
        self.goal = target.size

    @cached_property
    def revoked(self) -> Mapping[RevisionId, Revoked]:
        """What must not be started any more, by revision."""
        return {revoked.revision: revoked for revoked in self.target.revoked}

    @property
    def floor(self) -> int:
        """So many must serve."""
        return self.budget.floor

    @property
    def returning(self) -> bool:
        """Whether the wanted revision carried the fleet before, and is to carry it again."""
        return self.judging and carried_before(self.target)

    @property
    def halted(self) -> bool:
        """Whether the wanted revision was stopped, before or by this plan."""
        return bool(self.target.stopped or self.stop or self.retarget)

    @property
    def all_failures(self) -> tuple[Failure, ...]:
        """What was known, and what this plan judged."""
        return (*self.target.failures, *self.failures)

    @property
    def new(self) -> int:
        """Instances of the wanted revision that serve or may soon, orders included; neither condemned nor outgoing."""
        sick = [m for m in self.remaining(Standing.SICK, current=True) if not self.is_condemned(m)]
        return len(self.staying()) + len(sick) + len(self.sets.orders)

    @property
    def occupied(self) -> int:
        """Places taken: everything alive but the sick, who must not hold up their cure; orders included.

        Those that leave take places of the surge alone: what takes an hour to leave must not keep the dead unreplaced.
        Of whole groups there are never three.
        """
        free = self._gone.union(member.slot for member in self.sets.of(Standing.SICK))
        slow = 0
        if self.policy.rollout.strategy != "blue-green":
            leaving = sum(member.slot not in free for member in self.sets.of(Standing.LEAVING))
            slow = max(0, leaving - self.surge)
        return len(self.sets.members) - len(free) - slow + len(self.sets.orders) + len(self.sets.beside)

    def without_room(self, above: int) -> int:
        """So many orders have no room any more, with so many above the size: more was wanted when they were given."""
        return max(0, self.occupied - self.target.size - max(self.surge, above))

    def staying(self) -> list[Member]:
        """Members of the wanted revision that carry the fleet, or are about to, and are not to be replaced."""
        alive = self.remaining(*ALIVE, current=True)
        return [member for member in alive if member.slot not in self.outgoing] if self.outgoing else alive

    def departing(self, standing: Standing) -> list[Member]:
        """Members that stand so and are to make room for others: old ones, and the outgoing."""
        return [m for m in self.remaining(standing) if not m.current or m.slot in self.outgoing]

    def remaining(self, *standings: Standing, current: bool | None = None) -> list[Member]:
        """Members that stand so and that this plan has not sent away."""
        members = self.sets.of(*standings, current=current)
        return [member for member in members if member.slot not in self._away] if self._away else members

    def is_protected(self, member: Member) -> bool:
        """Whether a person protects it from all that can wait."""
        return self.budget.protected(member, Drawer.SCALE_IN) is not None

    def was_proven(self, member: Member) -> bool:
        """Whether the member's revision once carried the fleet."""
        return any(proof.revision == member.instance.revision for proof in self.target.proven)

    def is_condemned(self, member: Member) -> bool:
        """Whether it was judged, before or by this plan: it is replaced, and goes once it can be spared."""
        return member.condemned or member.slot in self._failed

    def hold(self, subject: str, rule: Rule, detail: str, *, since: datetime, until: datetime | None = None) -> None:
        """Say why something waits."""
        self._held.add(subject)
        self.holds.append(Hold(subject=subject, rule=rule, detail=detail, since=since, until=until))

    def is_held(self, member: Member) -> bool:
        """Whether it was said why this one waits."""
        return member.slot in self._held

    def failure_of(self, member: Member) -> Failure:
        """What the member is remembered by, should it have failed."""
        lost = member.instance.zone in self.zones.lost
        return failures.failure_of(member, self.target, self.now, self.sets.lag, zone_lost=lost)

    def wait_for_turn(self, turn: Turn) -> None:
        """Say that what is wanted waits for other fleets."""
        self.turn = turn
        self.hold("fleet", Rule.AFTER, turn.detail, since=turn.wanted.since)

    def rest(self, subject: str, rule: Rule, detail: str, *, since: datetime, until: datetime | None = None) -> None:
        """Say why something waits that a fleet may be as wanted without."""
        self.resting.append(Hold(subject=subject, rule=rule, detail=detail, since=since, until=until))

    def wake(self, at: datetime | None) -> None:
        """Plan again then at the latest, if that is still to come."""
        if at is not None and at > self.now:
            self.notes.wakes.append(at)

    def fail(self, failure: Failure) -> None:
        """Remember a failure, once for each slot."""
        if failure.slot not in self._failed:
            self._failed.add(failure.slot)
            self.failures.append(failure)

    def heal(self, member: Member) -> None:
        """Draw on the healing limit, and remember why."""
        self.heals.append(Heal(slot=member.slot, at=self.now))
        self.fail(self.failure_of(member))

    def replace(self, member: Member, drawer: Drawer, reason: str) -> None:
        """Another is to take the place of this one, for a reason of its own; the more urgent of two counts.

        A protected one stays, when the reason can wait.
        """
        protection = self.budget.protected(member, drawer)
        if protection is not None:
            words = f"{reason}; but {protection.words}"
            self.rest(member.slot, protection.rule, words, since=self.now, until=protection.until)
            return
        known = self.outgoing.get(member.slot)
        if known is None and member.current and member.standing in ALIVE:
            self._spread.leave(member.instance.zone)
        if known is None or drawer.urgency < known.drawer.urgency:
            self.outgoing[member.slot] = Outgoing(drawer=drawer, reason=reason)

    def ask(self, member: Member, drawer: Drawer, reason: str) -> None:
        """Ask to take out this one, which serves; all are answered when everybody has asked."""
        self.requests.append(Request(member=member, drawer=drawer, reason=reason))

    def end(self, member: Member, reason: str) -> None:
        """One that serves nobody goes."""
        self.leave(member, keeper.end(member, reason))

    def dismiss(self, member: Member, reason: str) -> None:
        """One that is coming goes; see ``keeper.dismiss``."""
        self.leave(member, keeper.dismiss(self.policy, member, reason))

    def leave(self, member: Member, steps: list[Step]) -> None:
        """Send a member away by these steps, once."""
        if member.slot not in self._gone:
            self._gone.add(member.slot)
            self._away.add(member.slot)
            self.steps += steps

    def see_off(self, member: Member) -> None:
        """One that has been leaving goes now; until it is gone it keeps its place."""
        self._away.add(member.slot)
        self.steps += keeper.end(member, keeper.reason_to_go(self.policy, member))

    def halt(self, reason: str, back: Retarget | None) -> None:
        """No more of the wanted revision: back to a proven one, or stop where it is."""
        self.retarget = back
        if back is None:
            self.stop = reason

    def launch(self, count: int, *, standby: bool) -> int:
        """Launch so many of what is wanted, spread over the zones; answers how many found one."""
        for launched in range(count):
            zone = self._spread.next()
            if zone is None:
                return launched
            self.start(self.target.revision, zone, f"{self.goal} are wanted", standby=standby)
        return count

    def start(self, revision: RevisionId, zone: ZoneName, reason: str, *, standby: bool) -> SlotId:
        """Launch one, in a slot that was never given."""
        slot = SlotId(f"{self.target.fleet.fleet}-{self.next_slot}")
        self.next_slot += 1
        self.steps.append(Launch(slot=slot, revision=revision, zone=zone, reason=reason, standby=standby))
        return slot


def _filled(sets: Sets) -> list[ZoneName]:
    """The zone of each that carries the fleet, is about to, or is ordered."""
    alive = [member.instance.zone for member in sets.of(*ALIVE, current=True)]
    return [*alive, *(order.zone for order in sets.orders)]


def _surge(policy: FleetPolicy, size: int, floor: int) -> int:
    surge = policy.rollout.surge.of(size)
    # With neither surge nor unavailable, nothing could ever move.
    return max(1, surge) if floor == size else surge


def _next_slot(target: Target, sets: Sets) -> int:
    """Above every number that is known: a store that was lost and begun anew must not give a slot twice."""
    prefix = f"{target.fleet.fleet}-"
    remembered = [
        *(order.slot for order in target.orders),
        *(failure.slot for failure in target.failures),
        *(heal.slot for heal in target.heals),
    ]
    numbers = [slot_number(slot) for slot in remembered if slot.startswith(prefix)]
    # Members are in the order of their numbers, so the last of this fleet's own bears the highest.
    seen = (slot_number(member.slot) for member in reversed(sets.members) if member.slot.startswith(prefix))
    numbers += islice((number for number in seen if number < UNNUMBERED), 1)
    return max([target.next_slot, *(number + 1 for number in numbers if number < UNNUMBERED)])
