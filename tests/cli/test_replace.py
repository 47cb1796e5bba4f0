"""``repave replace``: what it refuses; `tests/operations/test_wishing.py` has what becomes of a fleet."""

from collections.abc import Callable
from typing import Any

import pytest

Repave = Callable[..., Any]


@pytest.mark.parametrize(
    "arguments", [(), ("web-1", "--all"), ("--fleet", "web", "--all"), ("web-1", "--fleet", "web")]
)
def test_one_word_says_who(repave: Repave, arguments: tuple[str, ...]) -> None:
    """Nobody has a whole environment replaced for a forgotten word."""
    ended = repave("replace", "test", *arguments)
    assert (ended.code, ended.err) == (
        5,
        "error: `repave replace` needs one of: an instance, --fleet, --all\nhint: `repave status test` lists them\n",
    )


@pytest.mark.parametrize("arguments", [("web-1",), ("--fleet", "web"), ("--all",)])
def test_nothing_runs_yet(repave: Repave, arguments: tuple[str, ...]) -> None:
    """With what does it."""
    ended = repave("replace", "test", *arguments)
    assert (ended.code, ended.err) == (5, "error: test was never deployed\nhint: `repave deploy test`\n")


def test_a_fleet_is_named_nearly(repave: Repave) -> None:
    """The nearest name."""
    ended = repave("replace", "test", "--fleet", "wob")
    assert ended.code == 2
    assert "did you mean `web`?" in ended.err
