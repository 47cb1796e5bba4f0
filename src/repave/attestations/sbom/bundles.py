"""What npm packages bring along within their own archives, by what is kept of them."""

from collections.abc import Iterable, Mapping, Sequence

from repave.attestations.sbom.facts import FactsReader
from repave.attestations.sbom.inventory import Bundled
from repave.model.lock import Ecosystem, LockedPackage
from repave.ports.progress import Progress


class BundlesReader:
    """The bundles port; npm alone has such packages."""

    def __init__(self, facts: FactsReader) -> None:
        self._facts = facts

    def of(self, packages: Iterable[LockedPackage], *, progress: Progress) -> Mapping[LockedPackage, Sequence[Bundled]]:
        """See the port."""
        of_npm = [package for package in packages if package.ecosystem is Ecosystem.NPM]
        found = self._facts.of(of_npm, progress=progress)
        return {package: facts.bundled for package, facts in found.items() if facts.bundled}
