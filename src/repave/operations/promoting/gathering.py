"""All that is known for one decision about the pipeline."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from repave.model.checks import Check
from repave.model.evidence import Approval, Evidence, Record, Standing, Waiver
from repave.model.gates import Person
from repave.model.names import Digest, EnvironmentName, ProjectName, ReleaseNumber
from repave.model.project import Project
from repave.model.release import Release
from repave.operations.promoting.authors import Authors
from repave.operations.promoting.exposures import Exposing
from repave.operations.promoting.measuring import Measuring
from repave.operations.promoting.standings import standing_of
from repave.operations.promoting.words import words_of_approval, words_of_waiver
from repave.ports.personal import PersonalSignatures
from repave.ports.progress import Progress
from repave.ports.store import Store


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where evidence comes from, beside the store."""

    authors: Authors
    exposing: Exposing
    signatures: PersonalSignatures
    holidays: Callable[[str], frozenset[date]]
    """The days in a file of the project. Raises FileError."""

    checks: Callable[[Check], Digest]
    """What a check is now. Raises Refused."""

    measuring: Measuring


class Gathering:
    """Reads the store and asks the sources; changes nothing but what is known of flaws."""

    def __init__(self, *, project: Project, store: Store, sources: Sources) -> None:
        self._project = project
        self._store = store
        self._sources = sources

    def evidence(self, now: datetime, progress: Progress) -> Evidence:
        """Of every environment, and every release that is newer than what runs in one that has gates."""
        releases = {release.number: release for release in self._store.releases()}
        standings = {name: standing_of(self._project, name, self._store, now) for name in self._project.pipeline}
        pairs = tuple(self._pairs(releases, standings))
        awaited = {(name, release.number): release for name, release in pairs}
        with progress.task("Asking what holds releases", total=len(pairs)) as task:
            exposed, authors = {}, {}
            for name, release in pairs:
                environment, present = self._project.environments[name], standings[name].release
                exposed[name, release.number] = self._sources.exposing.of(environment, release, now, progress)
                written = self._sources.authors.of(release, releases.get(present) if present else None)
                if written is not None:
                    authors[name, release.number] = written
                task.advance()
        return Evidence(
            standings=standings,
            records=tuple(self._signed(self._store.evidence(), awaited, now)),
            exposed=exposed,
            authors=authors,
            measured={
                (name, standing.release): self._sources.measuring.of(self._project.environments[name], standing.release)
                for name, standing in standings.items()
                if standing.release is not None
            },
            checks={
                (environment.name, check.name): self._sources.checks(check)
                for environment in self._project.environments.values()
                for check in environment.gates.checks
            },
            holidays={
                environment.name: self._sources.holidays(environment.gates.holidays)
                for environment in self._project.environments.values()
                if environment.gates.holidays
            },
            revoked=dict(self._revoked(releases.values())),
        )

    def _pairs(
        self, releases: Mapping[ReleaseNumber, Release], standings: Mapping[EnvironmentName, Standing]
    ) -> Iterator[tuple[EnvironmentName, Release]]:
        """What runs in an environment with gates, and what is newer."""
        for name in self._project.pipeline:
            present = standings[name].release or 0
            if self._project.environments[name].gates.declared:
                yield from ((name, release) for number, release in releases.items() if number >= present)

    def _signed(
        self,
        records: Iterable[Record],
        awaited: Mapping[tuple[EnvironmentName, ReleaseNumber], Release],
        now: datetime,
    ) -> Iterator[Record]:
        """All but approvals and waivers that are over, or that their person's key, as the file has it, did not sign."""
        for record in records:
            if isinstance(record, Approval):
                release = awaited.get((record.environment, record.release))
                words = words_of_approval(self._name, record, release) if release else b""
            elif isinstance(record, Waiver):
                words = words_of_waiver(self._name, record) if now < record.until else b""
            else:
                yield record
                continue
            if words and self._sources.signatures.signed_by(words, record.signature, self._people) == record.person:
                yield record

    def _revoked(self, releases: Iterable[Release]) -> Iterator[tuple[ReleaseNumber, str]]:
        standing = [one for one in self._store.revocations() if one.stands]
        for release in releases:
            made = frozenset(release.artifacts.values())
            for revocation in standing:
                if made & frozenset(revocation.artifacts):
                    yield release.number, revocation.because

    @property
    def _name(self) -> ProjectName:
        return self._project.name

    @property
    def _people(self) -> tuple[Person, ...]:
        return self._project.people
