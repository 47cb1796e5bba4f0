"""Explanations: for everything that waits, the one rule that holds it, since when, and until when."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from repave.model.plan import Hold, Plan, Rule

RULES: Mapping[Rule, str] = {
    Rule.STARTING: "a new instance has its grace period to become healthy",
    Rule.DRAINING: "a leaving instance may end its open requests, a worker its work",
    Rule.BUDGET: "the disruption budget: never fewer serving than allowed",
    Rule.SURGE: "the surge: never more alive than the wanted size and so many above it",
    Rule.HEALING_LIMIT: "the healing limit: many sick at once may be a false alarm",
    Rule.STOPPED: "a revision that failed is not launched again by itself",
    Rule.PAUSED: "an operator paused the fleet",
    Rule.NO_DATA: "what is not measured changes no size",
    Rule.STEADY: "a size changes once metrics have asked for it long enough",
    Rule.COOL_DOWN: "after a change of the size its effect is awaited",
    Rule.SIZE_RANGE: "sizes stay within the declared range",
    Rule.UNSETTLED: "no scale-in while instances are replaced or missing, or a zone is out",
    Rule.BACKOFF: "repeated failures make the next try wait",
    Rule.HOURLY: "the hourly budget: what does not hurry is spread over time",
    Rule.PROTECTED: "a person protects it from all that can wait",
    Rule.ZONE_BUDGET: "the zone's budget: never more leaving one zone at the same time",
    Rule.UNSEEN: "nothing is removed on a partial view",
    Rule.AFTER: "fleets named in `after` come first, and last in a rollback",
    Rule.REVOKED: "what is revoked is started nowhere; capacity is not broken for it",
    Rule.ZONE_OUT: "nothing is launched in a zone that a person took out",
    Rule.SWITCH: "all requests go over at one time, once the whole new group is ready",
    Rule.CANARY: "a canary is judged at each step before the next",
    Rule.CHECKPOINT: "the policy wants a person's word after each step",
    Rule.KEPT: "after a switch the old group is kept ready for a time",
    Rule.DEADLINE: "capacity is not broken for a deadline: it is said before it is missed",
}

REMEDIES: Mapping[Rule, str] = {
    Rule.HEALING_LIMIT: "look at `repave logs`: if they are truly sick, `repave heal` or deploy a release that is well",
    Rule.STOPPED: "look at `repave logs`, mend, bake and deploy; or deploy the same again for one more try",
    Rule.PAUSED: "`repave resume`",
    Rule.CHECKPOINT: "`repave resume` lets it go on, `repave rollback` goes back",
    Rule.AFTER: "the explanation of the fleet that comes first says what holds that one",
    Rule.HOURLY: "wait, or raise `budget.per_hour`, `budget.gentle_per_hour` or `scale.in_per_hour` of the fleet",
    Rule.PROTECTED: "`repave unprotect`, when it need not be protected any more",
    Rule.ZONE_BUDGET: "wait, or raise `budget.per_zone` of the fleet",
    Rule.DEADLINE: "`repave patch` where nothing repaired is wanted; resume what is paused, or deploy a good release",
    Rule.REVOKED: "deploy a release that is not revoked: `repave patch`, or `repave lock`, `repave bake` and deploy",
    Rule.ZONE_OUT: "`repave zone in`",
    Rule.NO_DATA: "`repave doctor` tries what measures; docs/explanation/scaling.md names what is measured",
    Rule.SIZE_RANGE: "raise the end of `size` in repave.yaml, if there is room for more",
    Rule.UNSEEN: "`repave doctor` tries what could not be seen",
}

ENDS: Mapping[Rule, str] = {
    Rule.STARTING: "it is healthy",
    Rule.DRAINING: "its open requests, or its work, have ended",
    Rule.BUDGET: "others serve in its place",
    Rule.SURGE: "one that leaves is gone",
    Rule.HEALING_LIMIT: "all are well again, or a person allows it",
    Rule.STOPPED: "a person deploys again",
    Rule.PAUSED: "a person resumes it",
    Rule.NO_DATA: "it is measured again",
    Rule.STEADY: "metrics have asked for it long enough",
    Rule.COOL_DOWN: "the last change has had its time",
    Rule.SIZE_RANGE: "metrics ask for less, or the range admits more",
    Rule.UNSETTLED: "the fleet is as wanted, in all its zones",
    Rule.BACKOFF: "a zone has room again",
    Rule.HOURLY: "the hour has room again",
    Rule.PROTECTED: "a person no longer protects it",
    Rule.ZONE_BUDGET: "one that leaves the zone is gone",
    Rule.UNSEEN: "everything can be seen again",
    Rule.AFTER: "that fleet is there",
    Rule.REVOKED: "something that is not revoked is deployed",
    Rule.ZONE_OUT: "a person brings the zone back",
    Rule.SWITCH: "the whole new group is ready",
    Rule.CANARY: "the step is judged",
    Rule.CHECKPOINT: "a person lets it go on",
    Rule.KEPT: "its time is over",
    Rule.DEADLINE: "what is due is replaced",
}
"""What ends a wait that no known moment ends."""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why one thing waits."""

    subject: str
    rule: Rule
    sentence: str
    since: datetime
    until: datetime | None
    """When time alone ends it, at the latest; None where only an event can, which ``ends`` names."""

    ends: str
    """What ends it; empty where ``until`` says when."""

    remedy: str
    """What a person can do; empty when waiting is enough."""


def dated(plan: Plan, before: Plan | None) -> Plan:
    """With the beginnings of holds that the plan dates from itself, as far as the plan before told of them already."""
    if before is None:
        return plan
    known = {(hold.subject, hold.rule): hold.since for hold in before.holds}
    holds = (
        replace(hold, since=min(plan.at, known.get((hold.subject, hold.rule), plan.at)))
        if hold.since == plan.at
        else hold
        for hold in plan.holds
    )
    return replace(plan, holds=tuple(holds))


def explain(plan: Plan) -> tuple[Explanation, ...]:
    """One explanation for each thing that waits in the plan, by subject."""
    return tuple(_explanation(hold) for hold in sorted(plan.holds, key=lambda hold: (hold.subject, hold.rule)))


def _explanation(hold: Hold) -> Explanation:
    return Explanation(
        subject=hold.subject,
        rule=hold.rule,
        sentence=f"{hold.detail} ({RULES[hold.rule]})",
        since=hold.since,
        until=hold.until,
        ends="" if hold.until else ENDS[hold.rule],
        remedy=REMEDIES.get(hold.rule, ""),
    )
