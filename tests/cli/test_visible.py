"""What strangers wrote cannot move the cursor of who reads it."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repave.cli.failure import Failed, tell
from repave.cli.screen import Screen
from repave.cli.visible import visible

CLEARING = "PYSEC-1\x1b[2J\x1b[31mclean\x07\r"
"""Clears the screen of a terminal, and writes what is not so."""

WRITTEN = "PYSEC-1\\u001b[2J\\u001b[31mclean\\u0007\\u000d"


@given(st.text())
def test_no_control_character_is_left(text: str) -> None:
    """Beside the ends of lines and tabs; what has none is itself."""
    shown = visible(text)
    assert not any(unicodedata.category(letter).startswith("C") for letter in shown if letter not in "\n\t")
    if text.isprintable():
        assert shown == text


def test_marks_that_turn_text_around_are_written_out() -> None:
    """As are lone surrogates, which no terminal takes."""
    assert visible("a\u202eb\ud800") == "a\\u202eb\\ud800"
    assert visible("Zürich \u00a0 名前\n\tab") == "Zürich \u00a0 名前\n\tab"


def test_every_way_to_the_screen_is_guarded(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Talk, warnings, hints, tables, errors."""
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen()
    screen.say(CLEARING)
    screen.warn(CLEARING)
    screen.hint(CLEARING)
    screen.table(("ADVISORY",), [(CLEARING,)])
    tell(Failed(code="gone", message=CLEARING, hint=CLEARING), as_json=False)
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        WRITTEN,
        f"warning: {WRITTEN}",
        f"hint: {WRITTEN}",
        f"error: {WRITTEN}",
        f"hint: {WRITTEN}",
    ]
    assert said.out.splitlines() == ["ADVISORY", WRITTEN]


def test_an_answer_for_machines_is_text_whatever_files_are_called(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON has a form for what no encoding has; all else is written as it is."""
    for name in ("ünïcode", "bad\udcff.txt"):
        Screen(as_json=True).answer({"name": name})
        told = capsys.readouterr().out
        assert json.loads(told.encode()) == {"name": name}
    Screen(as_json=True).answer({"name": "ü"})
    assert capsys.readouterr().out == '{"name": "ü"}\n'
