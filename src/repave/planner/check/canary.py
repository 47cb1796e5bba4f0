"""Canaries: nothing is called worse without evidence, no step is skipped, and no more is new than the step allows."""

from collections.abc import Iterator
from datetime import timedelta

from repave.model.metrics import InstanceMetrics
from repave.model.observation import TrafficState
from repave.model.target import FailureKind
from repave.planner.check.view import View

LEAST = 100
"""Answers on each side that evidence stands on."""


def evidence(view: View) -> Iterator[str]:
    """Who is called worse answered often enough, and failed more often or took longer than what it is compared with."""
    accused = [failure for failure in view.plan.failures if failure.kind is FailureKind.WORSE]
    if not accused:
        return
    serving = [each for each in view.metrics.instances if each.instance in view.serving and each.error_rate is not None]
    new = [each for each in serving if view.instances[each.instance].revision == view.target.revision]
    old = [each for each in serving if each not in new]
    old = [each for each in old if view.instances[each.instance].slot in view.beside] or old
    if view.policy.rollout.strategy != "canary" or min(_samples(new), _samples(old)) < LEAST:
        yield f"{accused[0].slot} would be called worse, and too few answers were measured to say so"
    elif _errors(new) <= _errors(old) and _seconds(new) <= _seconds(old):
        yield f"{accused[0].slot} would be called worse, and answers as well as the others"


def steps(view: View) -> Iterator[str]:
    """One step after the other, each after its pause and, where the policy says so, after a person's word."""
    before, after, rule = view.target.canary, view.plan.canary, view.policy.rollout
    if after is None or after.step == before.step:
        return
    if after.step != before.step + 1 or before.since is None:
        yield f"the canary would go from step {before.step} to {after.step}"
    elif view.now < before.since + timedelta(seconds=rule.pause_seconds):
        yield f"the canary would go on before its pause of {rule.pause_seconds:g} s is over"
    elif rule.checkpoint and before.approved <= before.step:
        yield "the canary would go on, and nobody let it"


def share(view: View) -> Iterator[str]:
    """New ones beyond the step are launched only in place of old ones that are gone, or of new ones sent away."""
    rule, size = view.policy.rollout, view.target.size
    back = any(proof.revision == view.target.revision for proof in view.target.proven)
    stage = view.plan.canary or view.target.canary
    fresh = [launch for launch in view.fresh if launch.revision == view.target.revision]
    if rule.strategy != "canary" or back or stage.step >= len(rule.steps) or not fresh:
        return
    ending = {end.instance for end in view.ends}
    staying = [i for i in view.instances if i not in ending and not view.dead(i) and not view.unwell(i)]
    gone = (TrafficState.DRAINING, TrafficState.DRAINED)
    staying = [i for i in staying if view.state(i) not in gone]
    new = [i for i in staying if view.instances[i].revision == view.target.revision]
    old = len(staying) - len(new)
    sent_for = {wish.slot for wish in view.target.replacements}
    out = {each.zone for each in view.target.zones_out if each.until is None or each.until > view.now}
    new = [i for i in new if view.instances[i].slot not in sent_for and view.instances[i].zone not in out]
    ages = view.plan.ages
    if ages and ages.start_by and ages.start_by <= view.now:
        # The hard limit presses: ones that ran here before, and serve, may have to go as well.
        new = [i for i in new if i not in view.serving]
    most = max(1, rule.steps[stage.step].of(size), size - old)
    if old and len(new) + len(fresh) > most:
        yield f"{len(new) + len(fresh)} new ones would be there, and the step allows {most}"


def baseline(view: View) -> Iterator[str]:
    """What is started to compare a canary with is old, good, kept in mind, and no more than the step has new ones."""
    rule, stage = view.policy.rollout, view.plan.canary or view.target.canary
    launched = [launch for launch in view.fresh if launch.slot in view.beside]
    forgotten = set(view.target.canary.baseline) - view.beside
    if forgotten:
        yield f"{min(forgotten)} stands beside the canary, and would be forgotten"
    if not launched:
        return
    running = {view.instances[i].revision for i in view.serving} - {view.target.revision}
    good = {proof.revision for proof in view.target.proven} & running
    for launch in launched:
        if launch.revision not in good:
            yield f"{launch.slot} would stand beside the canary, and is not of a good old release that serves"
    if rule.strategy != "canary" or rule.baseline != "fresh" or stage.step >= len(rule.steps):
        yield f"{launched[0].slot} would stand beside a canary, and there is none to compare with"
        return
    most = max(1, rule.steps[stage.step].of(view.target.size))
    if len(view.beside) > most or 2 * most > view.target.size:
        yield f"{len(view.beside)} would stand beside the canary, and the step has {most} of {view.target.size}"


def _samples(metrics: list[InstanceMetrics]) -> int:
    return sum(each.samples for each in metrics)


def _errors(metrics: list[InstanceMetrics]) -> float:
    return sum(each.samples * (each.error_rate or 0.0) for each in metrics) / max(1, _samples(metrics))


def _seconds(metrics: list[InstanceMetrics]) -> float:
    return sum(each.samples * (each.latency_seconds or 0.0) for each in metrics) / max(1, _samples(metrics))
