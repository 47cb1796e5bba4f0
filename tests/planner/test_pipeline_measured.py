"""The gates that ask what was measured of a release where it runs: checks that passed on it, and how it answers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pipeline_cases import OTHER, PROD, SMOKE, TEST, WHAT, release, situation, two

from repave.model.evidence import Checked, Evidence, Failed, Measured, Record, Request
from repave.model.gates import Gates, MetricLimits
from repave.model.names import FleetName, ReleaseNumber
from repave.model.pipeline import Enter, PipelinePlan, Rule, Stage
from repave.planner.check import UnsafePlan
from repave.planner.pipeline.checking import check
from repave.planner.pipeline.checks import due
from repave.planner.pipeline.planning import judged

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
R1, R2 = ReleaseNumber(1), ReleaseNumber(2)


def lets_in(pipeline: tuple[Stage, ...], evidence: Evidence) -> bool:
    """Whether the checker, which shares no code with the planner, finds nothing wrong with r2 in prod."""
    enter = Enter(environment=PROD, release=R2, skipped=())
    try:
        check(PipelinePlan(at=NOW, entering=(enter,)), pipeline, (release(2),), evidence, NOW)
    except UnsafePlan:
        return False
    return True


def test_a_release_goes_on_by_checks_that_passed_on_it_as_they_are_now_lately_and_while_it_was_well() -> None:
    """Whatever else became of one, it is run again; an emergency waits for it too."""
    pipeline = two(test=Gates(checks=(SMOKE,), check_seconds=7200))
    passed = Checked(
        environment=TEST, release=R2, check="smoke.sh", what=WHAT, passed=True, detail="", log=OTHER, at=NOW - HOUR
    )
    evidence = replace(situation(test=2, prod=1), checks={(TEST, "smoke.sh"): WHAT})
    waits_since: dict[str, datetime] = {}

    def after(*records: Record, **known: object) -> str:
        known_then = replace(evidence, records=records, **known)  # type: ignore[arg-type] # a test's own words
        held = judged(pipeline, PROD, release(2), known_then, NOW)
        assert held is None or (held.rule is Rule.CHECKS and "`repave " in held.remedy)
        assert lets_in(pipeline, known_then) is (held is None)
        if held:
            waits_since[held.detail] = held.since
        ill = known_then.standings[TEST].well_since is None
        assert (held is None) is (not ill and not due(pipeline[0], release(2), known_then, NOW))
        return held.detail if held else ""

    assert after() == "smoke.sh has not been run on r2 in test"
    assert after(passed) == ""
    assert after(replace(passed, release=R1)) == after()
    assert after(replace(passed, environment=PROD)) == after()
    failed = replace(passed, passed=False, detail="exit code 1", at=NOW)
    assert after(passed, failed) == "smoke.sh failed on r2 in test: exit code 1"
    assert after(failed, passed) == ""
    assert after(replace(passed, what=OTHER)) == "smoke.sh is not what passed on r2 in test"
    assert after(replace(passed, at=NOW - 2 * HOUR)).endswith("too long ago: it counts for 2 h")
    anew = replace(evidence.standings[TEST], well_since=NOW - 0.5 * HOUR)
    standings = {**evidence.standings, TEST: anew}
    assert after(passed, standings=standings).endswith("before it began to be well anew")
    assert after(replace(passed, at=NOW - 0.5 * HOUR), standings=standings) == ""
    ill = {**standings, TEST: replace(anew, well_since=None)}
    assert after(passed, standings=ill) == "checks of r2 want test to be well, and it is not"
    gone_on = {**standings, TEST: replace(anew, release=ReleaseNumber(3))}
    assert after(passed, standings=gone_on) == ""
    broke = Failed(environment=TEST, release=R2, at=NOW - 0.5 * HOUR, detail="it crashed")
    again = {**gone_on, TEST: replace(gone_on[TEST], proven={R2: NOW})}
    assert after(passed, broke, standings=again).endswith("before it began to be well anew")
    urgent = Request(environment=PROD, release=R2, at=NOW, emergency="orders are lost")
    assert after(urgent) == after()
    assert {detail.partition(" in test")[0]: NOW - since for detail, since in waits_since.items() if since < NOW} == {
        "smoke.sh has not been run on r2": 72 * HOUR,
        "checks of r2 want test to be well, and it is not": 72 * HOUR,
        "smoke.sh is not what passed on r2": HOUR,
        "smoke.sh passed on r2": 0.5 * HOUR,
    }


def test_a_release_goes_on_when_it_is_known_to_answer_well_and_no_data_is_neither_good_nor_bad() -> None:
    """Within each limit that is set, by enough answers, while the environment runs it; who knows nothing waits."""
    pipeline = two(test=Gates(metrics=MetricLimits(error_rate=0.01, latency_seconds=0.3, samples=100)))
    good = Measured(fleet=FleetName("web"), samples=100, error_rate=0.01, latency_seconds=0.3)

    def told(*fleets: Measured, test: int = 2) -> str:
        evidence = replace(situation(test=test, prod=1, proven=(2, 3)), measured={(TEST, R2): fleets})
        held = judged(pipeline, PROD, release(2), evidence, NOW)
        assert held is None or held.rule is Rule.METRICS
        assert lets_in(pipeline, evidence) is (held is None)
        return held.detail.partition(": ")[2] or held.detail if held else ""

    assert told(good) == told(good, good) == ""
    assert told() == "how r2 answers in test was not measured"
    assert told(good, test=3) == "how r2 answers in test is not known, for test runs another"
    assert told(good, replace(good, samples=99)) == "99 answers of web were measured, 100 say something"
    assert told(replace(good, problem="no answer")) == "no answer"
    assert told(replace(good, error_rate=None)) == "nobody measures errors of web"
    assert told(replace(good, latency_seconds=None)) == "nobody measures how long answers of web take"
    assert told(replace(good, error_rate=0.02)) == "2.00 % of 100 answers of web failed, 1 % may"
    assert told(replace(good, latency_seconds=0.31)) == "answers of web take 310 ms, 300 ms they may"
