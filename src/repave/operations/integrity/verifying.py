"""``repave verify``: every byte of artifacts, offline; of each the first thing that is wrong."""

from dataclasses import dataclass, replace

from repave.model.names import Digest, ImageName, ProjectName
from repave.operations.errors import Refused
from repave.operations.integrity.content import read_content
from repave.operations.integrity.image import ImageReader
from repave.operations.integrity.naming import Naming
from repave.operations.integrity.parts import ImageParts
from repave.operations.integrity.records import Integrity, Subject
from repave.operations.integrity.trust import Trust
from repave.operations.vaults.needs import NamedLock, Need, needs
from repave.ports.catalog import Catalog
from repave.ports.errors import Corrupt, Gone, WorldError
from repave.ports.progress import Progress
from repave.ports.registry import Registry
from repave.ports.signatures import Mark
from repave.ports.vault import Vault


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What looking at one artifact showed."""

    image: ImageName | None
    digest: Digest
    releases: tuple[str, ...]
    layers: int = 0
    size_bytes: int = 0
    files: int = 0
    """Of the vault, that were read again."""

    signed_by: tuple[str, ...] = ()
    """Names of the trusted keys that signed the artifact."""

    signatures: int = 0
    """By whomever."""

    documents: tuple[str, ...] = ()
    """Kinds of the documents beside it that are signed."""

    problem: str = ""
    """The first thing that is wrong; empty when nothing is."""

    hint: str = ""


class Verifying:
    """Looks at the artifacts of one project."""

    def __init__(
        self, *, project: ProjectName, catalog: Catalog, registry: Registry, vault: Vault, trust: Trust
    ) -> None:
        self._catalog = catalog
        self._registry = registry
        self._vault = vault
        self._integrity = Integrity(project=project, catalog=catalog, registry=registry)
        self._reader = ImageReader(registry)
        self._trust = trust
        self._naming = Naming(catalog=catalog, registry=registry)

    def verify(self, named: str | None, *, deep: bool, progress: Progress) -> tuple[Checked, ...]:
        """Look at what is named: an image (of the newest release), a release, a digest or its start, or a tag.

        With ``deep`` the locked files are read again as well, as far as the vault keeps them: one that is missing is
        wrong too. Raises Refused when nothing has that name.
        """
        return tuple(self._checked(subject, deep=deep, progress=progress) for subject in self._naming.named(named))

    def _checked(self, subject: Subject, *, deep: bool, progress: Progress) -> Checked:
        told = Checked(
            image=subject.image, digest=subject.digest, releases=tuple(str(release) for release in subject.releases)
        )
        try:
            parts = self._integrity.check(subject)
            told = replace(told, layers=len(parts.layers), size_bytes=parts.size_bytes)
            self._read(subject, parts, progress)
            told = _with_marks(told, self._trust.check(subject))
            if deep:
                told = replace(told, files=self._read_vault(subject, progress))
        except (WorldError, Refused) as error:
            return replace(told, problem=error.message, hint=error.hint)
        return told

    def _read(self, subject: Subject, parts: ImageParts, progress: Progress) -> None:
        with progress.task(f"Reading {subject}", total=parts.size_bytes, unit="B") as task:
            for layer in parts.layers:
                read_content(layer, self._reader.place(layer), task)

    def _read_vault(self, subject: Subject, progress: Progress) -> int:
        locks = [
            NamedLock(names=(str(release),), lock=self._catalog.lock(release.lock)) for release in subject.releases
        ]
        needed = needs(locks, subject.image)
        total = sum(need.size_bytes for need in needed)
        with progress.task(f"Reading the locked files of {subject}", total=total, unit="B") as task:
            for need in needed:
                self._read_file(need)
                task.advance(need.size_bytes)
        return len(needed)

    def _read_file(self, need: Need) -> None:
        hint = "`repave vault verify --repair` has it again from where it was locked"
        try:
            self._vault.verify(need.sha256)
        except (Gone, Corrupt) as error:
            told = f"{', '.join(need.what)}, locked by {', '.join(need.locks)}: {error.message}"
            raise type(error)(told, hint=hint) from error


def _with_marks(told: Checked, marks: tuple[Mark, ...]) -> Checked:
    signatures = [mark for mark in marks if not mark.predicate]
    return replace(
        told,
        signatures=len(signatures),
        signed_by=tuple(dict.fromkeys(mark.key for mark in signatures if mark.key)),
        documents=tuple(dict.fromkeys(mark.predicate for mark in marks if mark.predicate)),
    )
