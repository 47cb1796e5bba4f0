"""The gates: each looks at one release before one environment, and answers what it holds it by, or nothing."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from repave.model.evidence import Approval, Exposed, Failed, RolledBack, Soaked, Waiver
from repave.model.names import EnvironmentName, PersonName
from repave.model.pipeline import Held, Rule
from repave.planner.pipeline.case import Case, lasting
from repave.planner.pipeline.checks import checked
from repave.planner.pipeline.metrics import measured
from repave.planner.pipeline.windows import Calendar

EMERGENCY_SOAK = 0.1
"""Of a soak, in the emergency lane: what dies at once is still seen."""


def _revoked(case: Case) -> Held | None:
    why = case.evidence.revoked.get(case.release.number)
    if why is None:
        return None
    return case.held(Rule.REVOKED, f"{case.release} is revoked: {why}", remedy="bake another: `repave patch`")


def _failed(case: Case) -> Held | None:
    aimed = (case.stage.environment, case.release.number)
    failures = [one for one in case.unanswered(Failed) if (one.environment, one.release) == aimed]
    if not failures:
        return None
    return case.held(
        Rule.FAILED,
        f"{case.release} failed in {case.stage.environment}: {failures[-1].detail}",
        since=failures[-1].at,
        remedy=f"mend it and bake; or one more try: `repave deploy {case.stage.environment} --release {case.release}`",
    )


def _rolled_back(case: Case) -> Held | None:
    returns = [
        one
        for one in case.unanswered(RolledBack)
        if one.environment == case.stage.environment and one.release >= case.release.number
    ]
    if not returns:
        return None
    return case.held(
        Rule.ROLLED_BACK,
        f"{case.stage.environment} was rolled back by a person when {case.release} was there already",
        since=returns[-1].at,
        remedy=f"`repave deploy {case.stage.environment} --release {case.release}` names it anew",
    )


def _carried(case: Case) -> Held | None:
    if case.before is None:
        return None
    name, standing = case.before.environment, case.standing(case.before)
    proven = standing.proven.get(case.release.number)
    failed = max((one.at for one in case.failures if one.environment == name), default=None)
    if proven is not None and (failed is None or failed < proven):
        return None
    words = f"{name} has not carried {case.release} in good health{' since it failed there' if failed else ''}"
    if standing.deserted:
        remedy = f"give a fleet of {name} a size and `repave deploy {name}`; or take {name} out of `pipeline`"
        return case.held(Rule.CARRIED, f"{words}, and nobody is wanted there", since=failed, remedy=remedy)
    return case.held(
        Rule.CARRIED,
        words,
        since=failed,
        remedy=f"`repave promote {name}`; `repave explain {name}` says what its fleets wait for",
    )


def _soaked(case: Case) -> Held | None:
    if case.before is None or not case.before.gates.soak_seconds:
        return None
    name, standing = case.before.environment, case.standing(case.before)
    needed = timedelta(seconds=case.before.gates.soak_seconds * (EMERGENCY_SOAK if case.emergency else 1))
    if any(one.at - one.since >= needed for one in _unbroken_soaks(case, name)):
        return None
    words = f"{case.release} is to run well in {name} for {lasting(needed)}"
    if standing.release != case.release.number:
        return case.held(
            Rule.SOAK, f"{words}, and {name} runs another", remedy=f"`repave deploy {name} --release {case.release}`"
        )
    if standing.well_since is None or standing.seen_at is None:
        return case.held(Rule.SOAK, f"{words}, and is not well there", remedy=f"`repave explain {name}` says why")
    if standing.seen_at - standing.well_since >= needed:
        return None
    lasted = lasting(standing.seen_at - standing.well_since)
    return case.held(
        Rule.SOAK, f"{words}; so far {lasted}", since=standing.well_since, until=standing.well_since + needed
    )


def _unbroken_soaks(case: Case, environment: EnvironmentName) -> Iterator[Soaked]:
    """Those after which the release has not failed there."""
    failed = max((one.at for one in case.failures if one.environment == environment), default=None)
    for soak in case.records(Soaked):
        here = soak.environment == environment and soak.release == case.release.number
        if here and (failed is None or soak.since >= failed):
            yield soak


def _flawed(case: Case) -> Held | None:
    """Only what is new: a release that has fewer overdue flaws than what runs, and no other, is the cure.

    What is waived counts on neither side: leaving a flaw behind that nobody minds makes up for none.
    """
    environment = case.stage.environment
    if not case.stage.gates.declared:
        return None
    exposed = case.evidence.exposed.get(
        (environment, case.release.number), Exposed(unknown=("no scan of it is known",))
    )
    if exposed.unknown and case.stage.gates.unknown_holds:
        return case.held(
            Rule.FLAWS,
            f"whether {case.release} has flaws past their deadline is not known: {'; '.join(exposed.unknown)}",
            remedy="`repave scan` says what could not be read",
        )
    waived = {one.flaw for one in case.records(Waiver) if one.at <= case.now < one.until}
    overdue = {one.flaw: one.due for one in exposed.overdue if one.flaw not in waived}
    if not overdue or set(overdue) < _overdue_here(case) - waived:
        return None
    first = min(overdue, key=lambda flaw: (overdue[flaw], flaw))
    more = f" and {len(overdue) - 1} more" if len(overdue) > 1 else ""
    return case.held(
        Rule.FLAWS,
        f"{case.release} has {first}{more}, which was to be gone by {overdue[first]:%Y-%m-%d}",
        since=max(case.arrived, overdue[first]),
        remedy=f"`repave patch`; or a person answers for it: `repave waive {first} --until 7d --reason ...`",
    )


def _overdue_here(case: Case) -> frozenset[str]:
    """What the environment runs in spite of its deadline; empty where nothing runs or nothing is known."""
    present = case.standing(case.stage).release
    known = None if present is None else case.evidence.exposed.get((case.stage.environment, present))
    return frozenset(one.flaw for one in known.overdue) if known else frozenset()


def _approved(case: Case) -> Held | None:
    gates = case.stage.gates
    if not gates.approvals:
        return None
    authors = case.evidence.authors.get((case.stage.environment, case.release.number))
    needed = gates.approvals + (authors is None)
    agreed = _agreed(case) - (authors or frozenset())
    if len(agreed) >= needed:
        return None
    unknown = "; its author is not known, so one more must agree" if authors is None else ""
    who = f" ({', '.join(sorted(agreed))})" if agreed else ""
    last = case.last_failure
    return case.held(
        Rule.APPROVALS,
        f"{len(agreed)} of {needed} people have agreed{who}{unknown}",
        since=max(case.arrived, last) if last else None,
        remedy=f"`repave approve {case.release} {case.stage.environment} --reason ...`",
    )


def _agreed(case: Case) -> frozenset[PersonName]:
    """Whose approval counts: not too old, and given after the release last failed anywhere."""
    last, lasts = case.last_failure, timedelta(seconds=case.stage.gates.approval_seconds)
    return frozenset(
        one.person
        for one in case.records(Approval)
        if (one.environment, one.release) == (case.stage.environment, case.release.number)
        and one.at <= case.now < one.at + lasts
        and (last is None or one.at > last)
    )


def _open(case: Case) -> Held | None:
    environment = case.stage.environment
    calendar = Calendar(gates=case.stage.gates, holidays=case.evidence.holidays.get(environment, frozenset()))
    if case.emergency or calendar.open_at(case.now):
        return None
    opens = calendar.opens_after(case.now)
    return case.held(
        Rule.WINDOW,
        f"{environment} is closed for releases" + ("" if opens else ", for a year and more"),
        until=opens,
        remedy=f"`repave deploy {environment} --release {case.release} --emergency REASON` does not wait",
    )


def _paused(case: Case) -> Held | None:
    since = case.standing(case.stage).paused_since
    if since is None:
        return None
    name = case.stage.environment
    return case.held(Rule.PAUSED, f"{name} is paused", since=since, remedy=f"`repave resume {name}`")


GATES: tuple[Callable[[Case], Held | None], ...] = (
    _revoked,
    _failed,
    _rolled_back,
    _carried,
    checked,
    _soaked,
    measured,
    _flawed,
    _approved,
    _open,
    _paused,
)
"""In this order: what only another release can mend stands before what people and time can."""


def held_by(case: Case) -> Held | None:
    """The first gate that holds the release; None when it may enter."""
    return next((held for gate in GATES if (held := gate(case)) is not None), None)
