"""One OSV record (https://ossf.github.io/osv-schema/), read strictly; what the schema does not name is passed over.

Read by pydantic from the bytes, in one step and without a tree of dictionaries between: an export has 50,000 of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AwareDatetime, BeforeValidator, Field, GetCoreSchemaHandler, Strict, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, PydanticUseDefault, core_schema

from repave.ports.errors import Corrupt

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

LARGEST_RECORD_BYTES = 32 * 1024 * 1024
"""OSV's server answers no more at once (its documentation); the longest records have a few MiB."""

LONGEST_NAME = 1024
"""Characters of an identifier, a name or a version: what is longer is no such thing."""

SHOWN_PROBLEMS = 3

GIT = "GIT"


class OrNull:
    """The schema admits null wherever it admits nothing: then the default stands.

    Looked at after the value was read: a function before it would have all that is below made into Python's objects
    first, and read a second time.
    """

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Of what may be null as well."""
        inner = core_schema.nullable_schema(handler(source))
        return core_schema.no_info_after_validator_function(_unless_null, inner)


def _unless_null(value: object) -> object:
    if value is None:
        raise PydanticUseDefault
    return value


def _names(value: object) -> object:
    """The words in which databases say how bad it is stand in objects of their own design."""
    return value if isinstance(value, str) else ""


Moment = Annotated[AwareDatetime, Strict()]
"""A text with its time zone (RFC 3339), never a number."""

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Version = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Names = Annotated[tuple[Name, ...], OrNull()]
Versions = Annotated[tuple[Version, ...], OrNull()]
Word = Annotated[str, BeforeValidator(_names)]


@dataclass(frozen=True, kw_only=True)
class Package:
    """Which package, in whose name."""

    ecosystem: Name
    """With a release where the ecosystem has such: ``Debian:12``."""

    name: Name
    purl: Annotated[str, OrNull()] = ""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One edge of a range: exactly one of the four is given."""

    introduced: Version | None = None
    fixed: Version | None = None
    last_affected: Version | None = None
    limit: Version | None = None

    def __post_init__(self) -> None:
        """Hold the schema's own rule."""
        if [self.introduced, self.fixed, self.last_affected, self.limit].count(None) != ALL_BUT_ONE:
            raise ValueError("an event names exactly one of introduced, fixed, last_affected and limit")

    # Written out, for a scan asks some ten thousand of them.
    @property
    def kind(self) -> Literal["fixed", "introduced", "last_affected", "limit"]:
        """Which of the four."""
        if self.introduced is not None:
            return "introduced"
        if self.fixed is not None:
            return "fixed"
        return "limit" if self.last_affected is None else "last_affected"

    @property
    def version(self) -> str:
        """Its version, or commit."""
        return self.introduced or self.fixed or self.last_affected or self.limit or ""


ALL_BUT_ONE = 3
"""Of an event's four edges."""


@dataclass(frozen=True, kw_only=True)
class Range:
    """A range of versions or commits."""

    type: Name
    """``SEMVER``, ``ECOSYSTEM`` or ``GIT``; a kind of later schemas is read, and cannot be judged."""

    events: Annotated[tuple[Event, ...], Field(min_length=1)]
    repo: Annotated[str, OrNull()] = ""
    """For ``GIT``."""

    def __post_init__(self) -> None:
        """Hold the schema's own rule."""
        if self.events[0].introduced is None and all(event.introduced is None for event in self.events):
            raise ValueError("a range names at least one version that introduced it")


@dataclass(frozen=True, kw_only=True)
class SeverityScore:
    """One source's score."""

    type: Name
    """``CVSS_V2``, ``CVSS_V3``, ``CVSS_V4``, ``Ubuntu``..."""

    score: Annotated[str, Field(max_length=LONGEST_NAME)]
    """A CVSS vector, or a word."""


@dataclass(frozen=True, kw_only=True)
class Specific:
    """What databases add in words of their own, as far as it says how bad it is."""

    severity: Word = ""
    urgency: Word = ""
    nodsa: Word = ""
    """Debian's tracker: why there is no advisory of its own."""


Scores = Annotated[tuple[SeverityScore, ...], OrNull()]
SpecificWords = Annotated[Specific, OrNull()]


@dataclass(frozen=True, kw_only=True)
class Affected:
    """One package, and which of its versions are affected."""

    package: Annotated[Package | None, Field()] = None
    """None where only commits of a repository are named."""

    ranges: Annotated[tuple[Range, ...], OrNull()] = ()
    versions: Versions = ()
    severity: Scores = ()
    """In place of the record's own."""

    ecosystem_specific: SpecificWords = Specific()
    database_specific: SpecificWords = Specific()


@dataclass(frozen=True, kw_only=True)
class Record:
    """One advisory."""

    id: Name
    modified: Moment
    published: Moment | None = None
    withdrawn: Moment | None = None
    aliases: Names = ()
    """Other names of the same flaw."""

    upstream: Names = ()
    """The flaws that a distribution's record is about."""

    related: Names = ()
    """Other flaws: never taken for the same."""

    summary: Annotated[str, OrNull()] = ""
    severity: Scores = ()
    affected: Annotated[tuple[Affected, ...], OrNull()] = ()
    database_specific: SpecificWords = Specific()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name of what it is about, its own first."""
        return tuple(dict.fromkeys((self.id, *self.aliases, *self.upstream)))

    def only(self, affected: Sequence[Affected]) -> Self:
        """The record about these packages alone."""
        return type(self)(**{**self.__dict__, "affected": tuple(affected)})


@cache
def _adapter() -> TypeAdapter[Record]:
    return TypeAdapter(Record)


def read_record(content: bytes, *, name: str) -> Record:
    """The record that ``content`` is, in JSON. Raises Corrupt, which says what is wrong with ``name``."""
    if len(content) > LARGEST_RECORD_BYTES:
        raise Corrupt(f"{name} is larger than {LARGEST_RECORD_BYTES} bytes: no advisory is")
    try:
        return _adapter().validate_json(content)
    except ValidationError as wrong:
        problems = wrong.errors(include_url=False, include_input=False)
        told = "; ".join(map(_told, problems[:SHOWN_PROBLEMS]))
        more = f"; and {len(problems) - SHOWN_PROBLEMS} more" if len(problems) > SHOWN_PROBLEMS else ""
        raise Corrupt(f"{name} is no OSV record: {told}{more}") from wrong


def write_record(record: Record) -> bytes:
    """The record as compact JSON, which ``read_record`` reads back."""
    return _adapter().dump_json(record, exclude_defaults=True)


def _told(problem: "ErrorDetails") -> str:
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: {problem['msg']}" if place else problem["msg"]
