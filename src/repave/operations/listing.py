"""What an artifact of a release is made of, as a document for others' tools."""

import re
from dataclasses import dataclass

from repave.model.artifact import Artifact
from repave.model.names import ImageName, ProjectName
from repave.model.release import Release
from repave.model.statement import Statement
from repave.operations.documents import Documents
from repave.operations.errors import Refused
from repave.operations.releases import newest_release, release_named
from repave.ports.catalog import Catalog
from repave.ports.inventories import Made, SbomFormat
from repave.ports.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One artifact's document."""

    release: Release
    artifact: Artifact
    form: SbomFormat
    statement: Statement


class Listing:
    """Looks up what was baked, and has it listed."""

    def __init__(self, *, project: ProjectName, catalog: Catalog, documents: Documents) -> None:
        self._project = project
        self._catalog = catalog
        self._documents = documents

    def sbom(self, image: str | None, release: str | None, form: SbomFormat, progress: Progress) -> Listed:
        """The document for one image of a release; by default of the newest, and of its only image.

        Raises Refused, Gone (a locked file is not in the vault), Corrupt.
        """
        chosen = release_named(self._catalog, release) if release else newest_release(self._catalog)
        made = made_of(self._project, self._catalog, chosen, _image_of(chosen, image))
        statement = self._documents.bill(made, form, progress)
        return Listed(release=chosen, artifact=made.artifact, form=form, statement=statement)

    def statements(self, release: Release, image: ImageName) -> tuple[Statement, ...]:
        """What is kept beside one artifact, to be signed. Raises Gone, Corrupt."""
        return self._documents.statements(made_of(self._project, self._catalog, release, image))


def made_of(project: ProjectName, catalog: Catalog, release: Release, image: ImageName) -> Made:
    """One artifact of a release, and what it was made from."""
    return Made(
        project=project,
        artifact=catalog.artifact(release.artifacts[image]),
        lock=catalog.lock(release.lock),
        lock_digest=release.lock,
    )


def _image_of(release: Release, image: str | None) -> ImageName:
    names = sorted(release.artifacts)
    if image is not None:
        if image not in names:
            held = f"it holds: {', '.join(names)}"
            hint = f"{held}; a release is named by --release {image}" if re.fullmatch(r"r\d+", image) else held
            raise Refused(f"{release} holds no image `{image}`", hint=hint)
        return ImageName(image)
    if len(names) > 1:
        raise Refused(f"{release} holds several images", hint=f"name one: {', '.join(names)}")
    return names[0]
