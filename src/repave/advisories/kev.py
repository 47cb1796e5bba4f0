"""The catalogue of known exploited vulnerabilities (CISA's KEV), which marks the findings that it lists."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Annotated

from pydantic import AwareDatetime, Field, Strict, TypeAdapter, ValidationError

from repave.advisories.knowledge import Knowledge
from repave.model.finding import Finding, SourceStatus
from repave.model.lock import Lock
from repave.ports.errors import Corrupt


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One vulnerability, by its CVE."""

    cveID: Annotated[str, Field(pattern=r"^CVE-[0-9]{4}-[0-9]{4,19}$")]  # noqa: N815 - the catalogue's own word


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The catalogue, as far as it is used here."""

    dateReleased: Annotated[AwareDatetime, Strict()]  # noqa: N815 - the catalogue's own word
    count: int
    vulnerabilities: tuple[Entry, ...]

    def __post_init__(self) -> None:
        """A list that was cut is none."""
        if len(self.vulnerabilities) != self.count:
            raise ValueError(f"it counts {self.count} entries and holds {len(self.vulnerabilities)}")

    @property
    def as_of(self) -> datetime:
        """When it was released."""
        return self.dateReleased


@cache
def _adapter() -> TypeAdapter[Catalogue]:
    return TypeAdapter(Catalogue)


def read_kev(content: bytes) -> Catalogue:
    """The catalogue that ``content`` is, in JSON. Raises Corrupt."""
    try:
        return _adapter().validate_json(content)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        place = "".join(f"{part}: " for part in (".".join(map(str, first["loc"])),) if part)
        raise Corrupt(f"it is no KEV catalogue: {place}{first['msg']}") from wrong


class KnownExploited:
    """Marks what is known to be used against others."""

    def __init__(self, catalogue: Knowledge[Catalogue]) -> None:
        self._catalogue = catalogue

    def decorate(
        self, findings: tuple[Finding, ...], lock: Lock, *, whole: bool
    ) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        """A finding of several CVEs is marked when one of them is listed; see ``Decoration``."""
        del lock, whole
        catalogue, status = self._catalogue.read()
        listed = {entry.cveID for entry in catalogue.vulnerabilities} if catalogue else set()
        return tuple(replace(one, exploited=True) if listed.intersection(one.cves) else one for one in findings), (
            status,
        )
