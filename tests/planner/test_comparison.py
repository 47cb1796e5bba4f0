"""Comparing a canary with the old release: never by chance, never by too little, always when it is clear."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from repave.model.metrics import InstanceMetrics
from repave.model.names import InstanceId
from repave.planner.comparison import FEWEST_SAMPLES, compare

SHARES = st.floats(0, 1)
SECONDS = st.floats(0, 100)


def measured(samples: int, errors: float | None = 0.0, latency: float | None = 0.04) -> InstanceMetrics:
    """One instance that gave so many answers."""
    return InstanceMetrics(
        instance=InstanceId("i"), seconds=60.0, samples=samples, error_rate=errors, latency_seconds=latency
    )


def answers(most: int) -> st.SearchStrategy[InstanceMetrics]:
    """An instance that gave at most so many, of any kind."""
    return st.builds(measured, st.integers(0, most), SHARES, SECONDS)


@given(answers(FEWEST_SAMPLES - 1), answers(10**6), st.booleans())
def test_never_worse_by_too_little_traffic(
    few: InstanceMetrics,
    others: InstanceMetrics,
    swapped: bool,
) -> None:
    """Promise 13: whatever the answers are, with too few on either side nothing is called worse, nor good."""
    new, old = (others, few) if swapped else (few, others)
    said = compare([new], [old], patient=True)
    assert not said.worse, "too little traffic is called bad"
    assert "health alone" in said.told, "too little traffic is called good"
    assert not said.judged


@given(st.integers(FEWEST_SAMPLES, 10**6), st.integers(FEWEST_SAMPLES, 10**6), SHARES, SECONDS)
def test_never_worse_for_being_the_same(new: int, old: int, errors: float, latency: float) -> None:
    """The same shares and times, however many answers they stand on, are no reason to stop."""
    assert not compare([measured(new, errors, latency)], [measured(old, errors, latency)], patient=True).worse


@given(st.integers(1000, 10**6), st.integers(1000, 10**6), st.floats(0, 0.5), st.floats(0.1, 0.5))
def test_always_worse_with_clearly_more_errors(new: int, old: int, errors: float, more: float) -> None:
    """A tenth more of the answers fail, of a thousand or more: it is stopped, without waiting."""
    assert compare([measured(new, errors + more)], [measured(old, errors)], patient=False).worse


@given(st.floats(0.03, 10), st.floats(2.7, 100))
def test_always_worse_when_much_slower_and_not_before_its_time(before: float, times: float) -> None:
    """Slow first answers are forgiven until the step has had its time."""
    new, old = [measured(500, latency=before * times)], [measured(500, latency=before)]
    assert compare(new, old, patient=True).worse
    assert not compare(new, old, patient=False).worse


@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.001, 0.01, 0.05, 0.3]), st.sampled_from([120, 500, 3000]))
def test_never_worse_by_chance(seed: int, errors: float, samples: int) -> None:
    """Both sides fail alike, and each look sees other answers: chance alone stops nothing."""
    chance = Random(seed)  # noqa: S311 - a test must be repeatable

    def drawn() -> list[InstanceMetrics]:
        failed = sum(chance.random() < errors for _ in range(samples))
        return [measured(samples, failed / samples)]

    assert not compare(drawn(), drawn(), patient=True).worse


def test_what_was_not_measured_counts_for_nothing() -> None:
    """One that gave no answer, or of which nobody knows how they were, does not dilute those that did."""
    unknown = [measured(0, None), measured(400, None)]
    said = compare([measured(400, 0.2), *unknown], [measured(400)], patient=False)
    assert said.worse == "20.0 % of 400 answers failed, 0.0 % of 400 of the old"


def test_never_worse_by_what_nobody_would_notice() -> None:
    """Of a million answers each one in two hundred more failed: no chance, and no reason to go back; two are."""
    before = [measured(10**6, 0.050)]
    assert not compare([measured(10**6, 0.055)], before, patient=False).worse
    assert compare([measured(10**6, 0.061)], before, patient=False).worse


def test_never_worse_by_the_noise_of_a_release_that_failed_often() -> None:
    """Where one in ten failed before, three in twenty of a thousand may be chance; one in six and more is not."""
    before = [measured(1000, 0.10)]
    assert not compare([measured(1000, 0.15)], before, patient=False).worse
    assert compare([measured(1000, 0.17)], before, patient=False).worse
