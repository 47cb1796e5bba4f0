"""Reading a VEX document part by part, so that a wrong one is told by its line and the others are read."""

from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import AwareDatetime, BeforeValidator, TypeAdapter, ValidationError

from repave.advisories.vex.lines import line_of
from repave.ports.errors import Corrupt

Part = TypeVar("Part")


def _a_text(value: object) -> object:
    """A date is written; it is no number of seconds."""
    if not isinstance(value, str):
        raise ValueError("a date and time is a text")  # noqa: TRY004 - pydantic wants it so
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_a_text)]


@dataclass(frozen=True, kw_only=True)
class Reader:
    """One document."""

    name: str
    text: str

    def read(self, adapter: TypeAdapter[Part], data: object, *path: str | int) -> Part:
        """The part that ``data`` is, which stands at ``path``. Raises Corrupt."""
        told = self.attempt(adapter, data, *path)
        if isinstance(told, str):
            raise Corrupt(told)
        return told

    def attempt(self, adapter: TypeAdapter[Part], data: object, *path: str | int) -> Part | str:
        """The part, or what is wrong with it, with its place."""
        try:
            return adapter.validate_python(data)
        except ValidationError as wrong:
            first = wrong.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            return f"{self.place(*path, *first['loc'])}: {f'{where}: ' if where else ''}{first['msg'].lower()}"

    def corrupt(self, wrong: str, *path: str | int) -> Corrupt:
        """That the whole document cannot be read."""
        return Corrupt(f"{self.place(*path)}: {wrong}")

    def place(self, *path: str | int) -> str:
        """File and line."""
        return f"{self.name}:{line_of(self.text, *path)}"
