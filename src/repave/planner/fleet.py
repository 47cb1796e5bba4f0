"""The fleet planner: from what is wanted, what is seen and the time to the next steps of one fleet."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter

from repave.model.disruption import Drawer
from repave.model.metrics import MetricSighting
from repave.model.observation import Observation
from repave.model.plan import Plan, Rule
from repave.model.policy import FleetPolicy
from repave.model.target import FailureKind, Order, Target
from repave.planner import failures, keeper, narration, onsets, switching
from repave.planner.age import renew
from repave.planner.baseline import stand_beside
from repave.planner.budget import most_urgent_first
from repave.planner.canary import go_on
from repave.planner.carrying import carrier, with_proof
from repave.planner.draft import ALIVE, Draft
from repave.planner.evacuation import evacuate
from repave.planner.healing import heal
from repave.planner.moving import schedule
from repave.planner.rebalancing import rebalance
from repave.planner.repair import most_exposed_first, repair
from repave.planner.scaling import scale
from repave.planner.sets import Member, Standing, classify
from repave.planner.strategies import Allowance
from repave.planner.turns import turn
from repave.planner.wishes import protection_of, replace_as_asked, without_old_pause
from repave.planner.withdrawal import withdraw
from repave.planner.zones import leaving_order


def plan(policy: FleetPolicy, target: Target, observation: Observation, now: datetime) -> Plan:
    """Propose the next steps, and say of everything that waits which one rule holds it.

    Pure: the same arguments give the same plan, whatever their order; nothing is changed. A converged fleet gives a
    plan without changes. Times are aware; ``now`` is not before ``observation.at``.
    """
    given, target = target, without_old_pause(target, now)
    carried = carrier(target, observation)
    target = with_proof(target, carried) if carried else target
    waiting = turn(policy, target, observation)
    kept = waiting.meanwhile or target if waiting else target
    draft = Draft(policy, kept, classify(policy, kept, observation, now), now)
    draft.notes.resumes = given.paused and not target.paused
    draft.proven = carried.revision if carried else None
    unseen = observation.machines.incomplete or observation.traffic.incomplete
    if target.paused:
        keep_as_it_is(draft, unseen)
    elif unseen:
        wait_for_sight(draft, unseen)
    elif waiting and not waiting.meanwhile:
        clean_up(draft)
        attach(draft, schedule(draft))
    else:
        go_about(draft, observation.metrics)
    if waiting:
        draft.wait_for_turn(waiting)
    if not target.paused and not unseen:
        scale(draft, observation.metrics)
    return narration.narrate(draft)


def go_about(draft: Draft, metrics: MetricSighting) -> None:
    """All that a fleet is asked for, one thing after the other: each sees what those before it have decided."""
    clean_up(draft)
    judge(draft)
    heal(draft)
    evacuate(draft)
    replace_as_asked(draft)
    renew(draft)
    repair(draft)
    rebalance(draft)
    go_on(draft, metrics)
    allowance = schedule(draft)
    fill(draft, allowance)
    stand_beside(draft, allowance)
    retire(draft, allowance)
    shrink(draft)
    answer(draft, allowance)
    spare_the_sick(draft)
    switching.let_in(draft, allowance)
    attach(draft, allowance)
    prove(draft)


def wait_for_sight(draft: Draft, unseen: str) -> None:
    """On a partial view nothing is removed and nothing new is started; orders are given again."""
    if not draft.halted and not draft.barred:
        # What else there is cannot be seen: none of it may get requests before it is.
        draft.steps += keeper.launch_again(draft.sets.orders, standby=True)
    draft.hold("fleet", Rule.UNSEEN, unseen, since=draft.now)


def keep_as_it_is(draft: Draft, unseen: str) -> None:
    """Paused: what is alive may serve; nothing is started, not even in place of the dead, and nothing is removed."""
    if not unseen:
        attach(draft, schedule(draft))
        renew(draft)
        repair(draft)
    target = draft.target
    words = f"an operator paused it{f': {target.paused_reason}' if target.paused_reason else ''}"
    draft.hold("fleet", Rule.PAUSED, words, since=target.paused_since or target.since, until=target.paused_until)


def clean_up(draft: Draft) -> None:
    """What serves nobody and never will again goes: the dead, the drained, the unknown."""
    draft.closed += draft.sets.closed
    draft.steps += keeper.forget(draft.sets.strays)
    send_doubles_away(draft)
    for member in sorted(draft.sets.of(Standing.DEAD, Standing.LATE, Standing.LEAVING), key=attrgetter("place")):
        if member.standing is not Standing.LEAVING:
            failure = draft.failure_of(member)
            if (member.current or failure.kind is FailureKind.ZONE_LOST) and not member.was_leaving:
                draft.fail(failure)
            draft.end(member, "it ended while it was leaving" if member.was_leaving else failure.detail)
        elif keeper.may_go(draft.policy, member, draft.now, draft.sets.lag):
            draft.see_off(member)


def send_doubles_away(draft: Draft) -> None:
    """A slot that a provider has filled twice keeps one instance; the other goes, and speaks against nobody."""
    reason = "its slot is filled by another as well"
    for member in draft.sets.doubles:
        if member.standing is Standing.SERVING:
            draft.ask(member, Drawer.SCALE_IN, reason)
        elif member.standing is Standing.READY:
            draft.steps += keeper.drain(member, reason)
        elif member.standing is Standing.LEAVING and not keeper.may_go(draft.policy, member, draft.now, draft.sets.lag):
            until = keeper.drained_by(draft.policy, member.backend, draft.sets.lag) if member.backend else None
            draft.hold(member.slot, Rule.DRAINING, reason, since=member.since, until=until)
        else:
            draft.steps += keeper.dismiss(draft.policy, member, reason)


def judge(draft: Draft) -> None:
    """While a revision has yet to prove itself, every failure counts against it: stop in time, and go back."""
    for failure in failures.lost_orders(draft.sets, draft.now):
        draft.fail(failure)
        draft.closed.append(failure.slot)
    withdraw(draft)
    if not draft.judging or draft.halted:
        return
    for member in draft.remaining(Standing.SICK, current=True):
        draft.fail(draft.failure_of(member))
    reason = failures.verdict(draft.policy, draft.target, draft.sets, draft.all_failures)
    if reason:
        draft.halt(reason, failures.rollback(draft.policy, draft.target, draft.all_failures, reason))


def fill(draft: Draft, allowance: Allowance) -> None:
    """Give open orders again, and launch what is missing, as far as the schedule allows."""
    if draft.halted or draft.barred:
        draft.closed += [order.slot for order in draft.sets.orders]
        return
    given_up = surplus_orders(draft, allowance)
    draft.closed += [order.slot for order in given_up]
    draft.steps += keeper.launch_again(
        [order for order in draft.sets.orders if order not in given_up], standby=allowance.standby
    )
    missing = min(draft.goal, allowance.most) - draft.new
    if missing <= 0:
        return
    until = failures.backoff(draft.policy, draft.target, draft.all_failures, draft.now)
    if until is not None:
        latest = failures.latest_words(draft.target, draft.all_failures)
        words = f"{missing} missing; launches failed lately, the next try waits{latest}"
        draft.hold("fleet", Rule.BACKOFF, words, since=draft.now, until=until)
        return
    launched = draft.launch(allowance.launches, standby=allowance.standby)
    if launched < allowance.launches:
        words = f"{missing} missing; no zone has room"
        until = draft.zones.opens_at
        draft.hold("fleet", Rule.BACKOFF, words, since=draft.now, until=until)
    elif launched < missing and allowance.above < draft.surge:
        words = f"{missing - launched} more to launch; what they replace may not leave within the hour"
        draft.hold("fleet", Rule.HOURLY, words, since=draft.now, until=draft.budget.grows_at(Drawer.ROLLOUT))
    elif launched < missing:
        words = f"{missing - launched} more to launch; {draft.goal} and {allowance.above} above it are taken"
        draft.hold("fleet", Rule.SURGE, words, since=draft.target.since)


def surplus_orders(draft: Draft, allowance: Allowance) -> tuple[Order, ...]:
    """Orders that are no longer needed, or have no room any more: the newest."""
    surplus = max(draft.new - draft.goal, draft.without_room(allowance.above))
    return draft.sets.orders[-surplus:] if surplus > 0 else ()


def retire(draft: Draft, allowance: Allowance) -> None:
    """What is old or outgoing leaves as the budget allows; what never served, once enough serve without it."""
    if draft.halted:
        for member in (member for standing in ALIVE for member in draft.departing(standing)):
            draft.hold(
                member.slot, Rule.STOPPED, "the wanted revision is stopped: it stays", since=onsets.stopped(draft)
            )
        return
    switching.retire_stand_bys(draft, allowance)
    retire_coming(draft, allowance)
    retire_serving(draft, allowance)


def retire_coming(draft: Draft, allowance: Allowance) -> None:
    """What is to leave and never served goes, unless it may serve again and too few do without it."""
    passed = switching.passed_over(draft, allowance)
    for member in draft.departing(Standing.COMING):
        if switching.is_kept(draft, member, allowance) or (
            member.slot in draft.beside and member.slot not in draft.outgoing
        ):
            continue  # it is on its way to stand by, or to stand beside a canary
        protection = protection_of(draft, member)
        if protection is not None:
            since = onsets.to_leave(draft, member)
            draft.hold(member.slot, protection.rule, protection.words, since=since, until=protection.until)
        elif draft.serving >= draft.floor or not draft.was_proven(member) or member.instance.revision in passed:
            draft.dismiss(member, f"{_reason_to_leave(draft, member)} and serves nobody")
        else:
            words = f"{_reason_to_leave(draft, member)}; it may serve again, and too few do without it"
            draft.hold(member.slot, Rule.BUDGET, words, since=onsets.to_leave(draft, member))


def retire_serving(draft: Draft, allowance: Allowance) -> None:
    """What is to leave and serves asks to, as many at once as the schedule has others take over from."""
    leaving: Sequence[Member] = draft.departing(Standing.SERVING)
    if draft.budget.left:  # else all are refused in the same words, in whatever order they ask
        leaving = most_exposed_first(draft, leaving_order(leaving, draft.policy.zones))
    old = leaving
    if draft.outgoing:
        old = [member for member in leaving if member.slot not in draft.outgoing]
        for member in leaving:
            if member.slot in draft.outgoing:
                draft.ask(member, draft.outgoing[member.slot].drawer, _reason_to_leave(draft, member))
    if draft.beside:  # what a canary is compared with leaves last
        old = sorted(old, key=lambda member: member.slot in draft.beside)
    for member in old[: allowance.retires]:
        draft.ask(member, switching.drawer_of_old(allowance), _reason_to_leave(draft, member))
    switching.hold_in_traffic(draft, old[allowance.retires :])


def shrink(draft: Draft) -> None:
    """More of the wanted revision than wanted: the fullest zone gives one up first."""
    if draft.halted:
        return
    staying = draft.staying()
    surplus = len(staying) - draft.goal
    if surplus <= 0:
        return
    # Who is protected is asked for last, and refused: the others make room first.
    ordered = sorted(leaving_order(staying, draft.policy.zones), key=draft.is_protected)
    chosen = [m for m in ordered[:surplus] if m.standing is Standing.SERVING or not draft.is_protected(m)]
    drawer = Drawer.REBALANCE if surplus == 1 and draft.serving == draft.target.size + 1 else Drawer.SCALE_IN
    for member in chosen:
        if member.standing is Standing.COMING:
            draft.dismiss(member, _reason_to_leave(draft, member))
        elif member.standing is Standing.READY:
            draft.leave(member, keeper.drain(member, _reason_to_leave(draft, member)))
        else:
            draft.ask(member, drawer, _reason_to_leave(draft, member))


def answer(draft: Draft, allowance: Allowance) -> None:
    """All who asked to take out what serves are answered, the most urgent first: nobody gentle is before them."""
    for request in most_urgent_first(draft.requests):
        member, draw = request.member, draft.budget.answer(request)
        if draw.rule is None:
            rests = request.drawer is Drawer.SWITCH and switching.stands_by(draft, member, allowance)
            taken_out = keeper.stand_by if rests else keeper.drain
            draft.leave(member, taken_out(member, request.reason))
        else:
            draft.hold(member.slot, draw.rule, draw.reason, since=onsets.to_leave(draft, member), until=draw.until)


def spare_the_sick(draft: Draft) -> None:
    """The sick serve nobody, but may again: they go as soon as others serve in their place, not before."""
    sick = draft.remaining(Standing.SICK)
    kept = max(0, draft.target.size - draft.serving)
    # The wanted and the not yet condemned are the likeliest to be of use again; of equals those sick for the shortest.
    sick.sort(key=lambda member: (member.current, not draft.is_condemned(member), member.since, member.slot))
    for member in sick[: max(0, len(sick) - kept)]:
        draft.end(member, "it looks sick, and enough serve without it")
    for member in sick[max(0, len(sick) - kept) :]:
        if not draft.is_held(member):
            rule = Rule.STOPPED if draft.halted else Rule.BUDGET
            words = "looks sick; it goes once another serves in its place"
            draft.hold(member.slot, rule, words, since=member.since)


def attach(draft: Draft, allowance: Allowance) -> None:
    """Whatever is alive and stays is checked by the balancer; some of it stands by."""
    withheld = allowance.standby or (allowance.switches and (draft.halted or draft.target.paused))
    passed = switching.passed_over(draft, allowance)
    for member in draft.remaining(Standing.COMING):
        rests = member.instance.revision in passed or switching.stands_by(draft, member, allowance)
        standby = withheld if member.current else rests
        draft.steps += keeper.attach([member], standby=standby)


def prove(draft: Draft) -> None:
    """A revision that carries the whole fleet, alone and in good health, is what a rollback may return to."""
    serving = draft.remaining(Standing.SERVING, current=True)
    alone = len(serving) == len(draft.sets.members) == draft.target.size > 0
    others = draft.sets.orders or draft.sets.beside or draft.sets.strays or draft.sets.doubles
    if alone and draft.judging and not others and not draft.halted:
        draft.proven = draft.target.revision


def _reason_to_leave(draft: Draft, member: Member) -> str:
    if member.slot in draft.outgoing:
        return draft.outgoing[member.slot].reason
    return "there are more than wanted" if member.current else "it runs an old revision"
