"""The fleet planner: from what is wanted, what is seen and the time to the next steps of one fleet."""

from datetime import datetime

from repave.model.observation import Observation
from repave.model.plan import Drawer, Plan, Rule
from repave.model.policy import FleetPolicy
from repave.model.target import Heal, Target
from repave.planner import failures, healing, keeper, narration
from repave.planner.draft import Draft
from repave.planner.sets import Member, Standing, classify
from repave.planner.strategies import STRATEGIES, Move
from repave.planner.zones import closed_zones


def plan(policy: FleetPolicy, target: Target, observation: Observation, now: datetime) -> Plan:
    """Propose the next steps, and say of everything that waits which one rule holds it.

    Pure: the same arguments give the same plan, whatever their order; nothing is changed. A converged fleet gives a
    plan without changes. Times are aware; ``now`` is not before ``observation.at``.
    """
    draft = Draft(policy, target, classify(policy, target, observation, now), now)
    unseen = observation.machines.incomplete or observation.traffic.incomplete
    if unseen:
        wait_for_sight(draft, unseen)
    elif target.paused:
        keep_as_it_is(draft)
    else:
        clean_up(draft)
        judge(draft)
        heal(draft)
        fill(draft)
        retire(draft)
        shrink(draft)
        prove(draft)
    return narration.narrate(draft)


def wait_for_sight(draft: Draft, unseen: str) -> None:
    """On a partial view nothing is removed and nothing new is started; orders are given again."""
    if not draft.target.paused:
        draft.steps += keeper.launch_again(draft.sets.orders)
    draft.hold("fleet", Rule.UNSEEN, unseen, since=draft.now)


def keep_as_it_is(draft: Draft) -> None:
    """Paused: what is alive may serve; nothing is started or removed."""
    draft.steps += keeper.attach(draft.sets.members)
    draft.hold("fleet", Rule.PAUSED, "an operator paused it", since=draft.target.since)


def clean_up(draft: Draft) -> None:
    """What serves nobody and never will again goes: the dead, the drained, the unknown."""
    draft.closed += draft.sets.closed
    draft.steps += keeper.forget(draft.sets.strays)
    draft.steps += keeper.see_off(draft.policy, draft.sets, draft.now)
    for member in draft.sets.members:
        if member.standing is Standing.DEAD:
            if member.current:
                draft.fail(failures.failure_of(member, draft.now))
            draft.end(member, "its process ended")


def judge(draft: Draft) -> None:
    """While a revision has yet to prove itself, every failure counts against it: stop in time, and go back."""
    for failure in failures.lost_orders(draft.sets, draft.now):
        draft.fail(failure)
        draft.closed.append(failure.slot)
    if not draft.judging or draft.target.stopped:
        return
    for member in draft.sets.of(Standing.LATE, Standing.SICK, current=True):
        draft.fail(failures.failure_of(member, draft.now))
        draft.end(member, failures.KINDS[member.standing][1])
    reason = failures.verdict(draft.policy, draft.target, draft.sets, draft.all_failures)
    if not reason:
        return
    back = failures.rollback(draft.policy, draft.target, draft.all_failures, reason, draft.now)
    draft.halt(reason, back)


def heal(draft: Draft) -> None:
    """A proven revision's sick are replaced, so many within the window and no more: the alarm may be false."""
    if draft.judging and not draft.target.stopped:
        return
    granted = healing.healable(draft.policy, draft.target, draft.sets, draft.now)
    for member in granted:
        if draft.halted:
            break
        draft.heals.append(Heal(slot=member.slot, at=draft.now))
        draft.fail(failures.failure_of(member, draft.now))
        draft.end(member, failures.KINDS[member.standing][1])
    until = healing.next_heal_at(draft.policy, draft.target, draft.now)
    most = healing.limit(draft.policy, draft.target)
    for member in draft.remaining(Standing.SICK, Standing.LATE, current=True):
        words = f"looks sick, but at most {most} may be replaced within {draft.policy.healing.window_seconds:g} s"
        draft.hold(member.slot, Rule.HEALING_LIMIT, words, since=member.since, until=until)


