"""The quick way to a verb is the same way: whatever it takes, typer takes alike."""

import inspect
from collections.abc import Sequence
from typing import Any

import pytest
import typer

from repave.cli.application import load
from repave.cli.quick import plain_arguments
from repave.cli.typed import declared
from repave.cli.verbs import VERBS

LINES = (
    ("status",),
    ("status", "test"),
    ("status", "-i", "test", "--json"),
    ("deploy", "test", "--release", "r3", "--watch"),
    ("deploy", "-f", "here/repave.yaml", "test"),
    ("logs", "test", "web", "web-3", "--follow"),
    ("lock", "--upgrade", "--file", "x.yaml"),
    ("diff", "r1", "r2"),
    ("destroy", "test", "-y"),
    ("init", "folder"),
)

LEFT_TO_TYPER = (
    ("status", "--help"),
    ("status", "--nonsense"),
    ("status", "test", "prod"),
    ("deploy",),
    ("deploy", "test", "--release"),
    ("deploy", "test", "--release=r3"),
    ("deploy", "test", "--release", "--watch"),
    ("gc", "--keep", "2"),
    ("lock", "--upgrade-package", "openssl"),
    ("diff", "r1"),
    ("status", "--", "test"),
)


def by_typer(verb: str, words: Sequence[str]) -> dict[str, Any]:
    """What typer would call the verb with."""
    seen: dict[str, Any] = {}
    function = declared(load(verb))

    def note(**given: object) -> int:
        seen.update(given)
        return 0

    note.__signature__ = inspect.signature(function)  # type: ignore[attr-defined] # typer reads it, as inspect does
    note.__annotations__ = function.__annotations__
    app = typer.Typer()
    app.command(verb)(note)
    app(args=list(words), standalone_mode=False)
    return seen


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_what_the_quick_way_takes_typer_takes_alike(line: tuple[str, ...]) -> None:
    """Same names, same values; what was not given has its default."""
    verb, *words = line
    quick = plain_arguments(load(verb), words)
    assert quick is not None
    defaults = {name: one.default for name, one in inspect.signature(load(verb)).parameters.items()}
    wanted = by_typer(verb, words)
    assert {name: value or None for name, value in {**defaults, **quick}.items()} == {
        name: value or None for name, value in wanted.items()
    }


@pytest.mark.parametrize("line", LEFT_TO_TYPER, ids=" ".join)
def test_what_is_not_plain_is_left_to_typer(line: tuple[str, ...]) -> None:
    """Mistakes above all: their messages are typer's."""
    verb, *words = line
    assert plain_arguments(load(verb), words) is None


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_quick_way(verb: str) -> None:
    """All that it requires given, --json is understood."""
    parameters = inspect.signature(load(verb)).parameters.values()
    required = [parameter for parameter in parameters if parameter.default is inspect.Parameter.empty]
    words = [
        word
        for parameter in required
        for word in ([f"--{parameter.name}"] if parameter.kind is inspect.Parameter.KEYWORD_ONLY else []) + ["x"]
    ]
    found = plain_arguments(load(verb), [*words, "--json"])
    assert found is not None
    assert found["as_json"] is True
