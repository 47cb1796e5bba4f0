"""Canary: a release takes over step by step, and is judged at each beside the old one."""

from dataclasses import replace
from datetime import datetime, timedelta

from repave.model.canary import CanaryStage
from repave.model.metrics import MetricSighting
from repave.model.plan import Rule
from repave.model.policy import RolloutPolicy
from repave.model.succession import not_before
from repave.model.target import Failure, FailureKind
from repave.planner import failures
from repave.planner.baseline import awaited, compared
from repave.planner.comparison import Comparison, compare
from repave.planner.draft import ALIVE, Draft
from repave.planner.sets import Standing


def go_on(draft: Draft, metrics: MetricSighting) -> None:
    """Judge the step that is reached: stop, wait, or go on to the next. A way back takes no steps."""
    rule, stage = draft.policy.rollout, draft.target.canary
    over = draft.halted or not draft.judging or draft.returning or stage.step >= len(rule.steps)
    if rule.strategy != "canary" or over or not draft.remaining(*ALIVE, current=False):
        return
    draft.most = _wanted(rule, stage, draft.goal)
    draft.beside = frozenset(stage.baseline if rule.baseline == "fresh" else ())
    ends = stage.since and stage.since + timedelta(seconds=rule.pause_seconds)
    comparison = _comparison(draft, metrics, patient=ends is not None and draft.now >= ends)
    if comparison.worse:
        _stop(draft, comparison.worse)
    elif len(draft.remaining(Standing.SERVING, current=True)) < draft.most:
        draft.canary = replace(stage, since=None) if stage.since else None
    elif ends is None and awaited(draft):
        return  # what is to be compared with it does not serve yet, and is told of by itself
    elif ends is None:
        draft.canary = replace(stage, since=draft.now)
        _wait(draft, comparison, draft.now + timedelta(seconds=rule.pause_seconds))
    elif draft.now < ends:
        _wait(draft, comparison, ends)
    elif rule.checkpoint and stage.approved <= stage.step:
        words = f"{draft.most} of {draft.goal} run it and were judged by {comparison.told}; a person lets it go on"
        draft.hold("fleet", Rule.CHECKPOINT, words, since=ends)
    else:
        draft.canary = replace(stage, step=stage.step + 1, since=None, said=comparison.told)
        draft.most = _wanted(rule, draft.canary, draft.goal)


def _wanted(rule: RolloutPolicy, stage: CanaryStage, size: int) -> int:
    return min(size, max(1, rule.steps[stage.step].of(size))) if stage.step < len(rule.steps) else size


def _comparison(draft: Draft, metrics: MetricSighting, *, patient: bool) -> Comparison:
    measured = {each.instance: each for each in metrics.instances}
    old, name = compared(draft)
    ours, theirs = (
        [measured[member.instance.id] for member in members if member.instance.id in measured]
        for members in (draft.remaining(Standing.SERVING, current=True), old)
    )
    return compare(ours, theirs, patient=patient, name=name)


def _stop(draft: Draft, worse: str) -> None:
    for member in draft.remaining(Standing.SERVING, current=True):
        draft.fail(
            Failure(
                slot=member.slot,
                revision=member.instance.revision,
                zone=member.instance.zone,
                kind=FailureKind.WORSE,
                at=not_before(draft.now, draft.target.since),
                detail=worse,
            )
        )
    reason = f"the canary is worse: {worse}"
    draft.halt(reason, failures.rollback(draft.policy, draft.target, draft.all_failures, reason))


def _wait(draft: Draft, comparison: Comparison, until: datetime) -> None:
    # The numbers change with every look: they are told when something is decided by them.
    basis = "their answers" if comparison.judged else "health alone, for too few answers are measured yet"
    words = f"{draft.most} of {draft.goal} run it and are judged by {basis}"
    draft.hold("fleet", Rule.CANARY, words, since=draft.target.canary.since or draft.now, until=until)
