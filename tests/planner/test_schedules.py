"""Sizes by the clock: which is in force, and when the next one comes, also when clocks are put forward and back."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from repave.model.scaling import ScheduledSize
from repave.planner.schedules import in_force, next_time

PRAGUE = ZoneInfo("Europe/Prague")
UTC_ZONE = ZoneInfo("UTC")


def at(text: str) -> datetime:
    """A moment of Prague's clock; the first of two."""
    return datetime.fromisoformat(text).replace(tzinfo=PRAGUE).astimezone(UTC)


def entry(cron: str, size: int = 5, zone: ZoneInfo = PRAGUE) -> ScheduledSize:
    """One of a schedule."""
    return ScheduledSize(cron=cron, time_zone=zone, size=size)


def since(schedule: tuple[ScheduledSize, ...], now: datetime) -> tuple[int, datetime] | None:
    """The size in force, and since when."""
    found = in_force(schedule, now)
    return (found.scheduled.size, found.since) if found else None


def test_the_time_itself_belongs_to_what_it_brings() -> None:
    """To the second, and whatever its fractions."""
    eight = (entry("0 8 * * *"),)
    assert since(eight, at("2026-03-02T07:59:59.999999")) == (5, at("2026-03-01T08:00"))
    assert since(eight, at("2026-03-02T08:00")) == (5, at("2026-03-02T08:00"))
    assert since(eight, at("2026-03-02T08:00:00.000001")) == (5, at("2026-03-02T08:00"))
    assert next_time(eight, at("2026-03-02T07:59:59")) == at("2026-03-02T08:00")
    assert next_time(eight, at("2026-03-02T08:00")) == at("2026-03-03T08:00")


def test_of_two_at_one_time_the_larger_counts() -> None:
    """In whatever order they stand; else the later one, whatever its size."""
    both = (entry("0 8 * * *", 9), entry("0 8 * * Mon", 4))
    assert (
        since(both, at("2026-03-02T09:00")) == since(both[::-1], at("2026-03-02T09:00")) == (9, at("2026-03-02T08:00"))
    )
    later = (entry("0 8 * * *", 9), entry("30 8 * * *", 4))
    assert since(later, at("2026-03-02T09:00")) == (4, at("2026-03-02T08:30"))


def test_a_clock_that_is_put_forward_skips_no_time() -> None:
    """On 29 March 2026 Prague has no 2:30: what was scheduled for it is in force right after."""
    night = (entry("30 2 * * *"),)
    assert next_time(night, at("2026-03-29T01:59")) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert since(night, at("2026-03-29T03:10")) == (5, datetime(2026, 3, 29, 1, 0, tzinfo=UTC))


def test_a_clock_that_is_put_back_brings_a_time_once() -> None:
    """On 25 October 2026 Prague has 2:30 twice: it counts once, and order is that of true time."""
    night = (entry("30 2 * * *"),)
    once = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert next_time(night, once - timedelta(hours=1)) == once
    assert next_time(night, once) == at("2026-10-26T02:30")


def test_each_entry_has_its_own_clock() -> None:
    """Eight in Prague is seven in UTC, in winter."""
    two = (entry("0 8 * * *", 6), entry("30 7 * * *", 3, UTC_ZONE))
    assert since(two, at("2026-03-02T08:10")) == (6, at("2026-03-02T08:00"))
    assert since(two, at("2026-03-02T08:40")) == (3, at("2026-03-02T08:30"))


def test_without_a_schedule_nothing_is_in_force() -> None:
    """And nothing comes."""
    assert (in_force((), at("2026-03-02T08:10")), next_time((), at("2026-03-02T08:10"))) == (None, None)


@given(
    st.sampled_from(["0 8 * * Mon-Fri", "*/7 * * * *", "30 2 * * *", "15 3 1,15 * *", "0 0 29 2 *", "0 12 L * *"]),
    st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1)),  # noqa: DTZ001 - hypothesis adds the zone itself
)
def test_nothing_comes_between_what_is_in_force_and_what_is_next(cron: str, naive: datetime) -> None:
    """What is in force began before, what is next comes after, and right then it is in force."""
    now, schedule = naive.replace(tzinfo=UTC), (entry(cron),)
    coming = next_time(schedule, now)
    assert coming is not None
    assert coming > now
    assert since(schedule, coming) == (5, coming)
    before = since(schedule, now)
    if before is not None:
        assert before[1] <= now
        assert next_time(schedule, before[1]) == coming
