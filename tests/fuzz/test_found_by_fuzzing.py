"""What fuzzing once found stays found: every input that crashed a reader, and what it began with, is tried again."""

from pathlib import Path

import pytest
from fuzz_targets import TARGETS, Target, target_of

INPUTS = sorted(path for path in (Path(__file__).parent / "inputs").rglob("*") if path.is_file())

TRIES = 300
"""Places for each target."""


def title(path: Path) -> str:
    """Target and name."""
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", INPUTS, ids=title)
def test_no_input_that_crashed_crashes_again(path: Path) -> None:
    """The reader takes it, or says in its own words what is wrong."""
    target_of(path.parent.name).run(path.read_bytes())


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_every_target_takes_its_seeds_and_their_beginnings(target: Target) -> None:
    """Whole, cut off, and with a byte changed, in as many places as there is time for."""
    seeds = list(target.seeds())
    for seed in seeds:
        step = max(1, len(seed) * len(seeds) // TRIES)
        for end in range(0, len(seed) + 1, step):
            target.run(seed[:end])
            target.run(seed[:end] + b"\xff" + seed[end + 1 :])
