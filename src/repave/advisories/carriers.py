"""Which locked packages bring along what no file was locked of, so that a finding about it can name them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from repave.model.finding import Carrier, Finding
from repave.model.lock import LockedPackage
from repave.model.names import ImageName


@dataclass
class Carriers:
    """By what is brought along and in which image: by what."""

    _known: dict[tuple[str, str, str, ImageName], set[Carrier]] = field(default_factory=dict)

    def bring(self, carrier: LockedPackage, brought: LockedPackage, image: ImageName) -> None:
        """In this image the one lies within the other."""
        within = Carrier(ecosystem=carrier.ecosystem, name=carrier.name, version=carrier.version)
        self._known.setdefault((brought.ecosystem, brought.name, brought.version, image), set()).add(within)

    def named(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings, each with what brings its package along."""
        return tuple(map(self._named, findings))

    def _named(self, finding: Finding) -> Finding:
        package = (finding.ecosystem, finding.package, finding.version)
        within = {carrier for image in finding.images for carrier in self._known.get((*package, image), ())}
        return replace(finding, within=tuple(sorted({*finding.within, *within}))) if within else finding
