"""A plan in the making: what has been decided so far, and the counts that follow from it. Lives for one plan."""

from datetime import datetime

from repave.model.names import RevisionId, SlotId
from repave.model.plan import Hold, Retarget, Rule, Step
from repave.model.policy import FleetPolicy
from repave.model.target import Failure, Heal, Target
from repave.planner import failures, keeper
from repave.planner.budget import Budget
from repave.planner.sets import Member, Sets, Standing, slot_number
from repave.planner.zones import Spread, closed_zones


class Draft:
    """What the steps of the planner write into, one after the other."""

    def __init__(self, policy: FleetPolicy, target: Target, sets: Sets, now: datetime) -> None:
        self.policy = policy
        self.target = target
        self.sets = sets
        self.now = now
        self.judging = failures.under_judgement(target)
        self.steps: list[Step] = []
        self.holds: list[Hold] = []
        self.failures: list[Failure] = []
        self.closed: list[SlotId] = []
        self.heals: list[Heal] = []
        self.next_slot = target.next_slot
        self.retarget: Retarget | None = None
        self.stop = ""
        self.proven: RevisionId | None = None
        self._gone: set[SlotId] = set()
        serving = sum(member.standing is Standing.SERVING for member in sets.members)
        self.floor = max(0, target.size - policy.rollout.unavailable.of(target.size))
        self.budget = Budget(serving=serving, floor=self.floor)
        self.enough_serve = serving >= self.floor
        self.surge = policy.rollout.surge.of(target.size)
        if self.floor == target.size:
            self.surge = max(1, self.surge)  # with neither surge nor unavailable, nothing could ever move
        alive = [m for m in sets.members if m.current and m.standing in (Standing.SERVING, Standing.COMING)]
        closed = closed_zones(target.failures, now)
        filled = [*(member.instance.zone for member in alive), *(order.zone for order in sets.orders)]
        self._spread = Spread(policy.zones, closed, filled)
        # Uneven is judged by what serves: one that is only coming must not end the move that it is part of.
        served = [member.instance.zone for member in sets.of(Standing.SERVING, current=True)]
        self.uneven = Spread(policy.zones, closed, served).uneven
        self.goal = target.size + self._rebalancing(serving)

    @property
    def halted(self) -> bool:
        """Whether nothing of the wanted revision may be launched."""
        return bool(self.target.stopped or self.stop or self.retarget)

    @property
    def all_failures(self) -> tuple[Failure, ...]:
        """What was known, and what this plan judged."""
        return (*self.target.failures, *self.failures)

    @property
    def new(self) -> int:
        """Instances of the wanted revision that serve or may soon, orders included."""
        waiting = self.remaining(Standing.SERVING, Standing.COMING, Standing.SICK, Standing.LATE, current=True)
        return len(waiting) + len(self.sets.orders)

    @property
    def occupied(self) -> int:
        """Places taken: everything alive but what is old and sick, which must not hold up its cure."""
        staying = [
            member
            for member in self.sets.members
            if member.slot not in self._gone
            and (member.current or member.standing not in (Standing.SICK, Standing.LATE))
        ]
        return len(staying) + len(self.sets.orders)

    def remaining(self, *standings: Standing, current: bool | None = None) -> list[Member]:
        """Members that stand so and that this plan has not sent away."""
        return [
            member
            for member in self.sets.members
            if member.standing in standings
            and member.slot not in self._gone
            and (current is None or member.current == current)
        ]

    def was_proven(self, member: Member) -> bool:
        """Whether the member's revision once carried the fleet."""
        return any(proof.revision == member.instance.revision for proof in self.target.proven)

    def first_to_leave(self, member: Member) -> tuple[int, int, datetime, tuple[int, str]]:
        """Sort key: undeclared and crowded zones first, then the oldest."""
        crowding = -self._spread.crowding(member.instance.zone)
        return (
            0 if member.standing is not Standing.SERVING else 1,
            crowding,
            member.instance.started_at,
            slot_number(member.slot),
        )

    def hold(self, subject: str, rule: Rule, detail: str, *, since: datetime, until: datetime | None = None) -> None:
        """Say why something waits."""
        self.holds.append(Hold(subject=subject, rule=rule, detail=detail, since=since, until=until))

    def fail(self, failure: Failure) -> None:
        """Remember a failure, once for each slot."""
        if all(known.slot != failure.slot for known in self.all_failures):
            self.failures.append(failure)

    def end(self, member: Member, reason: str) -> None:
        """One that serves nobody goes."""
        self.leave(member, keeper.end(member, reason))

    def leave(self, member: Member, steps: list[Step]) -> None:
        """Send a member away by these steps, once."""
        if member.slot not in self._gone:
            self._gone.add(member.slot)
            self.steps += steps

    def halt(self, reason: str, back: Retarget | None) -> None:
        """No more of the wanted revision: back to a proven one, or stop where it is."""
        self.retarget = back
        if back is None:
            self.stop = reason

    def launch(self, count: int) -> int:
        """Launch so many, spread over the zones; answers how many found one."""
        for launched in range(count):
            zone = self._spread.next()
            if zone is None:
                return launched
            slot = SlotId(f"{self.target.fleet.fleet}-{self.next_slot}")
            self.next_slot += 1
            self.steps.append(keeper.launch(slot, self.target.revision, zone, f"{self.goal} are wanted"))
        return count

    def _rebalancing(self, serving: int) -> int:
        """One above the wanted size while the zones of an otherwise quiet fleet differ by more than one."""
        quiet = (
            not self.judging
            and self.uneven
            and serving == self.target.size
            and all(m.current and m.standing in (Standing.SERVING, Standing.COMING) for m in self.sets.members)
        )
        return 1 if quiet else 0
