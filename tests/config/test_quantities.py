"""How quantities are written."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repave.config import quantities, words
from repave.config.problems import Unfit
from repave.config.quantities import SizeRange
from repave.model.amount import Amount
from repave.model.gates import Window

ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.lists(st.integers(), max_size=2)
)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("2s", 2), ("1m", 60), ("1.5h", 5400), ("30d", 2592000), ("2w", 1209600), ("250ms", 0.25)],
)
def test_durations(written: str, seconds: float) -> None:
    """A number and a unit."""
    assert quantities.duration_seconds(written) == seconds


@pytest.mark.parametrize(
    "written", ["", "s", "5", "-1s", "5 s", "1h30m", "1e3s", "nan", "9999999d", "2S", "2s\n", "\u0665s"]
)
def test_durations_refused(written: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(Unfit):
        quantities.duration_seconds(written)


def test_amounts_sizes_and_memory() -> None:
    """Counts, shares, ranges, bytes."""
    assert quantities.amount(2) == Amount(value=2)
    assert quantities.amount("25%") == Amount(value=25, percent=True)
    assert quantities.size(0) == SizeRange(lowest=0, highest=0)
    assert quantities.size("6..20") == SizeRange(lowest=6, highest=20)
    assert quantities.memory_bytes("256MiB") == 268435456
    assert quantities.memory_bytes("1.5GB") == 1500000000


def test_windows_name_days_hours_and_a_zone() -> None:
    """Ranges of days, single days, a range over Sunday."""
    week = quantities.window("Mon-Fri 09:00-16:00 Europe/Prague")
    assert week == Window(days=("Mon", "Tue", "Wed", "Thu", "Fri"), start="09:00", end="16:00", zone="Europe/Prague")
    assert quantities.window("Sat,Mon 22:00-04:00 UTC").days == ("Mon", "Sat")
    assert quantities.window("Sat-Mon 22:00-04:00 UTC").days == ("Mon", "Sat", "Sun")


def refusal(reader: Callable[[object], object], value: object) -> Unfit | None:
    """Why a reader refuses a value; None when it reads it."""
    try:
        reader(value)
    except Unfit as unfit:
        return unfit
    return None


READERS: tuple[Callable[[object], object], ...] = (
    quantities.duration_seconds,
    quantities.positive_duration_seconds,
    quantities.amount,
    quantities.size,
    quantities.memory_bytes,
    quantities.listen_address,
    quantities.window,
    quantities.cpus,
    words.label,
    words.release,
    words.debian_package,
    words.requirement,
    words.user,
    words.health_path,
    words.source_path,
    words.target_path,
    words.command,
    words.secret_reference,
    words.text,
)


@given(ANYTHING)
def test_no_value_of_a_file_ever_breaks_a_reader(value: object) -> None:
    """Whoever reads it: a value is read or refused in words; there is no third way."""
    for reader in READERS:
        unfit = refusal(reader, value)
        assert unfit is None or unfit.expected, reader


@given(st.text(alphabet="abcz019-", min_size=1, max_size=45))
def test_a_nearest_name_is_a_right_one(name: str) -> None:
    """What we propose we also accept."""
    unfit = refusal(words.label, name)
    assert unfit is None or not unfit.nearest or words.label(unfit.nearest) == unfit.nearest
