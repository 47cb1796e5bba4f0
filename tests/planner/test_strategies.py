"""Each strategy by itself: whatever is asked, it neither asks for too much nor for less than nothing."""

from dataclasses import replace

from chooser import Chooser, choosers
from hypothesis import given
from hypothesis import strategies as st

from repave.planner.strategies import STRATEGIES
from repave.planner.strategies.move import Move

COUNTS = range(13)
MOVE_DIGITS = 11
"""As many as all choices of a move take."""


def moves() -> st.SearchStrategy[Move]:
    """Any fleet on its way, with numbers that go together."""
    return choosers(MOVE_DIGITS).map(move_of)


def move_of(chooser: Chooser) -> Move:
    """The move of these choices."""
    size, old_serving, new_serving = chooser.of(COUNTS), chooser.of(COUNTS), chooser.of(COUNTS)
    new_ready = new_serving + chooser.of(COUNTS)
    new, old = new_ready + chooser.of(COUNTS), old_serving + chooser.of(COUNTS)
    return Move(
        size=size,
        floor=chooser.of(range(size + 1)),
        most=chooser.of(range(size + 1)),
        surge=chooser.of(COUNTS),
        new=new,
        new_ready=new_ready,
        new_serving=new_serving,
        old=old,
        serving=old_serving + new_serving,
        occupied=old + new,
        switched=chooser.of((False, True)),
        beside=chooser.of(COUNTS),
    )


@given(st.sampled_from(sorted(STRATEGIES)), moves())
def test_never_more_launches_than_are_missing_or_have_room(strategy: str, move: Move) -> None:
    """New ones up to what it says there may be, all within what may be alive."""
    allowed = STRATEGIES[strategy](move)
    assert allowed.launches >= 0
    assert allowed.most <= move.size
    assert not allowed.launches or move.new + allowed.launches <= allowed.most
    started = allowed.launches + allowed.beside
    assert not started or move.occupied + started <= move.size + allowed.above


@given(moves())
def test_a_canary_and_its_baseline_share_the_room(move: Move) -> None:
    """Of the baseline no more than is lacking; where both are, neither waits while there is room for two."""
    allowed = STRATEGIES["canary"](move)
    assert 0 <= allowed.beside <= move.beside
    assert not move.beside or allowed.launches < 2 or allowed.beside


@given(st.sampled_from(sorted(STRATEGIES)), moves())
def test_never_more_retired_than_are_old(strategy: str, move: Move) -> None:
    """Nor fewer than none."""
    assert 0 <= STRATEGIES[strategy](move).retires <= move.old


@given(moves())
def test_a_canary_retires_what_the_step_has_replaced(move: Move) -> None:
    """Old ones stay in the number that the step and the new leave to them, and new ones take the place of the lost."""
    allowed = STRATEGIES["canary"](move)
    old_serving = move.serving - move.new_serving
    left = max(0, move.size - max(allowed.most, move.new_serving))
    assert old_serving - allowed.retires == min(old_serving, left)
    assert allowed.most >= min(move.size, move.most)


@given(moves().filter(lambda move: move.old > 0))
def test_blue_green_never_retires_before_the_whole_new_group_serves(move: Move) -> None:
    """From the switch on, and once all of the new serve, all of the old leave, to stand by; nobody before."""
    allowed = STRATEGIES["blue-green"](move)
    carried = move.switched and move.new_serving >= move.size
    assert allowed.retires == (move.old if carried else 0)
    assert allowed.keeps is True


@given(moves().filter(lambda move: move.old > 0))
def test_blue_green_never_switches_before_the_whole_new_group_is_ready(move: Move) -> None:
    """It is decided once; until then the new stand by, and only what must serve and does not is let in."""
    allowed = STRATEGIES["blue-green"](move)
    assert allowed.switches is (not move.switched and move.new_ready >= move.size)
    over = move.switched or allowed.switches
    assert allowed.standby is not over
    assert allowed.admits == (move.size if over else max(0, move.floor - move.serving))


@given(moves().filter(lambda move: move.old > 0))
def test_blue_green_has_room_for_a_whole_new_group(move: Move) -> None:
    """Beside all of the old ones that serve, though they be more than are wanted, and for no more."""
    allowed = STRATEGIES["blue-green"](move)
    assert allowed.above == max(move.size, move.serving - move.new_serving)
    missing = max(0, move.size - move.new)
    assert allowed.launches == min(missing, max(0, move.size + allowed.above - move.occupied))


@given(moves())
def test_blue_green_without_old_ones_is_rolling(move: Move) -> None:
    """There is nothing to switch from."""
    alone = replace(move, old=0, serving=move.new_serving, occupied=move.new)
    assert STRATEGIES["blue-green"](alone) == STRATEGIES["rolling"](alone)
