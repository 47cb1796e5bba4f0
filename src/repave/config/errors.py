"""What is wrong with a file that a person wrote: all of it at once, each with its place.

FileError        a file that cannot be read as meant: a tuple of problems, sorted by position
NotInRelease     a fleet was asked to run a release that holds no artifact of its image
UnknownName      an environment or fleet was asked for by a name that the file does not declare
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from repave.model.errors import RepaveError


@dataclass(frozen=True, kw_only=True, order=True)
class Problem:
    """One thing that is wrong, and what would be right. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    found: str
    expected: str = ""
    nearest: str = ""
    """The correct name that the wrong one resembles most; empty when none comes near."""

    hint: str = ""

    def __str__(self) -> str:
        """``repave.yaml:12:5: what was found; expected ...; did you mean ...?`` and the hint on a line of its own."""
        text = f"{self.file}:{self.line}:{self.column}: {self.found}"
        if self.expected:
            text += f"; expected {self.expected}"
        if self.nearest:
            text += f"; did you mean `{self.nearest}`?"
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class FileError(RepaveError):
    """A file a person wrote, or merged, says something that cannot be meant."""

    code: ClassVar[str] = "file"
    exit_code: ClassVar[int] = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class NotInRelease(RepaveError):
    """A release lacks the artifact of an image: it was made before the file knew that image."""

    code: ClassVar[str] = "not-in-release"


class UnknownName(RepaveError):
    """A person named something that the file does not declare."""

    code: ClassVar[str] = "unknown-name"
    exit_code: ClassVar[int] = 2
