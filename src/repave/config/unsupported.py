"""What the format has and this version cannot act on: refused by name, never silently ignored.

A row leaves this table when the product learns what it describes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from repave.config.document import Document, Path
from repave.config.errors import Problem

ANY = "*"
"""Every key of a mapping."""

ITEM = "[]"
"""Every item of a list."""


@dataclass(frozen=True, kw_only=True)
class Unsupported:
    """One thing the format can say: where it stands, which values are meant, and why it is refused."""

    path: tuple[str, ...]
    why: str
    values: Callable[[object], bool] = lambda _: True


def _is(*names: str) -> Callable[[object], bool]:
    return lambda value: value in names


UNSUPPORTED = (
    Unsupported(
        path=("images", ANY, "kind"),
        values=_is("function"),
        why="`kind: function` cannot be baked by this version: use `kind: container`",
    ),
)


def unsupported(document: Document) -> Iterator[Problem]:
    """Everything in the file that this version would have to ignore."""
    for row in UNSUPPORTED:
        for path, value in _matches(document.data, row.path, ()):
            if row.values(value):
                line, column = document.at_key(path)
                yield Problem(file=document.filename, line=line, column=column, found=row.why)


def _matches(data: object, pattern: tuple[str, ...], path: Path) -> Iterator[tuple[Path, object]]:
    """Every value whose path is like ``pattern``."""
    if not pattern:
        yield path, data
    elif isinstance(data, list) and pattern[0] == ITEM:
        for index, value in enumerate(data):
            yield from _matches(value, pattern[1:], (*path, index))
    elif isinstance(data, dict):
        for key in data if pattern[0] == ANY else (pattern[0],):
            if key in data:
                yield from _matches(data[key], pattern[1:], (*path, key))
