"""The page on the simulated world says what the tables say."""

import re
from pathlib import Path

from repave.simulation.chaos.kinds import ALL
from repave.simulation.invariants import AT_REST, OF_DEEDS, OF_THOUGHTS, PLANS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "simulation.md"


def rows() -> list[tuple[str, ...]]:
    """Every row of its tables."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    return [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines]


def test_every_kind_of_fault_is_documented() -> None:
    """By its name and in its own words."""
    documented = {(row[0].strip("`"), row[1]) for row in rows() if len(row) == 2}
    assert {(kind.name, kind.sentence) for kind in ALL} <= documented


def test_every_invariant_is_documented() -> None:
    """By its name."""
    documented = {row[0].strip("`") for row in rows()}
    assert {*OF_DEEDS, *OF_THOUGHTS, *AT_REST, PLANS} <= documented


def test_what_lies_break_is_documented() -> None:
    """Each lie with just those invariants that it may break."""
    documented = {row[0].strip("`"): set(re.findall(r"`([a-z]+)`", row[1])) for row in rows() if len(row) == 3}
    assert documented == {kind.name: set(kind.may_break) for kind in ALL if kind.may_break}
