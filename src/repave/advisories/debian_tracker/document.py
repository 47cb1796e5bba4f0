"""Reading the tracker's JSON: source package, flaw, release; streamed, for it has some 70 MB.

Its form is that of its own service (https://salsa.debian.org/security-tracker-team/security-tracker,
``bin/tracker_service.py``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import IO, Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from repave.advisories.osv.index import Unreadable
from repave.advisories.osv.matching import FIRST, UNDETERMINED
from repave.advisories.osv.records import LONGEST_NAME, Affected, Event, Name, Package, Range, Record, Specific
from repave.advisories.osv.subjects import release_name
from repave.ports.errors import Corrupt

NOT_AFFECTED = "0"
"""As the version that repairs: no version in this release ever had the flaw."""

LONGEST_TEXT = 100_000
"""Characters of a description: what is longer describes nothing."""

Text = Annotated[str, Field(max_length=LONGEST_TEXT)]


@dataclass(frozen=True, kw_only=True)
class Release:
    """What is known of one flaw of one source package in one release."""

    status: Literal["open", "resolved", "undetermined"]
    fixed_version: Name | None = None
    urgency: Name | None = None
    nodsa: Text | None = None
    """Why Debian issues no advisory of its own for it."""

    nodsa_reason: Text | None = None
    """``ignored``, ``postponed``, or empty."""


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """One flaw of one source package."""

    releases: dict[Name, Release]
    description: Text | None = None


@cache
def _adapter() -> TypeAdapter[Flaw]:
    return TypeAdapter(Flaw)


def read_tracker(content: IO[bytes], *, name: str, as_of: datetime) -> Iterator[Record | Unreadable]:
    """A record for each flaw of each source package, as the document of ``as_of`` has them; one package at a time.

    Raises Corrupt where it is no JSON of the tracker's form, or ends too early; what comes before was yielded.
    """
    import ijson  # noqa: PLC0415 - only who reads the document pays for it

    packages = 0
    try:
        for package, flaws in ijson.kvitems(content, "", use_float=True):
            packages += 1
            yield from _of_package(package, flaws, as_of)
    except (ijson.JSONError, UnicodeDecodeError) as broken:
        raise Corrupt(f"{name} is no JSON of Debian's security tracker: {_first_line(broken)}") from broken
    if not packages:
        raise Corrupt(f"{name} names no package")


def _first_line(error: Exception) -> str:
    """The library shows the place in further lines, as the bytes are."""
    text = error.args[0] if error.args else error
    return (text.decode(errors="replace") if isinstance(text, bytes) else str(text)).partition("\n")[0].strip()


def _of_package(package: str, flaws: object, as_of: datetime) -> Iterator[Record | Unreadable]:
    if not isinstance(flaws, dict):
        yield Unreadable(problem=f"{package}: no mapping of flaws")
        return
    for identifier, document in flaws.items():
        if not all(0 < len(text) <= LONGEST_NAME for text in (package, identifier)):
            yield Unreadable(problem=f"{package[:LONGEST_NAME]} {identifier[:LONGEST_NAME]}: no names")
            continue
        try:
            yield _record(package, identifier, _adapter().validate_python(document), as_of)
        except ValidationError as wrong:
            first = wrong.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            yield Unreadable(problem=f"{package} {identifier}: {place}: {first['msg']}")


def _record(package: str, identifier: str, flaw: Flaw, as_of: datetime) -> Record:
    return Record(
        id=identifier,
        modified=as_of,
        summary=flaw.description or "",
        affected=tuple(
            _affected(Package(ecosystem=release_name("debian", name), name=package), release)
            for name, release in sorted(flaw.releases.items())
            if release.fixed_version != NOT_AFFECTED
        ),
    )


def _affected(package: Package, release: Release) -> Affected:
    """What is open has no repair; what is resolved is affected below the version that repairs it."""
    if release.status == "undetermined" or (release.status == "resolved" and not release.fixed_version):
        return Affected(package=package, ecosystem_specific=Specific(urgency=UNDETERMINED))
    return Affected(
        package=package,
        ranges=_below(release.fixed_version if release.status == "resolved" else None),
        ecosystem_specific=Specific(urgency=release.urgency or "", nodsa=_nodsa(release)),
    )


@lru_cache(1024)
def _below(fixed: str | None) -> tuple[Range]:
    """Releases often share a version: this halves what reading takes."""
    events = (Event(introduced=FIRST),) if fixed is None else (Event(introduced=FIRST), Event(fixed=fixed))
    return (Range(type="ECOSYSTEM", events=events),)


def _nodsa(release: Release) -> str:
    if not release.nodsa and not release.nodsa_reason:
        return ""
    return f"{release.nodsa or 'no advisory'} ({release.nodsa_reason})" if release.nodsa_reason else release.nodsa or ""
