"""How ages are told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from repave.cli.dates import ages_told
from repave.model.plan import Ages

NOW = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
AGES = Ages(
    oldest=NOW - timedelta(days=12),
    next_renewal=NOW + timedelta(days=8),
    deadline=NOW + timedelta(days=78),
    start_by=NOW + timedelta(days=77),
)


def test_ages_are_told_with_their_dates() -> None:
    """What is to come, and what is due."""
    assert ages_told(AGES, NOW) == (
        "the oldest is 12 d old; the next is replaced in 8 d; it reaches the hard limit in 78 d, "
        "for which replacing must begin in 77 d at the latest"
    )
    assert "the next is replaced now" in ages_told(replace(AGES, next_renewal=NOW - timedelta(hours=1)), NOW)
    without = replace(AGES, next_renewal=None, deadline=None, start_by=None)
    assert ages_told(without, NOW) == "the oldest is 12 d old"
    own = replace(without, limits=("max_age is 7 d by fleets.web.policy",))
    assert ages_told(own, NOW) == "the oldest is 12 d old; max_age is 7 d by fleets.web.policy"
