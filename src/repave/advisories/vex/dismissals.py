"""Findings that somebody's word dismisses: they stay, with whose word it is."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from repave.advisories.documents import FileDocument
from repave.advisories.problems import joined, since
from repave.advisories.vex.formats import read_vex
from repave.advisories.vex.products import Places
from repave.advisories.vex.statements import Said, Statement, Status
from repave.model.finding import Dismissal, Finding, Grounds, SourceStatus
from repave.model.lock import Lock
from repave.model.names import ImageName, ProjectName
from repave.ports.errors import WorldError

EARLIEST = datetime.min.replace(tzinfo=UTC)
"""For what has no date: anything dated is later."""

CAUTION = {Status.UNDER_INVESTIGATION: 1, Status.AFFECTED: 2}
"""Of two statements of the same moment the more cautious counts."""


@dataclass(frozen=True, kw_only=True)
class _Document:
    name: str
    said: Said | None
    trouble: str = ""


class VexDocuments:
    """What the project's VEX documents say, read once."""

    def __init__(self, folder: Path, places: Iterable[str], *, project: ProjectName) -> None:
        """``places`` are files, or folders of ``*.json`` files, relative to ``folder`` unless absolute."""
        self._folder = folder
        self._places = tuple(places)
        self._project = project
        self._documents: tuple[_Document, ...] | None = None

    def decorate(
        self, findings: tuple[Finding, ...], lock: Lock, *, whole: bool
    ) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        """The findings, those in two where a part is dismissed; see ``Decoration``.

        A statement that is about nothing here is told, for its reason may be gone; that no flaw of its name was found
        only when all sources could be read.
        """
        if self._documents is None:
            self._documents = tuple(self._read())
        judged = _Judged(self._documents, lock, self._project)
        decorated = tuple(part for finding in findings for part in judged.parts(finding))
        return decorated, tuple(judged.status(document, whole=whole) for document in self._documents)

    def _read(self) -> Iterator[_Document]:
        for place in self._places:
            names = self._names(place)
            if not names:
                yield _Document(name=place, said=None, trouble=f"there are no documents (`*.json`) in {place}")
            yield from map(self._read_one, names)

    def _read_one(self, name: str) -> _Document:
        try:
            return _Document(name=name, said=read_vex(FileDocument(self._folder / name, name=name).read(), name=name))
        except WorldError as failure:
            return _Document(name=name, said=None, trouble=failure.message)

    def _names(self, place: str) -> list[str]:
        """Of the documents at a place; none where it is a folder without any."""
        path = self._folder / place
        if not path.is_dir():
            return [place]
        return [str(Path(place) / one.relative_to(path)) for one in sorted(path.rglob("*.json"))]


class _Judged:
    """The documents against one lock."""

    def __init__(self, documents: Sequence[_Document], lock: Lock, project: ProjectName) -> None:
        self._source = {
            statement: document.name
            for document in documents
            if document.said
            for statement in document.said.statements
        }
        places = Places(lock, project)
        self._about = {
            statement: frozenset(key for product in statement.products for key in places.meant(product))
            for statement in self._source
        }
        self._met: set[Statement] = set()

    def parts(self, finding: Finding) -> Iterator[Finding]:
        """The finding, by what is said of each of its CVEs in each of its images."""
        verdicts: dict[tuple[tuple[Dismissal | None, tuple[str, ...]], ...], list[ImageName]] = {}
        for image in finding.images:
            said = [(self._dismissal(finding, cve, image), cve) for cve in finding.cves or ("",)]
            by_word: dict[Dismissal | None, list[str]] = {}
            for word, cve in said:
                by_word.setdefault(word, []).extend([cve] if cve else [])
            verdict = tuple((word, tuple(cves)) for word, cves in by_word.items())
            verdicts.setdefault(verdict, []).append(image)
        for verdict, images in verdicts.items():
            for word, cves in verdict:
                yield replace(finding, cves=cves, images=tuple(images), dismissed=word)

    def status(self, document: _Document, *, whole: bool) -> SourceStatus:
        """Of when it is, what of it was refused, and which statements are about nothing."""
        name = f"VEX {document.name}"
        if document.said is None:
            return SourceStatus(name=name, as_of=None, problem=since(document.trouble, None))
        said = document.said
        return SourceStatus(
            name=name,
            as_of=said.at,
            problem=f"unknown: {joined(said.refused)}" if said.refused else "",
            remarks=tuple(self._stale(said, whole=whole)),
        )

    def _stale(self, said: Said, *, whole: bool) -> Iterator[str]:
        dismissing = [one for one in said.statements if one.status.dismisses]
        absent = [one.told for one in dismissing if not self._about[one]]
        if absent:
            yield f"what it is about is not locked, so it dismisses nothing (remove it?): {joined(absent)}"
        idle = [one.told for one in dismissing if self._about[one] and one not in self._met]
        if idle and whole:
            yield f"no such flaw is found, so it dismisses nothing (remove it?): {joined(idle)}"

    def _dismissal(self, finding: Finding, cve: str, image: ImageName) -> Dismissal | None:
        names = {cve, finding.advisory, *finding.aliases} - {""}
        applying = [
            statement
            for statement, keys in self._about.items()
            if statement.names & names and (finding.ecosystem, finding.package, finding.version, image) in keys
        ]
        self._met.update(applying)
        if not applying:
            return None
        last = max(applying, key=lambda one: (one.at or EARLIEST, CAUTION.get(one.status, 0)))
        if not last.status.dismisses:
            return None
        return Dismissal(
            grounds=Grounds(last.status.value),
            author=last.author,
            reason=last.reason,
            source=self._source[last],
            at=last.at,
        )
