"""An artifact against what was written down when it was baked: its name in the index, its record, its lock."""

from dataclasses import dataclass

from repave.config.lockfile import lock_digest
from repave.model.artifact import Artifact
from repave.model.names import Digest, ImageName, ProjectName
from repave.model.release import Release
from repave.operations.integrity.image import ImageReader
from repave.operations.integrity.parts import ImageParts
from repave.ports.catalog import Catalog
from repave.ports.errors import Corrupt, WorldError
from repave.ports.registry import Registry

STORE_HINT = "the store in .repave is not as it was written: bake the lock of that release again"


DOCUMENTS = {
    "application/vnd.cyclonedx+json": "the bill of materials",
    "application/vnd.in-toto+json": "the provenance",
}
"""How people call them."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One artifact to be looked at."""

    digest: Digest
    image: ImageName | None = None
    """None for one that no release holds."""

    releases: tuple[Release, ...] = ()
    """Those that hold it, of those that were asked about."""

    def __str__(self) -> str:
        """``web of r3``, or the digest."""
        if self.image is None:
            return self.digest
        return f"{self.image} of {', '.join(str(release) for release in self.releases)}"


class Integrity:
    """Looks at artifacts of one project, nothing but documents read: what is unpacked from layers is hashed there."""

    def __init__(self, *, project: ProjectName, catalog: Catalog, registry: Registry) -> None:
        self._project = project
        self._catalog = catalog
        self._registry = registry
        self._reader = ImageReader(registry)

    def check(self, subject: Subject) -> ImageParts:
        """The parts of one artifact, all but the content of its layers verified.

        Raises Gone or Corrupt, with the first thing that is wrong.
        """
        try:
            return self._check(subject)
        except WorldError as error:
            error.message = f"{subject}: {error.message}"
            error.args = (error.message,)
            raise

    def _check(self, subject: Subject) -> ImageParts:
        for release in subject.releases:
            self._index(subject, release)
        parts = self._reader.parts(subject.digest)
        self._documents(subject)
        if subject.releases:
            self._record(self._catalog.artifact(subject.digest), subject, parts)
        for release in subject.releases:
            found = lock_digest(self._catalog.lock(release.lock))
            if found != release.lock:
                raise Corrupt(
                    f"the lock kept for {release} has the digest {found}, not {release.lock}", hint=STORE_HINT
                )
        return parts

    def _documents(self, subject: Subject) -> None:
        """What is kept beside the artifact, each read whole."""
        for one in self._registry.attached(subject.digest):
            try:
                self._registry.document(one)
            except WorldError as error:
                what = DOCUMENTS.get(one.media_type, f"the document of the kind {one.media_type}")
                raise type(error)(f"{what}: {error.message}", hint=error.hint) from error

    def _index(self, subject: Subject, release: Release) -> None:
        name = artifact_name(self._project, subject.image, release)
        found = self._registry.resolve(name)
        if found != subject.digest:
            raise Corrupt(
                f"the index of the registry says that {name} is {found}, the release says {subject.digest}",
                hint=f"`repave bake` names again what was baked; who changed {name}?",
            )

    def _record(self, artifact: Artifact, subject: Subject, parts: ImageParts) -> None:
        written = tuple((layer.digest, layer.size_bytes) for layer in artifact.layers)
        found = tuple((layer.digest, layer.size_bytes) for layer in parts.layers)
        if (artifact.digest, artifact.image) != (subject.digest, subject.image) or written != found:
            raise Corrupt(f"the record of {subject.digest} names other layers than its manifest", hint=STORE_HINT)


def artifact_name(project: ProjectName, image: ImageName | None, release: Release) -> str:
    """By which the registry's index knows an artifact of a release: ``shop-web:r3``."""
    return f"{project}-{image}:{release}"
