"""Bakes are signed, and nothing is deployed that no trusted key has signed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cosign_program import PASSPHRASE, Pair, pair
from signed_image import flip
from simulated_shop import FILE, QUIET, Shop

from repave.attestations.signatures.beside import Beside
from repave.config.project import parse_project
from repave.model.names import Digest
from repave.model.signing import DOCUMENTS, SIGNATURES, name_beside
from repave.model.statement import CYCLONEDX, PROVENANCE
from repave.operations.errors import Refused
from repave.operations.gc import Sweeping
from repave.operations.integrity.verifying import Checked
from repave.ports.errors import Corrupt, Denied

SIGNING = 'signing: {key: "file:release.key", passphrase: "env:PASSPHRASE", verify: [release.pub]}\n'
OURS, THEIRS = pair("release.pub"), pair("theirs.pub")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Signs, and trusts itself only."""
    made = Shop(tmp_path / "shop", FILE + SIGNING)
    made.variables["PASSPHRASE"] = PASSPHRASE
    for each in (OURS, THEIRS):
        (made.folder / each.name).write_text(each.trusted.pem, encoding="ascii")
    have_key(made, OURS)
    made.lock()
    yield made
    made.close()


def have_key(shop: Shop, key: Pair) -> None:
    """The project's key is now this one."""
    (shop.folder / "release.key").write_text(key.pem(passphrase=PASSPHRASE), encoding="ascii")


def declare(shop: Shop, signing: str) -> None:
    """The file says this of signing now."""
    shop.project = parse_project(FILE + signing, filename="repave.yaml")


def verified(shop: Shop) -> Checked:
    """What the verb shows."""
    (checked,) = shop.verifying.verify(None, deep=False, progress=QUIET)
    return checked


def artifact(shop: Shop) -> Digest:
    """Of the newest release."""
    return next(iter(shop.store.releases()[-1].artifacts.values()))


def refused(shop: Shop, match: str) -> None:
    """By both verbs, for this reason, with nothing wanted or started."""
    problem = verified(shop).problem
    assert match in problem
    assert "web of r" in problem
    with pytest.raises((Refused, Corrupt), match=match):
        shop.deploy("test")
    assert not shop.machines.published()
    assert not shop.store.fleets()
    assert not shop.world.machines


def test_what_is_baked_is_signed_and_may_be_deployed(shop: Shop) -> None:
    """Each artifact, with its documents; verified by name of the key."""
    baked = shop.bake()
    assert [one.documents for one in baked.signed] == [(CYCLONEDX, PROVENANCE)]
    checked = verified(shop)
    assert (checked.problem, checked.signed_by, checked.documents) == ("", ("release.pub",), (CYCLONEDX, PROVENANCE))
    assert shop.deploy("test").as_asked


def test_baking_again_changes_no_signature(shop: Shop) -> None:
    """The same lock, the same digests, also beside."""
    shop.bake()
    before = shop.registry.tags()
    shop.bake()
    assert shop.registry.tags() == before


def test_without_a_key_nothing_is_signed_and_nothing_required(shop: Shop) -> None:
    """Signing is a choice."""
    declare(shop, "")
    assert shop.bake().signed == ()
    assert verified(shop).signatures == 0
    assert shop.deploy("test").as_asked


def test_what_is_not_signed_is_not_deployed(shop: Shop) -> None:
    """Baked before there was a key, it is signed by baking again."""
    declare(shop, "")
    shop.bake()
    declare(shop, SIGNING)
    refused(shop, "is not signed")
    shop.bake()
    assert shop.deploy("test").as_asked


def test_what_another_key_signed_is_not_deployed(shop: Shop) -> None:
    """Until that key is trusted too."""
    declare(shop, SIGNING.replace(", verify: [release.pub]", ""))
    have_key(shop, THEIRS)
    shop.bake()
    declare(shop, SIGNING)
    refused(shop, "is signed, but not by release.pub")
    declare(shop, SIGNING.replace("[release.pub]", "[release.pub, theirs.pub]"))
    assert verified(shop).signed_by == ("theirs.pub",)
    assert shop.deploy("test").as_asked


