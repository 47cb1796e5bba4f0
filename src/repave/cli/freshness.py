"""How a pass that keeps everything fresh is told."""

from datetime import datetime

from repave.cli import differences, holds, outcomes, remaining
from repave.cli.codes import HELD, OK, UNKNOWN, WAITING
from repave.cli.phrases import counted, listed
from repave.cli.screen import Screen
from repave.model.watch import RULES, Carry, FreshnessPlan, Relock, Rule, Wait
from repave.operations.watching.passed import Moved, Passed

FOR_PEOPLE = {
    Rule.PAUSED: "what was begun waits until it is resumed",
    Rule.REVIEW: "proposed, and waiting for people to look at it",
    Rule.DRIFT: "a person has to lock what was changed",
    Rule.UNBAKED: "a person has to bake what was locked",
}
"""What is told in the end where people are waited for, by rule."""

MOST_FLAWS = 12
"""In one line for people."""

LAST_WORDS = {
    Rule.UNREPAIRED: "nothing more to do: what remains cannot be repaired yet",
    Rule.CLOSED: "nothing more to do: what would repair the rest was closed by people",
}
"""Of a pass that left nothing to go on with, by what stays as it is; the first that holds."""


def exit_code(passed: Passed) -> int:
    """What the command line ends with: a failure before what is unknown, that before what waits."""
    failed = next((result for result in passed.results if not result.as_asked), None)
    if failed is not None:
        return outcomes.exit_code(failed)
    if passed.plan.unknown or any(moved.unknown for moved in passed.moved):
        return UNKNOWN
    if any(moved.cure and moved.cure.held for moved in passed.moved):
        return HELD
    asked = any(wait.rule in FOR_PEOPLE for wait in passed.plan.waits)
    return WAITING if passed.plan.carry or passed.plan.finish or asked else OK


def document(passed: Passed) -> dict[str, object]:
    """For machines."""
    return {
        "moved": [_moved(moved) for moved in passed.moved],
        "release": str(passed.release) if passed.release else None,
        "deployments": [outcomes.document(result) for result in passed.results],
        "held": passed.held,
        "trouble": passed.trouble.message if passed.trouble else None,
        **plan_document(passed.plan),
        "wake": passed.wake,
    }


def plan_document(plan: FreshnessPlan) -> dict[str, object]:
    """What is to be done, and what waits, for machines."""
    return {
        "relock": plan.relock,
        "bake": plan.bake,
        "carry": plan.carry,
        "finish": plan.finish,
        "unknown": plan.unknown,
        "waits": plan.waits,
        "wake": plan.wake,
    }


def _moved(moved: Moved) -> dict[str, object]:
    return {
        "what": moved.kind,
        "taken": moved.taken,
        "lock": moved.proposal.digest,
        "closed": moved.closed,
        "opened": moved.opened,
        "unknown": moved.unknown,
        "review": moved.review,
        "rewritten": [one.path for one in moved.proposal.rewritten],
        "held": moved.cure.held if moved.cure else {},
        "remaining": moved.cure.remaining if moved.cure else (),
        **differences.document(moved.proposal.difference),
    }


def show(passed: Passed, now: datetime, screen: Screen) -> None:
    """For people: what moved, what holds the rest, and a last line."""
    for moved in passed.moved:
        _show_moved(moved, screen)
    if passed.release:
        screen.show(f"baked {passed.release}")
    for held in passed.held:
        holds.show(held, now, screen)
    _show_waits(passed.plan, screen)
    screen.show(_verdict(passed))


def show_plan(plan: FreshnessPlan, screen: Screen) -> None:
    """For people: what would be done first."""
    if plan.relock:
        screen.show(_relocking(plan.relock))
    if plan.bake:
        screen.show("would bake repave.lock")
    for carry in plan.carry:
        screen.show(_carrying(carry))
    for name in plan.finish:
        screen.show(f"would go on in {name}, where a rollout was left")
    _show_waits(plan, screen)
    if not (plan.relock or plan.bake or plan.carry or plan.finish):
        screen.show("nothing to do")


def _relocking(relock: Relock) -> str:
    if not relock.flaws:
        return f"would take this week's updates of {listed(relock.images)}"
    due = f", the first due by {relock.by:%Y-%m-%d %H:%M} UTC" if relock.by else ""
    return f"would repair {listed(relock.flaws, most=MOST_FLAWS)} in {listed(relock.images)}{due}"


def _carrying(carry: Carry) -> str:
    closes = f", which closes {listed(carry.closes, most=MOST_FLAWS)}" if carry.closes else ""
    due = f", due by {carry.by:%Y-%m-%d %H:%M} UTC" if carry.by else ""
    return f"would let r{carry.release} into {carry.environment} as gates allow{closes}{due}"


def _show_moved(moved: Moved, screen: Screen) -> None:
    if moved.taken or moved.review:
        differences.show(moved.proposal.difference, screen)
        if moved.closed:
            screen.show(f"closes {listed(moved.closed, most=MOST_FLAWS)}")
        for one in moved.proposal.rewritten:
            screen.show(f"~ {one.path}, as npm would have it")
        if moved.opened:
            screen.warn(f"it brings {listed(moved.opened, most=MOST_FLAWS)}")
    elif moved.opened:
        screen.warn(f"this week's updates are not taken: they would bring {listed(moved.opened, most=MOST_FLAWS)}")
    elif moved.proposal.changed:
        screen.warn("this week's updates are not taken: what they bring could not be judged")
    if moved.cure:
        remaining.show(moved.cure, screen)
    for words in moved.unknown:
        screen.warn(f"cannot be relied on: {words}")


def _show_waits(plan: FreshnessPlan, screen: Screen) -> None:
    for words in plan.unknown:
        screen.warn(f"not known to be clean: {words}")
    for wait in plan.waits:
        _show_wait(wait, screen)


def _show_wait(wait: Wait, screen: Screen) -> None:
    until = f", until {wait.until:%Y-%m-%d %H:%M} UTC" if wait.until else ""
    screen.say(f"waits: {wait.detail} (rule {wait.rule}: {RULES[wait.rule]}{until})")
    if wait.remedy:
        screen.say(f"  what can be done: {wait.remedy}")


def _verdict(passed: Passed) -> str:
    plan = passed.plan
    failed = [f"{result.environment} did not take {result.release}" for result in passed.results if not result.as_asked]
    if failed:
        return f"stopped: {'; '.join(failed)}"
    if plan.carry or plan.finish:
        left = dict.fromkeys([*(one.environment for one in plan.carry), *plan.finish])
        return f"{counted(len(left), 'environment')} to be made fresher yet: {listed(tuple(left))}"
    rules = {wait.rule for wait in plan.waits}
    if asked := [words for rule, words in FOR_PEOPLE.items() if rule in rules]:
        return "; ".join(asked)
    if plan.unknown:
        return "nothing more to do by what could be read; the rest is unknown"
    if any(moved.cure and moved.cure.remaining for moved in passed.moved):
        rules.add(Rule.UNREPAIRED)
    return next((words for rule, words in LAST_WORDS.items() if rule in rules), "everything is fresh")