def fill(draft: Draft) -> None:
    """Attach what is alive, give open orders again, and launch what is missing, as far as the schedule allows."""
    draft.steps += keeper.attach(draft.remaining(Standing.COMING))
    if draft.halted:
        draft.closed += [order.slot for order in draft.sets.orders]
        return
    draft.steps += keeper.launch_again(draft.sets.orders)
    missing = draft.goal - draft.new
    if missing <= 0:
        return
    until = None if draft.judging else failures.backoff(draft.policy, draft.target, draft.all_failures, draft.now)
    if until is not None:
        words = f"{missing} missing; launches failed lately, the next try waits"
        draft.hold("fleet", Rule.BACKOFF, words, since=draft.now, until=until)
        return
    allowance = STRATEGIES[draft.policy.rollout.strategy](
        Move(size=draft.goal, surge=draft.surge, new=draft.new, occupied=draft.occupied)
    )
    launched = draft.launch(allowance.launches)
    if launched < allowance.launches:
        ends = closed_zones(draft.target.failures, draft.now)
        words = f"{missing} missing; no zone has room"
        draft.hold("fleet", Rule.BACKOFF, words, since=draft.now, until=min(ends.values(), default=None))
    elif launched < missing:
        words = f"{missing - launched} more to launch; {draft.goal} and {draft.surge} above it are taken"
        draft.hold("fleet", Rule.SURGE, words, since=draft.target.since)


def retire(draft: Draft) -> None:
    """Old instances leave as the budget allows; those that serve nobody, once the wanted number serves."""
    old = draft.remaining(Standing.SERVING, Standing.COMING, Standing.LATE, Standing.SICK, current=False)
    if draft.halted:
        for member in old:
            draft.hold(member.slot, Rule.STOPPED, "the wanted revision is stopped: it stays", since=member.since)
        return
    idle = [member for member in old if member.standing is not Standing.SERVING]
    for member in idle:
        if draft.enough_serve or not draft.was_proven(member):
            draft.end(member, "it runs an old revision and serves nobody")
        else:
            words = "an old one that does not serve now; it may again, and too few serve without it"
            draft.hold(member.slot, Rule.BUDGET, words, since=member.since)
    serving = [member for member in old if member.standing is Standing.SERVING]
    _take_out(draft, serving, Drawer.ROLLOUT, "it runs an old revision")


def shrink(draft: Draft) -> None:
    """More of the wanted revision than wanted: those not yet serving go first, then the most crowded zone's oldest."""
    if draft.halted:
        return
    coming = draft.remaining(Standing.COMING, current=True)
    serving = draft.remaining(Standing.SERVING, current=True)
    surplus = len(coming) + len(serving) - draft.goal
    for member in sorted(coming, key=draft.first_to_leave)[: max(0, surplus)]:
        draft.end(member, "there are more than wanted")
    surplus = len(serving) - draft.target.size
    if surplus > 0:
        drawer = Drawer.REBALANCE if surplus == 1 and draft.uneven else Drawer.SCALE_IN
        chosen = sorted(serving, key=draft.first_to_leave)[:surplus]
        _take_out(draft, chosen, drawer, "there are more than wanted")


def prove(draft: Draft) -> None:
    """A revision that carries the whole fleet, alone and in good health, is what a rollback may return to."""
    serving = draft.remaining(Standing.SERVING, current=True)
    alone = len(serving) == len(draft.sets.members) == draft.target.size > 0
    if alone and draft.judging and not draft.sets.orders and not draft.sets.strays and not draft.halted:
        draft.proven = draft.target.revision


def _take_out(draft: Draft, members: list[Member], drawer: Drawer, reason: str) -> None:
    for member in sorted(members, key=draft.first_to_leave):
        if draft.budget.draw(member, drawer, reason):
            draft.leave(member, keeper.drain(member, reason))
        else:
            draft.hold(member.slot, Rule.BUDGET, draft.budget.draws[-1].reason, since=member.since)
