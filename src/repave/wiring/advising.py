"""The part of the composition root that names sources of advisories: what a file asks for, put together.

Imports stand inside the methods, as they do in ``wiring``: each source is loaded when a file names it.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repave.advisories.decorated import Decoration
    from repave.advisories.documents import Document
    from repave.advisories.osv.files import RecordSource
    from repave.model.advisories import AdvisorySource, Published
    from repave.model.project import Project
    from repave.ports.advisories import Advisories, Searchable
    from repave.ports.archive import Archive
    from repave.ports.bases import Bases
    from repave.ports.bundles import Bundles
    from repave.ports.clock import Clock
    from repave.ports.vault import Vault
    from repave.ports.web import Web


class Advising:
    """Sources of advisories for one project."""

    def __init__(
        self,
        project: "Project",
        *,
        folder: Path,
        state: Path,
        vault: "Vault",
        web: "Callable[[], Web]",
        clock: "Clock",
    ) -> None:
        """``web`` opens the way to servers, when one is named."""
        self._project = project
        self._folder = folder
        self._cache = state / "cache" / "advisories"
        self._vault = vault
        self._web = web
        self._clock = clock

    def advisories(self, *, archive: "Archive", bases: "Bases", bundles: "Bundles") -> "Advisories":
        """The security suites and what the file names, as one; what locked packages bring along is judged too."""
        from repave.advisories.below import AdvisoriesBelow
        from repave.advisories.bundled import AdvisoriesBundled
        from repave.advisories.debian_security import DebianSecurityAdvisories
        from repave.advisories.decorated import DecoratedAdvisories
        from repave.advisories.kept_changelogs import KeptChangelogs
        from repave.advisories.remembered import RememberedAdvisories

        changelogs = KeptChangelogs(self._cache / "changelogs")
        suites = DebianSecurityAdvisories(archive=archive, vault=self._vault, changelogs=changelogs)
        dated = RememberedAdvisories(suites, file=self._cache / "suites.json")
        named = (self.source(source) for source in self._project.advisories.sources)
        source = DecoratedAdvisories((dated, *named), self.decorations())
        return AdvisoriesBundled(AdvisoriesBelow(source, bases=bases), bundles=bundles)

    def searchable(self) -> "Searchable":
        """Those whose records are here, as one. Raises Refused where the file names none."""
        from repave.advisories.decorated import SearchableAdvisories
        from repave.advisories.osv.indexed import IndexedAdvisories
        from repave.operations.errors import Refused

        named = (self.source(source) for source in self._project.advisories.sources)
        here = [source for source in named if isinstance(source, IndexedAdvisories)]
        if not here:
            raise Refused(
                "no source of advisories has its records here",
                hint="name an OSV zip or folder, or Debian's tracker, under `advisories` in repave.yaml",
            )
        return SearchableAdvisories(here, self.decorations())

    def decorations(self) -> "Iterator[Decoration]":
        """What the file names beside sources of advisories."""
        settings = self._project.advisories
        clock, max_age_seconds = self._clock, settings.max_age_seconds
        if settings.vex:
            # Before the others: it may dismiss a part of a finding, of which they then speak.
            from repave.advisories.vex.dismissals import VexDocuments

            yield VexDocuments(self._folder, settings.vex, project=self._project.name)
        if settings.kev:
            from repave.advisories.kev import KnownExploited, read_kev
            from repave.advisories.knowledge import Knowledge

            document = self._published(settings.kev, "KEV")
            yield KnownExploited(Knowledge(document, parse=read_kev, clock=clock, max_age_seconds=max_age_seconds))
        if settings.epss:
            from repave.advisories.epss import Exploitation, read_epss
            from repave.advisories.knowledge import Knowledge

            document = self._published(settings.epss, "EPSS")
            yield Exploitation(Knowledge(document, parse=read_epss, clock=clock, max_age_seconds=max_age_seconds))

    def _published(self, published: "Published", what: str) -> "Document":
        from hashlib import sha256

        from repave.advisories.documents import FileDocument

        if published.file:
            return FileDocument(self._folder / published.file, name=f"{what} {published.file}")
        from repave.advisories.web import WebDocument

        kept = self._cache / sha256(published.url.encode()).hexdigest()[:16]
        return WebDocument(published.url, web=self._web(), name=f"{what} {published.url}", folder=kept)

    def source(self, source: "AdvisorySource") -> "Advisories":
        """One that the file names."""
        from hashlib import sha256

        from repave.advisories.debian_tracker.files import TrackerAddress, TrackerFile
        from repave.advisories.osv.files import OsvAddress, OsvFolder, OsvZip
        from repave.advisories.osv.indexed import IndexedAdvisories
        from repave.model.advisories import SourceKind

        identity = sha256(f"{source.kind}\n{source.place}".encode()).hexdigest()[:16]
        cache = self._cache / identity
        max_age_seconds = self._project.advisories.max_age_seconds
        records: RecordSource
        match source.kind:
            case SourceKind.OSV_FOLDER:
                records = OsvFolder(self._folder / source.place, name=f"OSV folder {source.place}")
            case SourceKind.OSV_ZIP:
                records = OsvZip(self._folder / source.place, name=f"OSV zip {source.place}")
            case SourceKind.OSV_ZIP_URL:
                records = OsvAddress(source.place, web=self._web(), folder=cache / "copy", clock=self._clock)
            case SourceKind.OSV_API:
                return self._osv_server(source.place, cache)
            case SourceKind.DEBIAN_TRACKER_FILE:
                records = TrackerFile(self._folder / source.place, name=f"Debian tracker {source.place}")
            case SourceKind.DEBIAN_TRACKER_URL:
                records = TrackerAddress(source.place, web=self._web(), folder=cache / "copy", clock=self._clock)
        return IndexedAdvisories(records, folder=cache / "index", clock=self._clock, max_age_seconds=max_age_seconds)

    def _osv_server(self, address: str, cache: Path) -> "Advisories":
        from repave.advisories.osv.api import OsvApi
        from repave.advisories.osv.server import OsvServer

        return OsvServer(
            OsvApi(address, web=self._web()),
            name=f"OSV server {address}",
            folder=cache,
            clock=self._clock,
            max_age_seconds=self._project.advisories.max_age_seconds,
        )
