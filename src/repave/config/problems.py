"""Saying what is wrong: the exception a value's reader raises, and the words around it."""

import re
from collections.abc import Iterable

from repave.config.document import Document, Path, Position
from repave.config.errors import Problem

PASSWORD = re.compile(r"(://[^/\s:@`]*:)[^@/\s`]*@")
"""In an address: a wrong place for one, and a message ends in logs."""

SECRET_KEYS = frozenset({"key", "password", "secret", "passphrase", "token"})
"""Whose values are not shown: somebody may have written the secret itself."""

LONGEST_SHOWN = 60
"""Characters of a wrong value that a message shows: enough to recognise it."""


class Unfit(ValueError):
    """A value is not what its place needs; the place and the value itself are told by whoever knows the file."""

    def __init__(self, expected: str, *, nearest: str = "", hint: str = "") -> None:
        super().__init__(f"expected {expected}")
        self.expected = expected
        self.nearest = nearest
        self.hint = hint


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that ``name`` resembles most; empty when none comes near."""
    from difflib import get_close_matches  # noqa: PLC0415 - needed only when something is wrong

    candidates = tuple(known)
    matches = get_close_matches(name, candidates, n=1) or get_close_matches(name.lower(), candidates, n=1)
    return matches[0] if matches else ""


def one_of(names: Iterable[str]) -> str:
    """``image``, ``image or port``, ``one of image, port, size``."""
    known = tuple(names)
    if not known:
        return "nothing, for none is declared"
    return f"one of {', '.join(known)}" if len(known) > 2 else " or ".join(known)  # noqa: PLR2004 - two need no list


def shown(value: object) -> str:
    """A value of the file as a message shows it."""
    match value:
        case None:
            return "empty"
        case bool():
            return f"`{str(value).lower()}`"
        case dict():
            return "a mapping" if value else "an empty mapping"
        case list():
            return "a list" if value else "an empty list"
        case str() if not value:
            return "an empty text"
        case _:
            text = str(value).replace("\n", "\\n")
            return f"`{text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + '...'}`"


def subject(path: Path) -> str:
    """What a message calls the value at ``path``: its key, ``item 3 of `packages```, or the file."""
    match path:
        case ():
            return "the file"
        case (*_, str() as key, int() as index):
            return f"item {index + 1} of `{key}`"
        case _:
            return f"`{path[-1]}`"


def dotted(path: Path) -> str:
    """The whole way to a value: ``environments.prod.fleets.web``."""
    return ".".join(str(part) for part in path)


def problem(document: Document, position: Position, found: str, unfit: Unfit) -> Problem:
    """What is wrong, with its place."""
    line, column = position
    return Problem(
        file=document.filename,
        line=line,
        column=column,
        found=_without_passwords(found),
        expected=unfit.expected,
        nearest=_without_passwords(unfit.nearest),
        hint=unfit.hint,
    )


def _without_passwords(text: str) -> str:
    return PASSWORD.sub(r"\1...@", text)
