"""The one arbiter: whoever wants to take a serving instance out draws here."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from repave.model.disruption import Disruption, Drawer
from repave.model.names import SlotId, ZoneName
from repave.model.plan import Draw, Rule
from repave.model.policy import FleetPolicy
from repave.model.target import Target
from repave.planner.hourly import Hourly
from repave.planner.keeper import drained_by
from repave.planner.sets import Member, Sets, Standing

PACED = frozenset({Drawer.ROLLOUT, Drawer.SCALE_IN, Drawer.AGE, Drawer.REBALANCE})
"""What keeps to the limits per hour and zone that a person declared; the others go as far as the floor."""

GENTLE = frozenset({Drawer.AGE, Drawer.REBALANCE})
"""What nobody asked for and nothing hurries: limited unless it is said otherwise, or a fleet would replace itself."""


class Request(NamedTuple):
    """One wish to take a serving instance out, before it is answered."""

    member: Member
    drawer: Drawer
    reason: str


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a draw is not granted: the one rule, in words, and until when if time alone ends it."""

    rule: Rule
    words: str
    until: datetime | None = None


class Budget:
    """How many serving instances may be taken out now; lives for one plan.

    ``hurried``: the fleet goes back to what carried it, so nothing but the floor slows it.
    """

    def __init__(self, policy: FleetPolicy, target: Target, sets: Sets, now: datetime, *, hurried: bool) -> None:
        self._now = now
        self._serving = sets.serving
        self.floor = max(0, target.size - policy.rollout.unavailable.of(target.size))
        leaving = sets.of(Standing.LEAVING)
        self._leaving = Counter(member.instance.zone for member in leaving)
        self._gone_by = [
            (member.instance.zone, drained_by(policy, member.backend, sets.lag)) for member in leaving if member.backend
        ]
        self._protections = {known.slot: known for known in target.protections if known.until > now}
        self._known = {disruption.slot for disruption in target.disruptions}
        # Where nobody is wanted any more, a limit would only prolong the end.
        self._paced = not hurried and target.size > 0
        limits, size = policy.budget, target.size
        self._most_of_zone = None if limits.per_zone is None else max(1, limits.per_zone.of(size))
        self._hourly = [Hourly(limits.gentle_per_hour.of(size), GENTLE, GENTLE, target.disruptions, now)]
        if limits.per_hour is not None:
            self._hourly.append(Hourly(limits.per_hour.of(size), PACED, frozenset(Drawer), target.disruptions, now))
        self.draws: list[Draw] = []
        self._refusals: dict[tuple[str, str], str] = {}
        self.disruptions: list[Disruption] = []

    @property
    def left(self) -> int:
        """Serving instances that may still be taken out."""
        return max(0, self._serving - self.floor)

    def answer(self, request: Request) -> Draw:
        """Grant a request to take out one that serves, or refuse it; every answer is kept."""
        refusal = self._refusal(request.member, request.drawer)
        if refusal is None:
            self._serving -= 1
            self._leaving[request.member.instance.zone] += 1
        return self.record(request, refusal)

    def record(self, request: Request, refusal: Refusal | None) -> Draw:
        """Keep the answer to a draw; a granted one enters the ledger, once for each instance."""
        member, drawer, reason = request
        draw = Draw(
            slot=member.slot,
            drawer=drawer,
            granted=refusal is None,
            reason=self._refused(reason, refusal.words) if refusal else reason,
            rule=refusal.rule if refusal else None,
            until=refusal.until if refusal else None,
        )
        self.draws.append(draw)
        if refusal is None and member.slot not in self._known:
            self._known.add(member.slot)
            entry = Disruption(slot=member.slot, zone=member.instance.zone, drawer=drawer, at=self._now)
            self.disruptions.append(entry)
            for limit in self._hourly:
                limit.count(entry)
        return draw

    def _refused(self, reason: str, words: str) -> str:
        """One text for all who were refused in the same words: there may be many."""
        known = self._refusals.get((reason, words))
        if known is None:
            known = self._refusals[reason, words] = f"{reason}; but {words}"
        return known

    def room(self, drawer: Drawer) -> int | None:
        """How many the hour leaves to this drawer, the floor aside; None: no limit. Asked before a replacement starts.

        What starts an instance in place of one that may not leave within the hour would only pay for both.
        """
        return min((limit.left for limit in self._binding(drawer)), default=None)

    def grows_at(self, drawer: Drawer) -> datetime | None:
        """When the hour may leave more to this drawer than now; None: never by the passing of time."""
        return min((limit.grows_at for limit in self._binding(drawer) if limit.grows_at), default=None)

    def waits(self, drawer: Drawer) -> Refusal | None:
        """The limit per hour that has nothing left for this drawer, the longest wait of several; None: it has room."""
        spent = [limit for limit in self._binding(drawer) if not limit.left]
        if not spent:
            return None
        last = max(spent, key=lambda limit: limit.frees_at)
        words = f"{last.most} may be taken out within an hour{' without need' if last.binds == GENTLE else ''}"
        return Refusal(rule=Rule.HOURLY, words=words, until=last.frees_at)

    def protected(self, member: Member, drawer: Drawer) -> Refusal | None:
        """The protection that keeps the member from this drawer; None when there is none, or it cannot wait."""
        known = self._protections.get(member.slot)
        if known is None or drawer not in PACED:
            return None
        words = f"a person protects it{f': {known.reason}' if known.reason else ''}"
        return Refusal(rule=Rule.PROTECTED, words=words, until=known.until)

    def _refusal(self, member: Member, drawer: Drawer) -> Refusal | None:
        protection = self.protected(member, drawer)
        if protection is not None:
            return protection
        if not self.left:
            return self._spent
        crowded = self._crowded(member.instance.zone) if self._paced and drawer in PACED else None
        # What was drawn before and serves still, because its drain did not work, has been counted.
        # An instance of a rebalanced fleet asked before its replacement was started.
        counted = member.slot in self._known or drawer is Drawer.REBALANCE
        return crowded or (None if counted else self.waits(drawer))

    @cached_property
    def _spent(self) -> Refusal:
        """Nothing more is granted by this plan, so it is said in the same words to all who come now."""
        return Refusal(rule=Rule.BUDGET, words=f"{self._serving} serve and {self.floor} must")

    def _crowded(self, zone: ZoneName) -> Refusal | None:
        leaving, most = self._leaving[zone], self._most_of_zone
        if most is None or leaving < most:
            return None
        words = f"{leaving} of zone {zone} leave, and {most} may at the same time"
        ends = (at for known, at in self._gone_by if known == zone and at > self._now)
        return Refusal(rule=Rule.ZONE_BUDGET, words=words, until=min(ends, default=None))

    def _binding(self, drawer: Drawer) -> list[Hourly]:
        return [limit for limit in self._hourly if drawer in limit.binds] if self._paced else []


def most_urgent_first(requests: Iterable[Request]) -> list[Request]:
    """One request for each instance: the most urgent of its own; of equals, in the order they were asked."""
    by_drawer: dict[Drawer, list[Request]] = {drawer: [] for drawer in Drawer}
    for request in requests:
        by_drawer[request.drawer].append(request)
    first: dict[SlotId, Request] = {}
    for asked in by_drawer.values():
        for request in asked:
            first.setdefault(request.member.slot, request)
    return list(first.values())
