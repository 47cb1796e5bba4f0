"""The quick way from plain arguments to a verb.

typer takes its time to be imported, and 0.1 s more to build the pydantic models by which it checks each argument; most
of them are words and flags that need no check. What is not plain (help, mistakes, numbers, lists, ``--option=value``)
is left to it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from inspect import Parameter, signature
from pathlib import Path
from typing import get_args, get_type_hints

from repave.cli.parameters import Argument, Option

TEXTS: dict[object, Callable[[str], object]] = {str: str, str | None: str, Path: Path, Path | None: Path}


@dataclass(kw_only=True)
class Grammar:
    """The plain parameters of one verb, as it declares them."""

    flags: dict[str, str] = field(default_factory=dict)
    """Option to parameter."""

    valued: dict[str, tuple[str, Callable[[str], object]]] = field(default_factory=dict)
    """Option to parameter and what reads its value."""

    positions: list[tuple[str, Callable[[str], object]]] = field(default_factory=list)
    required: set[str] = field(default_factory=set)


def plain_arguments(function: Callable[..., int], words: Sequence[str]) -> dict[str, object] | None:
    """What to call the verb with; None when typer has to look."""
    grammar = _grammar(function)
    positions = iter(grammar.positions)
    found: dict[str, object] = {}
    rest = iter(words)
    for word in rest:
        if word in grammar.flags:
            found[grammar.flags[word]] = True
            continue
        taken = grammar.valued.get(word)
        text = next(rest, "-") if taken else word
        taken = taken or next(positions, None)
        if taken is None or text.startswith("-"):
            return None
        name, read = taken
        found[name] = read(text)
    return found if grammar.required <= found.keys() else None


def _grammar(function: Callable[..., int]) -> Grammar:
    grammar = Grammar()
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in signature(function).parameters.items():
        kind, *declared = get_args(hints[name]) or (hints[name],)
        info = declared[0] if declared else None
        if parameter.default is Parameter.empty:
            grammar.required.add(name)
        if isinstance(info, Argument) and kind in TEXTS:
            grammar.positions.append((name, TEXTS[kind]))
        elif isinstance(info, Option):
            for option in info.names:
                if kind is bool:
                    grammar.flags[option] = name
                elif kind in TEXTS:
                    grammar.valued[option] = (name, TEXTS[kind])
    return grammar
