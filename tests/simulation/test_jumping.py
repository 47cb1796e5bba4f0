"""A controller that rests until something changes does what one does that looks every second.

So quiet days cost nothing, and `wake_at` is honest: a plan that needed a look it did not ask for would be told late.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from repave.simulation.chaos.kinds import KINDS
from repave.simulation.theatre import Script, Theatre
from repave.wiring.simulating import cast

TOLD_BY_IT = tuple(kind for kind in KINDS.values() if kind.name != "clock")
"""Stories are told by the controller's own clock, so those of a clock that jumps cannot be compared to the second."""

SHORT = Script(instances=6, days=0.02, haste=8, bound=timedelta(minutes=15), kinds=TOLD_BY_IT)
"""Half an hour, and everything in it eight times as fast."""


def story(script: Script, *, jumping: bool) -> tuple[list[str], int]:
    """What was recorded, and how many ticks it took."""
    theatre = Theatre(script=script, casts=cast, jumping=jumping)
    theatre.play()
    events = theatre.stage.store.events(limit=100_000)
    return [f"{event.at:%H:%M:%S} {event.kind}: {event.message}" for event in events], theatre.watch.thoughts


@pytest.mark.parametrize("seed", range(4))
def test_jumping_changes_nothing(seed: int) -> None:
    """Whatever kind of fault comes, the story is the same to the second, at a fraction of the ticks."""
    script = replace(SHORT, seed=seed)
    jumped, few = story(script, jumping=True)
    looked, many = story(script, jumping=False)
    assert jumped == looked
    assert few * 20 < many


def test_a_quiet_month_costs_nothing() -> None:
    """Thirty days without a fault take no more ticks than the first deploy."""
    _, ticks = story(Script(instances=60, days=30, kinds=()), jumping=True)
    assert ticks < 20


def test_the_same_seed_is_the_same_story() -> None:
    """A run is replayed by its script alone."""
    script = replace(SHORT, seed=5, controllers=2)
    assert story(script, jumping=True) == story(script, jumping=True)


def test_every_kind_of_fault_is_named_once() -> None:
    """People choose kinds by their names."""
    assert all(name == kind.name and kind.sentence for name, kind in KINDS.items())
    assert len(KINDS) > 30