def test_a_document_that_no_trusted_key_signed_is_refused(shop: Shop) -> None:
    """Of each kind that is there, one must be signed by a key that counts."""
    shop.bake()
    shop.registry.untag(name_beside(artifact(shop), DOCUMENTS))
    declare(shop, SIGNING.replace(", verify: [release.pub]", ""))
    have_key(shop, THEIRS)
    shop.bake()
    declare(shop, SIGNING)
    refused(shop, f"the document {CYCLONEDX}")


@pytest.mark.parametrize("kind", [SIGNATURES, DOCUMENTS])
@pytest.mark.parametrize("bit", [3, -700])
def test_one_bit_of_a_signature_or_document_keeps_everything_from_starting(shop: Shop, kind: str, bit: int) -> None:
    """Of the manifest that holds it, and of itself; with trusted keys and with none."""
    shop.bake()
    digest = artifact(shop)
    entry, *_ = Beside(shop.registry).entries(digest, kind)
    for place in (shop.registry.path(shop.registry.add(entry.content)), manifest(shop, kind)):
        flip(place, bit)
        for signing in (SIGNING, ""):
            declare(shop, signing)
            refused(shop, name_beside(digest, kind))
        flip(place, bit)
        assert not verified(shop).problem


def manifest(shop: Shop, kind: str) -> Path:
    """The file that names what is beside the artifact."""
    return shop.registry.path(shop.registry.resolve(name_beside(artifact(shop), kind)))


def test_an_unsigned_release_is_no_way_back(shop: Shop) -> None:
    """Once signatures are required, a rollback returns only to what is signed."""
    declare(shop, "")
    shop.bake()
    shop.deploy("test")
    declare(shop, SIGNING)
    shop.change_application("print('signed')\n")
    shop.bake()
    assert shop.deploy("test").as_asked
    shop.publish(shop.store.releases()[-1], "test")
    target = shop.store.target(shop.keys("test")[0])
    assert target is not None
    assert [(proof.release, proof.bootable) for proof in target.proven] == [(1, False), (2, True)]


def breaks_the_passphrase(shop: Shop) -> None:
    """Another one."""
    shop.variables["PASSPHRASE"] = "battery staple"  # noqa: S105 - a wrong one


def breaks_the_key(shop: Shop) -> None:
    """Another one, which is not trusted."""
    have_key(shop, THEIRS)


@pytest.mark.parametrize(("change", "error"), [(breaks_the_passphrase, Denied), (breaks_the_key, Refused)])
def test_a_key_that_cannot_sign_is_known_before_the_bake(
    shop: Shop, change: Callable[[Shop], None], error: type[Exception]
) -> None:
    """Nothing is baked that could not be signed, or not be deployed afterwards."""
    change(shop)
    with pytest.raises(error):
        shop.bake()
    assert not shop.store.releases()


def test_neither_key_nor_passphrase_is_kept_anywhere(shop: Shop) -> None:
    """Not in the store, the vault or the registry."""
    shop.bake()
    shop.deploy("test")
    key = OURS.pem().splitlines()[1].encode()
    for path in shop.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert PASSPHRASE.encode() not in content, path
            assert key not in content, path


def test_what_is_beside_an_artifact_goes_with_it(shop: Shop) -> None:
    """It stays while the artifact stays, and no longer."""
    sweeping = Sweeping(
        store=shop.store,
        vault=shop.vault,
        registry=shop.registry,
        machines=(shop.machines,),
        present=shop.locked.present(),
    )
    shop.bake()
    first = artifact(shop)
    assert not sweeping.sweep(1, remove=True).waste
    assert verified(shop).signed_by
    shop.change_application("print('next')\n")
    shop.bake()
    sweeping.sweep(1, remove=True)
    assert name_beside(first, SIGNATURES) not in dict(shop.registry.tags())
    assert verified(shop).signed_by
    assert not [waste for waste in sweeping.sweep(1, remove=False).waste if waste.kind == "blob"]
