"""Counters looked at now and then: what they say of a window, and what they do not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repave.measuring.growth import LOOKS_PER_WINDOW, Look, growth, kept
from repave.measuring.looks import Looks
from repave.model.names import EnvironmentName, FleetKey, FleetName, ProjectName
from repave.ports.errors import Unreachable

BEGINNING = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
WEB = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))


def look(second: float, **values: float) -> Look:
    """One counter for each instance."""
    return Look(
        at=BEGINNING + timedelta(seconds=second), counters={name: {"asked": value} for name, value in values.items()}
    )


def grown(*looks: Look, instance: str = "a") -> tuple[float, float] | None:
    """By how much, and in how many seconds."""
    found = growth(looks, instance)
    return (found.counters["asked"], found.seconds) if found else None


def test_a_rate_needs_two_looks() -> None:
    """One look, or looks that did not see the instance, know nothing: not even that nothing happened."""
    assert grown() is None
    assert grown(look(0, a=7)) is None
    assert grown(look(0, b=7), look(5, a=7)) is None
    assert grown(look(0, a=7), look(0, a=7)) is None


def test_what_happened_between_the_looks_is_summed() -> None:
    """Nothing at all is 0, and is known; a look that missed the instance changes nothing."""
    assert grown(look(0, a=7), look(5, a=7)) == (0, 5)
    assert grown(look(0, a=7), look(5), look(10, a=19)) == (12, 10)


def test_a_counter_that_begins_anew_is_never_taken_back() -> None:
    """A process that was started again counts from zero: what it has counted by then came on top."""
    assert grown(look(0, a=100), look(5, a=110), look(10, a=4), look(15, a=6)) == (16, 15)


def test_a_counter_that_is_new_counts_from_zero() -> None:
    """A source that learns to count something has counted nothing of it before."""
    first = Look(at=BEGINNING, counters={"a": {}})
    assert grown(first, look(5, a=3)) == (3, 5)


@given(
    gaps=st.lists(st.floats(0, 30), min_size=1, max_size=200),
    window=st.sampled_from([1.0, 60.0, 600.0]),
)
def test_few_looks_are_kept_and_they_span_the_window(gaps: list[float], window: float) -> None:
    """However often one looks: so many are kept, none older than the window, and they reach back as far as they can."""
    looks: tuple[Look, ...] = ()
    second = 0.0
    for gap in gaps:
        second += gap
        looks = kept(looks, look(second, a=second), window_seconds=window)
    times = [one.at for one in looks]
    assert times == sorted(times)
    assert len(looks) <= LOOKS_PER_WINDOW + 3
    assert times[-1] - times[0] <= timedelta(seconds=window)
    oldest = max(0.0, second - window)
    spared = max(gaps) + window / LOOKS_PER_WINDOW
    assert (times[0] - BEGINNING).total_seconds() <= oldest + spared + gaps[0]


def test_a_clock_that_was_set_back_forgets_the_future() -> None:
    """Looks of a time that has not come yet say nothing about now."""
    assert kept((look(100, a=1),), look(50, a=2), window_seconds=60) == (look(50, a=2),)


def test_looks_are_kept_for_the_next_process(tmp_path: Path) -> None:
    """Another process of the same folder goes on where this one was; other fleets have looks of their own."""
    Looks(tmp_path).add(WEB, look(0, a=1), window_seconds=60)
    assert Looks(tmp_path).add(WEB, look(5, a=4), window_seconds=60) == (look(0, a=1), look(5, a=4))
    other = FleetKey(project=WEB.project, environment=WEB.environment, fleet=FleetName("worker"))
    assert Looks(tmp_path).add(other, look(6), window_seconds=60) == (look(6),)
    Looks(tmp_path).forget(WEB)
    assert Looks(tmp_path).add(WEB, look(7, a=5), window_seconds=60) == (look(7, a=5),)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"format": 1}', '{"format": 1, "looks": [{"at": "now"}]}'])
def test_what_cannot_be_read_is_looked_at_anew(tmp_path: Path, content: str) -> None:
    """A spoilt file costs two looks, and no error."""
    looks = Looks(tmp_path)
    looks.add(WEB, look(0, a=1), window_seconds=60)
    [file] = tmp_path.iterdir()
    file.write_text(content, encoding="utf-8")
    assert looks.add(WEB, look(5, a=4), window_seconds=60) == (look(5, a=4),)


def test_where_nothing_can_be_written_that_is_said(tmp_path: Path) -> None:
    """The error names the fleet and the file."""
    place = tmp_path / "taken"
    place.write_text("a file, not a folder", encoding="utf-8")
    with pytest.raises(Unreachable, match="what was counted of shop/test/web cannot be kept") as refused:
        Looks(place).add(WEB, look(0, a=1), window_seconds=60)
    assert str(place) in refused.value.hint


def test_a_reader_that_looks_back_further_is_not_disturbed_by_others(tmp_path: Path) -> None:
    """Who asks for a minute forgets what is older, for itself; what is removed is forgotten for all."""
    looks = Looks(tmp_path)
    slow = Looks(tmp_path, "-slow")
    for second in range(0, 301, 50):
        latest = look(second, a=second)
        brief, long = looks.add(WEB, latest, window_seconds=60), slow.add(WEB, latest, window_seconds=600)
    assert grown(*brief) == (50, 50)
    assert grown(*long) == (300, 300)
    looks.forget(WEB)
    assert slow.add(WEB, look(350, a=1), window_seconds=600) == (look(350, a=1),)
    assert len(list(tmp_path.iterdir())) == 1
