"""What the demo's page draws and says, from acts and answers that were made up."""

from pathlib import Path

import pytest
from demo.__main__ import in_full, in_words
from demo.report import duration, heading, write
from demo.timeline import Act, counted, latency, seconds
from demo.visitors import Answer


def act(name: str, begins: float, ends: float) -> Act:
    """One that has been told."""
    return Act(name=name, title=f"The {name}", begins=begins, ends=ends, told="It went well.")


def answer(at: float, milliseconds: float, status: int = 200) -> Answer:
    """From the first release."""
    return Answer(at=at, milliseconds=milliseconds, status=status, release="r1", failure="")


@pytest.mark.parametrize(("width", "shown"), [(200.0, "2 broken release"), (40.0, "2")])
def test_an_act_is_named_where_it_has_room(width: float, shown: str) -> None:
    """Else by its number alone, which never meets its neighbour's."""
    assert heading(2, act("broken release", 0.0, 9.0), width) == shown


@pytest.mark.parametrize(("milliseconds", "told"), [(7.4, "7 ms"), (9_999.0, "9999 ms"), (128_126.4, "128 s")])
def test_a_duration_is_told_in_the_unit_that_reads_best(milliseconds: float, told: str) -> None:
    """A slow machine's latencies stay short enough for their place."""
    assert duration(milliseconds) == told


def test_latency_is_the_median_and_what_99_of_100_stay_within() -> None:
    """One slow answer of a hundred does not hide; of nothing there is none."""
    assert latency([answer(0.0, float(took)) for took in range(101)]) == (50.0, 99.0)
    assert latency([]) == (0.0, 0.0)


def test_the_page_shows_each_act_and_what_failed(tmp_path: Path) -> None:
    """By title, with its requests; latency is drawn to its own scale."""
    acts = [act("quiet", 0.0, 2.0), act("patch", 2.0, 10.0)]
    answers = [answer(moment / 10, 20_000.0, 503 if moment == 50 else 200) for moment in range(100)]
    facts = {
        "headline": "100 requests, 1 failed",
        "lead": "A shop.",
        "figures": [{"name": "requests failed", "value": "1", "tone": "bad"}],
        "failed": 1,
        "size": 6,
        "releases": {},
        "cves": ["CVE-2026-1"],
    }
    timeline = seconds(answers, [], begins=0.0, ends=10.0)
    write(tmp_path / "report.html", facts, timeline, [counted(each, answers) for each in acts])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert all(shown in page for shown in ("The quiet", "The patch", "2 patch", "to 20 s", "<title>1 failed</title>"))
    assert '<td class="n">80<td class="n">1' in page.replace("\n", "")


def test_what_failed_is_told_with_when_and_why(tmp_path: Path) -> None:
    """Below its act: what a log of a run elsewhere holds is enough to begin with."""
    answers = [
        Answer(at=2.5, milliseconds=11.4, status=503, release="", failure="503 Service Unavailable"),
        Answer(at=3.0, milliseconds=2.0, status=302, release="r1", failure=""),
        answer(3.5, 7.0),
    ]
    patch = counted(act("patch", 2.0, 10.0), answers)
    assert (patch.asked, patch.failed) == (3, 2)
    failures = [in_full(failed, patch) for failed in patch.failures]
    assert failures == [
        "0.5 s into it, after 11 ms: 503 Service Unavailable",
        "1.0 s into it, after 2 ms: status 302",
    ]
    told = {"title": "The patch", "seconds": 8.0, "requests": 3, "failed": 2, "failures": failures}
    figures = {"acts": [told], "requests": 3, "failed": 2, "cves_closed": [], "seconds": 9.0}
    lines = in_words(figures, tmp_path).splitlines()
    assert lines[3:5] == [f"  failed {failure}" for failure in failures]
