"""What is told of a release that waits: by which rule, since when, until when, what is missing, and what to do."""

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import pytest
from on_its_way import (
    CAME,
    HOUR,
    R1,
    R2,
    R3,
    RUNS_ANOTHER,
    SOAK,
    UNSEEN,
    UNWELL,
    approval,
    exposed,
    failed,
    known,
    overdue,
    stages,
)
from pipeline_cases import NOW, PROD, TEST, release

from repave.model.evidence import Evidence, Exposed, RolledBack, Standing
from repave.model.gates import Freeze, Gates, Window
from repave.model.pipeline import Rule
from repave.planner.pipeline.planning import judged


class Told(NamedTuple):
    """What is to be told; it ends in these words, and the remedy holds these."""

    rule: Rule
    since: datetime
    until: datetime | None
    says: str
    remedy: str


SO_FAR = Standing(release=R2, proven={R2: CAME}, seen_at=NOW, well_since=NOW - 1.5 * HOUR)
WINDOW = Window(days=("Thu",), start="09:00", end="16:00", zone="UTC")
FROZEN = Gates(freezes=(Freeze(first="2026-01-01", last="2099-12-31"),))


@pytest.mark.parametrize(
    ("evidence", "gates", "test", "told"),
    [
        (known(revoked={R2: "CVE-9"}), Gates(), Gates(), Told(Rule.REVOKED, CAME, None, "CVE-9", "`repave patch`")),
        (
            known(failed(PROD, 3, "first"), failed(PROD, 2, "then"), failed(TEST, 30)),
            Gates(),
            Gates(),
            Told(Rule.FAILED, NOW - 2 * HOUR, None, "prod: then", "`repave deploy prod --release r2`"),
        ),
        (
            known(*(RolledBack(environment=PROD, release=R3, at=NOW - hours * HOUR) for hours in (5, 4))),
            Gates(),
            Gates(),
            Told(
                Rule.ROLLED_BACK, NOW - 4 * HOUR, None, "when r2 was there already", "`repave deploy prod --release r2`"
            ),
        ),
        (
            known(standing=Standing(release=R2)),
            Gates(),
            Gates(),
            Told(Rule.CARRIED, CAME, None, "carried r2 in good health", "`repave promote test`"),
        ),
        (
            known(failed(TEST, 4), standing=Standing(release=R2, deserted=True)),
            Gates(),
            Gates(),
            Told(Rule.CARRIED, NOW - 4 * HOUR, None, "and nobody is wanted there", "take test out of `pipeline`"),
        ),
        (
            known(failed(TEST, 4), failed(TEST, 3)),
            Gates(),
            Gates(),
            Told(Rule.CARRIED, NOW - 3 * HOUR, None, "since it failed there", "`repave explain test`"),
        ),
        (
            known(standing=RUNS_ANOTHER),
            Gates(),
            SOAK,
            Told(Rule.SOAK, CAME, None, "for 2 h, and test runs another", "`repave deploy test --release r2`"),
        ),
        (
            known(standing=UNWELL),
            Gates(),
            SOAK,
            Told(Rule.SOAK, CAME, None, "for 2 h, and is not well there", "`repave explain test`"),
        ),
        (
            known(standing=UNSEEN),
            Gates(),
            SOAK,
            Told(Rule.SOAK, CAME, None, "for 2 h, and is not well there", "`repave explain test`"),
        ),
        (
            known(standing=SO_FAR),
            Gates(),
            SOAK,
            Told(Rule.SOAK, NOW - 1.5 * HOUR, NOW + 0.5 * HOUR, "for 2 h; so far 1.5 h", ""),
        ),
        (
            known(exposed=exposed(overdue(0, 3, 3))),
            Gates(window=None, approvals=0, soak_seconds=1),
            Gates(),
            Told(
                Rule.FLAWS,
                CAME,
                None,
                "r2 has CVE-2 and 2 more, which was to be gone by 2026-03-01",
                "`repave waive CVE-2",
            ),
        ),
        (
            known(exposed=exposed(overdue(2, 0))),
            SOAK,
            Gates(),
            Told(Rule.FLAWS, CAME, None, "CVE-1 and 1 more, which was to be gone by 2026-03-02", "`repave waive CVE-1"),
        ),
        (
            known(exposed=exposed(overdue(0))),
            SOAK,
            Gates(),
            Told(Rule.FLAWS, NOW, None, "r2 has CVE-1, which was to be gone by 2026-03-04", "`repave patch`"),
        ),
        (
            known(exposed=exposed(Exposed(unknown=("osv is old", "debian is silent")))),
            SOAK,
            Gates(),
            Told(Rule.FLAWS, CAME, None, "osv is old; debian is silent", "`repave scan`"),
        ),
        (known(exposed={}), SOAK, Gates(), Told(Rule.FLAWS, CAME, None, "no scan of it is known", "`repave scan`")),
        (
            known(approval(1), approval(1, person="eve")),
            Gates(approvals=2),
            Gates(),
            Told(Rule.APPROVALS, CAME, None, "1 of 2 people have agreed (ana)", "`repave approve r2 prod --reason"),
        ),
        (
            known(approval(1, person="bob"), approval(1), authors={}),
            Gates(approvals=2),
            Gates(),
            Told(
                Rule.APPROVALS,
                CAME,
                None,
                "2 of 3 people have agreed (ana, bob); its author is not known, so one more must agree",
                "`repave approve",
            ),
        ),
        (
            known(approval(30), failed(TEST, 25)),
            Gates(approvals=1),
            Gates(),
            Told(Rule.APPROVALS, CAME, None, "0 of 1 people have agreed", "`repave approve"),
        ),
        (
            known(),
            Gates(window=WINDOW),
            Gates(),
            Told(
                Rule.WINDOW,
                CAME,
                NOW + 21 * HOUR,
                "prod is closed for releases",
                "`repave deploy prod --release r2 --emergency",
            ),
        ),
        (known(), FROZEN, Gates(), Told(Rule.WINDOW, CAME, None, "for a year and more", "--emergency")),
    ],
)
def test_it_is_told_since_when_until_when_and_what_to_do(
    evidence: Evidence, gates: Gates, test: Gates, told: Told
) -> None:
    """With the numbers that are missing, and a command that can be typed."""
    held = judged(stages(gates, test), PROD, release(2), evidence, NOW)
    assert held is not None
    assert (held.environment, held.release, held.rule) == (PROD, R2, told.rule)
    assert (held.since, held.until) == (told.since, told.until)
    assert held.detail.endswith(told.says)
    assert told.remedy in held.remedy
    assert bool(held.remedy) is bool(told.remedy)


def test_a_paused_environment_says_how_to_go_on() -> None:
    """By the command."""
    evidence = known()
    standings = {**evidence.standings, PROD: Standing(release=R1, paused_since=NOW - HOUR)}
    told = judged(stages(), PROD, release(2), replace(evidence, standings=standings), NOW)
    assert told is not None
    assert (told.rule, told.since, told.remedy) == (Rule.PAUSED, NOW - HOUR, "`repave resume prod`")


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (59, "59 s"),
        (60, "1 min"),
        (90, "1.5 min"),
        (3599, "60.0 min"),
        (3600, "1 h"),
        (5400, "1.5 h"),
        (86400, "1 d"),
        (129600, "1.5 d"),
    ],
)
def test_a_soak_is_told_as_people_say_it(seconds: float, says: str) -> None:
    """In the greatest unit that it fills."""
    test = Gates(soak_seconds=seconds)
    told = judged(stages(test=test), PROD, release(2), known(standing=UNWELL), NOW)
    assert told is not None
    assert told.detail == f"r2 is to run well in test for {says}, and is not well there"
