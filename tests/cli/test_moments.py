"""Moments a person names."""

from datetime import UTC, datetime, timedelta

import pytest

from repave.cli.moments import moment, past_moment
from repave.operations.errors import Refused

NOW = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("2h", NOW + timedelta(hours=2)),
        ("3d", NOW + timedelta(days=3)),
        ("2026-03-02T20:30+01:00", NOW + timedelta(minutes=90)),
        ("2026-03-02T19:00Z", NOW + timedelta(hours=1)),
    ],
)
def test_so_long_or_a_time_with_its_zone(text: str, then: datetime) -> None:
    """In UTC."""
    assert moment("--until", text, NOW) == then


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("2hours", "--until 2hours: expected a duration such as 2h, or a time with its zone", "did you mean `2h`?"),
        ("soon", "--until soon: expected a duration such as 2h, or a time with its zone", ""),
        ("2026-03-02T19:00", "--until 2026-03-02T19:00: expected", "did you mean `2026-03-02T19:00Z`?"),
        ("2026-12-31", "--until 2026-12-31: expected", "did you mean `2026-12-31T23:59Z`?"),
        ("20261231", "--until 20261231: expected", "did you mean `20261231T23:59Z`?"),
        ("2026-03-02T18:30+01:00", "--until 2026-03-02T18:30+01:00 is over", "it is 2026-03-02T18:00Z now"),
        ("0s", "--until 0s: expected", ""),
        ("9999-12-31T23:59:59-14:00", "--until 9999-12-31T23:59:59-14:00: expected", ""),
    ],
)
def test_anything_else_is_refused_with_what_was_meant(text: str, message: str, hint: str) -> None:
    """Nothing is guessed: a time without a zone is nobody's."""
    with pytest.raises(Refused) as refused:
        moment("--until", text, NOW)
    assert refused.value.message.startswith(message)
    assert refused.value.hint == hint


@pytest.mark.parametrize("text", ["2026-12-31", "20261231", "2026-W53-4", "2026-03-02T19:00", "2026-03-02 19"])
def test_what_is_meant_is_taken(text: str) -> None:
    """The proposal is no other mistake."""
    with pytest.raises(Refused) as refused:
        moment("--until", text, NOW)
    assert refused.value.hint is not None
    assert moment("--until", refused.value.hint.split("`")[1], NOW) > NOW


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "last week"])
def test_a_past_beyond_the_calendar_is_refused(text: str) -> None:
    """As any other text that names no time."""
    with pytest.raises(Refused, match=r"expected a day such as 2026-03-01"):
        past_moment("--at", text)
