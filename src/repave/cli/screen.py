"""What goes where: data to standard output, talk to standard error; with ``--json`` one document and no talk."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum

from repave.cli.failure import paint
from repave.cli.progress import Lines
from repave.cli.visible import visible
from repave.model.amount import Amount
from repave.model.release import SecretReference
from repave.ports.progress import Progress, Silent

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]


class Screen:
    """One run's two streams."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json

    @property
    def interactive(self) -> bool:
        """Whether a person sits in front of it and can be asked."""
        return not self.as_json and sys.stderr.isatty() and sys.stdin.isatty()

    @property
    def live(self) -> bool:
        """Whether something that redraws itself may be shown."""
        return not self.as_json and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def say(self, text: str) -> None:
        """Talk: what is being done, advice."""
        self._talk(visible(text))

    def warn(self, text: str) -> None:
        """Talk that must be noticed."""
        self._talk(f"{paint('warning:', '1;33')} {visible(text)}")

    def hint(self, text: str) -> None:
        """What to do next, on a line of its own."""
        self._talk(f"{paint('hint:', '1;36')} {visible(text)}")

    def show(self, text: str = "") -> None:
        """Data for a person."""
        if not self.as_json:
            print(text, flush=True)

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Aligned columns; nothing is cut, so that it can be searched and piped."""
        cells = [[visible(str(cell)) for cell in row] for row in rows]
        widths = [max(len(row[column]) for row in (list(headings), *cells)) for column in range(len(headings))]
        for row in (list(headings), *cells):
            self.show("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def _talk(self, text: str) -> None:
        if not self.as_json:
            print(text, file=sys.stderr, flush=True)

    def answer(self, document: object) -> None:
        """The whole answer for a machine: printed only with ``--json``."""
        if self.as_json:
            text = json.dumps(plain(document), ensure_ascii=False)
            # What is no text in UTF-8, as a file's name may be, is written as JSON escapes it.
            print(text if is_text(text) else json.dumps(plain(document)), flush=True)

    def pour(self, document: Iterable[str]) -> None:
        """The same, of a document that is too large to be held at once."""
        if self.as_json:
            sys.stdout.writelines(document)
            sys.stdout.flush()

    def progress(self) -> AbstractContextManager[Progress]:
        """Bars on a terminal, lines elsewhere, silence with ``--json``."""
        if self.as_json:
            return nullcontext(Silent())
        if not self.live:
            return Lines()
        from repave.cli.bars import Bars  # noqa: PLC0415 - rich takes 60 ms, and only a terminal needs it

        return Bars()


def is_text(text: str) -> bool:
    """Whether it can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def plain(value: object) -> Plain:
    """A value as JSON knows it: dataclasses by their fields, times in ISO 8601, secrets by reference."""
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, SecretReference):
        return {"secret": str(value)}
    return _plain_whole(value)


def _plain_whole(value: object) -> Plain:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if is_dataclass(value) and not isinstance(value, Amount):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence | AbstractSet):
        return [plain(item) for item in value]
    return str(value)
