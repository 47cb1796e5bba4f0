"""Names and identifiers: one type per word, so that none is passed for another."""

from dataclasses import dataclass
from typing import NewType

ProjectName = NewType("ProjectName", str)
ImageName = NewType("ImageName", str)
EnvironmentName = NewType("EnvironmentName", str)
FleetName = NewType("FleetName", str)
ProviderName = NewType("ProviderName", str)
ZoneName = NewType("ZoneName", str)
PersonName = NewType("PersonName", str)

ReleaseNumber = NewType("ReleaseNumber", int)
"""Counts from 1 within a project; shown to people as ``r17``."""

RevisionId = NewType("RevisionId", str)
"""Twelve hex digits of the digest of a revision's content: the same content has the same id."""

SlotId = NewType("SlotId", str)
"""The place one instance fills, given out once per fleet and never again: the client token of its launch."""

InstanceId = NewType("InstanceId", str)
"""The provider's own name for one instance."""

Digest = NewType("Digest", str)
"""``sha256:`` and 64 hex digits, as OCI writes it."""


@dataclass(frozen=True, kw_only=True, order=True)
class FleetKey:
    """The one fleet of a name in one environment of one project."""

    project: ProjectName
    environment: EnvironmentName
    fleet: FleetName

    def __str__(self) -> str:
        """``project/environment/fleet``, as events, tags and messages show it."""
        return f"{self.project}/{self.environment}/{self.fleet}"
