"""What is kept beside every artifact: made at the bake, found again, made anew when lost, refused when changed."""

import json
from pathlib import Path

import pytest
from bases_below import SaidBases
from said_bundles import SaidBundles
from simulated_shop import QUIET, Shop

from repave.config.recipes import recipe_digest
from repave.model.names import ImageName
from repave.model.statement import CYCLONEDX, PROVENANCE
from repave.operations.documents import LOCK, PREDICATE_TYPE
from repave.operations.gc import Sweeping
from repave.operations.listing import Listing, made_of
from repave.operations.where import Search
from repave.ports.attachments import Attached
from repave.ports.errors import Corrupt
from repave.ports.inventories import SbomFormat

WEB = ImageName("web")


@pytest.fixture
def baked(shop: Shop) -> Shop:
    """One release."""
    shop.lock()
    shop.bake()
    return shop


def kept(shop: Shop, kind: str) -> Attached:
    """The document of a kind about the newest artifact."""
    listed = shop.registry.attached(shop.store.releases()[-1].artifacts[WEB])
    (found,) = (one for one in listed if one.annotations[PREDICATE_TYPE] == kind)
    return found


def blob(shop: Shop, document: Attached) -> Path:
    """Where the document itself is."""
    return shop.registry.path(json.loads(shop.registry.read(document.manifest))["layers"][0]["digest"])


def test_a_bake_leaves_both_documents_beside_the_artifact(baked: Shop) -> None:
    """What it is made of, and how it was made: from which lock and recipe."""
    release = baked.store.releases()[-1]
    assert json.loads(baked.registry.document(kept(baked, CYCLONEDX))) == {"names": ["openssl", "zlib"]}
    statement = json.loads(baked.registry.document(kept(baked, PROVENANCE)))
    assert statement["subject"] == [{"name": "shop/web", "digest": {"sha256": release.artifacts[WEB][7:]}}]
    parameters = statement["predicate"]["buildDefinition"]["externalParameters"]
    assert parameters["lock"]["digest"] == {"sha256": release.lock[7:]}
    assert parameters["recipe"]["packages"] == ["openssl"]
    assert "guards" not in parameters["recipe"]


def test_a_bake_that_changes_nothing_writes_no_document(baked: Shop) -> None:
    """Not one byte."""
    before = sorted(baked.registry.blobs()), baked.registry.attached()
    baked.bake()
    assert (sorted(baked.registry.blobs()), baked.registry.attached()) == before


def test_when_it_was_baked_is_known_and_is_in_no_document(baked: Shop) -> None:
    """Each bake of a release has its times; artifacts and what is said of them stay as they are, byte for byte."""
    before = {digest: baked.registry.read(digest) for digest, _ in baked.registry.blobs()}
    baked.clock.sleep(3600)
    again = baked.bake().bake
    assert {digest: baked.registry.read(digest) for digest, _ in baked.registry.blobs()} == before
    first, second = baked.store.bakes(baked.store.releases()[-1].number)
    assert (second, (second.began_at - first.began_at).total_seconds()) == (again, 3600)
    search = Search(
        store=baked.store, present=None, advisories=(), bases=SaidBases(), bundles=SaidBundles(), progress=QUIET
    )
    (holding,) = search.find("r1").holdings
    assert holding.bakes == (first, second)


def test_another_lock_of_the_same_artifact_has_a_provenance_of_its_own(baked: Shop) -> None:
    """Both stay true."""
    release = baked.store.releases()[-1]
    made = made_of(baked.project.name, baked.store, release, WEB)
    again = type(made)(project=made.project, artifact=made.artifact, lock=made.lock, lock_digest=release.artifacts[WEB])
    baked.documents.keep(again, {}, QUIET)
    locks = {one.annotations[LOCK] for one in baked.registry.attached(made.artifact.digest)}
    assert locks == {release.lock, release.artifacts[WEB]}
    assert len(baked.documents.statements(made)) == 2


@pytest.mark.parametrize("kind", [CYCLONEDX, PROVENANCE])
def test_a_document_that_was_lost_is_made_again(baked: Shop, kind: str) -> None:
    """By the next bake, the same bytes."""
    document = kept(baked, kind)
    place = blob(baked, document)
    content = place.read_bytes()
    place.unlink()
    baked.bake()
    assert place.read_bytes() == content
    baked.registry.detach(document.manifest)
    baked.bake()
    assert kept(baked, kind) == document


@pytest.mark.parametrize(("kind", "name"), [(CYCLONEDX, "bill of materials"), (PROVENANCE, "the provenance")])
def test_one_bit_of_a_document_keeps_everything_from_starting(baked: Shop, kind: str, name: str) -> None:
    """It is named, by the verb that verifies and by the deploy; the bake does not cover it up."""
    place = blob(baked, kept(baked, kind))
    place.chmod(0o644)
    content = bytearray(place.read_bytes())
    content[len(content) // 2] ^= 4
    place.write_bytes(content)
    (checked,) = baked.verifying.verify(None, deep=False, progress=QUIET)
    assert name in checked.problem
    assert checked.hint
    with pytest.raises(Corrupt, match=name):
        baked.deploy("test")
    assert not baked.world.machines
    with pytest.raises(Corrupt):
        baked.bake()


def test_statements_are_what_was_kept(baked: Shop) -> None:
    """What is signed is what everybody can read; it says so of the artifact's own digest."""
    made = made_of(baked.project.name, baked.store, baked.store.releases()[-1], WEB)
    statements = {one.predicate_type: one for one in baked.documents.statements(made)}
    assert set(statements) == {CYCLONEDX, PROVENANCE}
    for kind, statement in statements.items():
        assert statement.alone == baked.registry.document(kept(baked, kind))
        assert json.loads(statement.in_toto)["predicateType"] == kind


def test_the_verb_shows_the_document_that_was_kept(baked: Shop) -> None:
    """Not one that would be made now; in a format that is not kept, it is made."""
    listing = Listing(project=baked.project.name, catalog=baked.store, documents=baked.documents)
    shown = listing.sbom(None, None, SbomFormat.CYCLONEDX, QUIET).statement
    assert shown.document == baked.registry.document(kept(baked, CYCLONEDX))
    assert shown.media_type == "application/vnd.cyclonedx+json"
    assert listing.sbom(None, None, SbomFormat.SPDX, QUIET).statement.document == shown.document


def test_documents_go_with_their_artifact(baked: Shop) -> None:
    """And not before: what stays is counted with them."""
    first = baked.store.releases()[-1].artifacts[WEB]
    (baked.folder / "app" / "app.py").write_text("2\n", encoding="utf-8")
    baked.lock()
    baked.bake()
    sweeping = Sweeping(
        store=baked.store, vault=baked.vault, registry=baked.registry, machines=(), present=baked.locked.present()
    )
    assert [one.kind for one in sweeping.sweep(2, remove=True).waste] == []
    gone = [one.kind for one in sweeping.sweep(1, remove=True).waste]
    assert gone.count("document") == 2
    assert baked.registry.attached(first) == ()
    assert len(baked.registry.attached()) == 2
    assert sweeping.sweep(1, remove=True).waste == ()
    (checked,) = baked.verifying.verify(None, deep=False, progress=QUIET)
    assert checked.problem == ""


def test_the_recipe_that_is_told_is_the_one_that_is_digested(baked: Shop) -> None:
    """Its digest is the lock's, which a change of a recipe changes."""
    image = baked.project.images[WEB]
    made = made_of(baked.project.name, baked.store, baked.store.releases()[-1], WEB)
    assert made.lock.images[0].recipe == recipe_digest(image)
