"""What is kept of a command line is text: anything else is refused before a verb does anything."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repave.cli.codes import USAGE

Repave = Callable[..., Any]


@pytest.mark.parametrize(
    "words",
    [
        ("pause", "test", "--reason", "caf\udce9"),
        ("pause", "test", "--reason=caf\udce9"),
        ("revoke", "caf\udce9", "--reason", "it loses orders"),
        ("deploy", "test", "--emergency", "caf\udce9"),
        ("report", "--environment", "test", "--environment", "caf\udce9"),
    ],
)
def test_what_is_no_text_is_refused(repave: Repave, words: tuple[str, ...]) -> None:
    """As an option, as an argument, as one of several; what it holds is shown as bytes."""
    ended = repave(*words, "--json")
    assert ended.code == USAGE
    told = json.loads(ended.out)["error"]
    assert told["message"] == "invalid value: `caf\\xe9` is no text in UTF-8"
    assert told["hint"] == f"`repave {words[0]} --help` shows how"


def test_a_path_may_be_any_bytes(repave: Repave, folder: Path) -> None:
    """A file's name is the system's, and need be no text."""
    (folder / "caf\udce9.yaml").write_bytes((folder / "repave.yaml").read_bytes())
    assert repave("status", "--file", str(folder / "caf\udce9.yaml")).code == 0
