"""Which artifact a bill of materials is asked about."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from repave.attestations.provenance import BakeProvenance
from repave.model.artifact import Artifact
from repave.model.lock import Lock, LockedImage
from repave.model.names import Digest, ImageName, ProjectName
from repave.model.recipe import Base, ImageKind
from repave.model.statement import CYCLONEDX, Statement
from repave.operations.documents import Documents
from repave.operations.errors import Refused
from repave.operations.listing import Listing
from repave.ports.inventories import Made, SbomFormat
from repave.ports.progress import Progress, Silent
from repave.registries.layout import LayoutRegistry
from repave.simulation.memory.store import MemoryStore

NOW = datetime(2026, 11, 25, tzinfo=UTC)
WEB, WORKER = ImageName("web"), ImageName("worker")


def digest(character: str) -> Digest:
    """A digest to tell apart."""
    return Digest(f"sha256:{character * 64}")


class Seen:
    """Inventories that say which artifact they were asked about."""

    def sbom(self, made: Made, form: SbomFormat, *, progress: Progress) -> Statement:
        """Its digest and lock, as a document."""
        del progress
        text = f"{made.name} {made.artifact.digest} {made.lock_digest} {len(made.lock.images)} {form}"
        return Statement(
            subject=made.artifact.digest,
            name=made.name,
            predicate_type=CYCLONEDX,
            media_type="",
            document=text.encode(),
        )


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    """Nothing was kept before."""
    registry = LayoutRegistry(tmp_path)
    return Documents(attachments=registry, inventories=Seen(), provenances=BakeProvenance(version="1"))


@pytest.fixture
def catalog() -> MemoryStore:
    """Two releases: of one image, then of two."""
    catalog = MemoryStore()
    image = LockedImage(name=WEB, kind=ImageKind.CONTAINER, base=Base(), recipe=digest("e"))
    catalog.add_lock(digest("1"), Lock(images=(image,)), NOW)
    catalog.add_lock(digest("2"), Lock(images=(image, replace(image, name=WORKER))), NOW)
    for image_name, character in ((WEB, "a"), (WORKER, "b")):
        artifact = Artifact(
            image=image_name, kind=ImageKind.CONTAINER, digest=digest(character), size_bytes=1, layers=()
        )
        catalog.add_artifact(artifact, digest("1"), NOW)
    catalog.add_release({WEB: digest("a")}, digest("1"), "source", NOW)
    catalog.add_release({WEB: digest("a"), WORKER: digest("b")}, digest("2"), "source", NOW)
    return catalog


@pytest.mark.parametrize(
    ("image", "release", "told"),
    [
        ("worker", None, f"shop/worker {digest('b')} {digest('2')} 2"),
        ("web", None, f"shop/web {digest('a')} {digest('2')} 2"),
        (None, "r1", f"shop/web {digest('a')} {digest('1')} 1"),
        ("web", "1", f"shop/web {digest('a')} {digest('1')} 1"),
    ],
)
def test_an_artifact_is_listed_with_the_lock_of_its_release(
    catalog: MemoryStore, documents: Documents, image: str | None, release: str | None, told: str
) -> None:
    """The newest release where none is named, and the only image of one."""
    listing = Listing(project=ProjectName("shop"), catalog=catalog, documents=documents)
    found = listing.sbom(image, release, SbomFormat.SPDX, Silent())
    assert found.statement.document.decode() == f"{told} spdx"
    assert found.artifact.image == (image or "web")


@pytest.mark.parametrize(
    ("image", "release", "hint"),
    [
        (None, None, "name one: web, worker"),
        ("wbe", None, "it holds: web, worker"),
        ("worker", "r1", "it holds: web"),
        ("r1", None, "it holds: web, worker; a release is named by --release r1"),
    ],
)
def test_what_is_not_certain_is_asked_back(
    catalog: MemoryStore, documents: Documents, image: str | None, release: str | None, hint: str
) -> None:
    """With the names there are."""
    with pytest.raises(Refused) as refused:
        Listing(project=ProjectName("shop"), catalog=catalog, documents=documents).sbom(
            image, release, SbomFormat.SPDX, Silent()
        )
    assert refused.value.hint == hint


def test_before_the_first_bake_there_is_nothing_to_list(documents: Documents) -> None:
    """And the way there is told."""
    listing = Listing(project=ProjectName("shop"), catalog=MemoryStore(), documents=documents)
    with pytest.raises(Refused, match="nothing is baked yet"):
        listing.sbom(None, None, SbomFormat.CYCLONEDX, Silent())
