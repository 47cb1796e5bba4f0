"""The gate of metrics: how a release answers in the environment before; no data is neither good nor bad."""

from repave.model.evidence import Measured
from repave.model.gates import MetricLimits
from repave.model.pipeline import Held, Rule
from repave.planner.pipeline.case import Case


def measured(case: Case) -> Held | None:
    """The first fleet of the environment before that does not answer well, or of which that is not known."""
    before = case.before
    limits = before.gates.metrics if before else None
    if before is None or limits is None:
        return None
    name = before.environment
    if case.standing(before).release != case.release.number:
        words = f"how {case.release} answers in {name} is not known, for {name} runs another"
        return case.held(Rule.METRICS, words, remedy=f"`repave deploy {name} --release {case.release}`")
    seen = case.evidence.measured.get((name, case.release.number), ())
    if not seen:
        words = f"how {case.release} answers in {name} was not measured"
        return case.held(Rule.METRICS, words, remedy="`repave promote` looks")
    for fleet in seen:
        if words := _unknown(fleet, limits):
            remedy = f"requests to {name}, and more looks: `repave promote`"
            return case.held(Rule.METRICS, f"how {case.release} answers in {name} is not known: {words}", remedy=remedy)
        if words := _worse(fleet, limits):
            return case.held(Rule.METRICS, f"{case.release} does not answer well in {name}: {words}")
    return None


def _unknown(fleet: Measured, limits: MetricLimits) -> str:
    """Why nothing can be said of it; empty when something can."""
    if fleet.problem:
        return fleet.problem
    if fleet.samples < limits.samples:
        return f"{fleet.samples} answers of {fleet.fleet} were measured, {limits.samples} say something"
    if limits.error_rate is not None and fleet.error_rate is None:
        return f"nobody measures errors of {fleet.fleet}"
    if limits.latency_seconds is not None and fleet.latency_seconds is None:
        return f"nobody measures how long answers of {fleet.fleet} take"
    return ""


def _worse(fleet: Measured, limits: MetricLimits) -> str:
    """Which limit it is above; empty for none."""
    share, most = fleet.error_rate, limits.error_rate
    if share is not None and most is not None and share > most:
        return f"{100 * share:.2f} % of {fleet.samples} answers of {fleet.fleet} failed, {100 * most:g} % may"
    slow, slowest = fleet.latency_seconds, limits.latency_seconds
    if slow is not None and slowest is not None and slow > slowest:
        return f"answers of {fleet.fleet} take {1000 * slow:.0f} ms, {1000 * slowest:.0f} ms they may"
    return ""
