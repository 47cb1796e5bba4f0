"""The gate of checks: what was tried on a release in the environment before, and still counts."""

from datetime import datetime, timedelta

from repave.model.evidence import Checked, Evidence
from repave.model.pipeline import Held, Rule, Stage
from repave.model.release import Release
from repave.planner.pipeline.case import Case, lasting


def checked(case: Case) -> Held | None:
    """Every check of the environment before; the first that does not count is told."""
    before = case.before
    if before is None or not before.gates.checks:
        return None
    name, standing = before.environment, case.standing(before)
    if standing.release == case.release.number and standing.well_since is None:
        words = f"checks of {case.release} want {name} to be well, and it is not"
        return case.held(Rule.CHECKS, words, remedy=f"`repave explain {name}` says why")
    return next((held for check in before.gates.checks if (held := _uncounted(case, before, check.name))), None)


def due(stage: Stage, release: Release, evidence: Evidence, now: datetime) -> frozenset[str]:
    """Names of the checks of an environment whose last run on a release does not count, if there was one."""
    case = Case(stage=stage, before=stage, release=release, evidence=evidence, now=now)
    return frozenset(check.name for check in stage.gates.checks if _uncounted(case, stage, check.name))


def _uncounted(case: Case, before: Stage, check: str) -> Held | None:
    """What keeps the check's last run on the release from counting; None when it counts."""
    name, standing = before.environment, case.standing(before)
    runs = [one for one in case.records(Checked) if (one.environment, one.check) == (name, check)]
    last = next((one for one in reversed(runs) if one.release == case.release.number), None)
    here = standing.release == case.release.number
    again = "`repave promote` runs it" if here else f"`repave deploy {name} --release {case.release}` brings it back"
    where, lasts = f"{case.release} in {name}", timedelta(seconds=before.gates.check_seconds)
    if last is None:
        return case.held(Rule.CHECKS, f"{check} has not been run on {where}", remedy=again)
    if not last.passed:
        remedy = f"{again} again; `repave logs {name} --check {check}` shows all that it printed"
        return case.held(Rule.CHECKS, f"{check} failed on {where}: {last.detail}", since=last.at, remedy=remedy)
    if case.evidence.checks.get((name, check)) != last.what:
        return case.held(Rule.CHECKS, f"{check} is not what passed on {where}", since=last.at, remedy=again)
    if case.now - last.at >= lasts:
        words = f"{check} passed on {where} too long ago: it counts for {lasting(lasts)}"
        return case.held(Rule.CHECKS, words, since=last.at + lasts, remedy=again)
    breaks = [one.at for one in case.failures if one.environment == name]
    began = max([*breaks, *([standing.well_since] if here and standing.well_since else [])], default=last.at)
    if last.at < began:
        words = f"{check} passed on {where} before it began to be well anew"
        return case.held(Rule.CHECKS, words, since=began, remedy=again)
    return None
