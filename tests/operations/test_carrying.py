"""Artifacts travel with their signatures and documents, through a real registry, and are believed in nothing."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cosign_program import PASSPHRASE, pair
from oci_registry import open_registry
from signed_image import flip
from simulated_shop import FILE, QUIET, Shop

from repave.attestations.signatures.cosign import CosignSignatures
from repave.model.names import Digest
from repave.model.signing import SIGNATURES, name_beside
from repave.operations.carrying.parts import INDEX_TYPE, Carried, referrers_tag
from repave.operations.carrying.pulling import Pulling
from repave.operations.carrying.pushing import Pushing
from repave.operations.errors import Refused
from repave.operations.integrity.trust import Trust
from repave.ports.distribution import Distribution, Manifest, Reference, Repository
from repave.ports.errors import Corrupt, Gone, Invalid
from repave.ports.signatures import TrustedKey
from repave.registries.layout import LayoutRegistry
from repave.registries.oci.pushing import RegistryWriter
from repave.registries.oci.session import Session

pytestmark = pytest.mark.real

SIGNING = 'signing: {key: "file:release.key", passphrase: "env:PASSPHRASE"}\n'
OURS, THEIRS = pair("release.pub"), pair("theirs.pub")


class Listing(RegistryWriter):
    """A registry that lists what is about a subject, as newer ones do."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.listed: dict[Digest, dict[str, object]] = {}

    def put(self, repository: Repository, manifest: Manifest, *, tag: str = "") -> bool:
        """Note what has a subject."""
        super().put(repository, manifest, tag=tag)
        if "subject" not in json.loads(manifest.content):
            return False
        size, kind = len(manifest.content), manifest.media_type
        self.listed[manifest.digest] = {"digest": manifest.digest, "size": size, "mediaType": kind}
        return True

    def referrers(self, repository: Repository, subject: Digest) -> Manifest | None:
        """All of it."""
        del repository
        content = json.dumps(
            {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [*self.listed.values()]}
        ).encode()
        return Manifest(content=content, media_type=INDEX_TYPE, digest=subject)


class Road:
    """From a shop over a registry to another place."""

    def __init__(self, shop: Shop, host: str, folder: Path, distribution: Distribution) -> None:
        self.shop = shop
        self.repository = Repository(registry=host, name="team/shop/web")
        self.data = folder / "remote" / "data"
        self.distribution = distribution
        self.elsewhere = LayoutRegistry(folder / "elsewhere")
        self._folder = folder

    @property
    def subject(self) -> Digest:
        """What travels."""
        return next(iter(self.shop.store.releases()[-1].artifacts.values()))

    def push(self) -> Carried:
        """There."""
        pushing = Pushing(registry=self.shop.registry, distribution=self.distribution)
        return pushing.push(self.subject, self.repository, "r1", QUIET)

    def pull(self, *keys: TrustedKey, into: LayoutRegistry | None = None) -> Carried:
        """And on."""
        registry = into or self.elsewhere
        pulling = Pulling(
            registry=registry,
            distribution=self.distribution,
            trust=Trust(signatures=CosignSignatures(registry), keys=keys),
            scratch=self._folder,
        )
        return pulling.pull(Reference(repository=self.repository, tag="r1"), "web:r1", QUIET)

    def blob(self, digest: Digest) -> Path:
        """Where the registry keeps it."""
        value = digest.removeprefix("sha256:")
        return self.data / "docker" / "registry" / "v2" / "blobs" / "sha256" / value[:2] / value / "data"


@pytest.fixture(params=["lists referrers", "does not"])
def road(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Road]:
    """A signed artifact that has not yet left."""
    with ExitStack() as opened:
        shop = Shop(tmp_path / "shop", FILE + SIGNING)
        opened.callback(shop.close)
        shop.variables["PASSPHRASE"] = PASSPHRASE
        (shop.folder / "release.key").write_text(OURS.pem(passphrase=PASSPHRASE), encoding="ascii")
        shop.lock()
        shop.bake()
        host = opened.enter_context(open_registry(tmp_path / "remote"))
        session = Session()
        opened.callback(session.close)
        kind = Listing if request.param == "lists referrers" else RegistryWriter
        yield Road(shop, host, tmp_path, kind(session))


def test_what_is_beside_an_artifact_travels_with_it(road: Road) -> None:
    """Signatures are judged, and documents are found, at the other end as here."""
    pushed, pulled = road.push(), road.pull(OURS.trusted)
    assert (pushed.digest, pushed.signed, pushed.documents) == (road.subject, True, 2)
    assert (pulled.digest, pulled.signed, pulled.documents) == (road.subject, True, 2)
    for registry in (road.shop.registry, road.elsewhere):
        marks = CosignSignatures(registry).marks(road.subject, (OURS.trusted,))
        assert [mark.key for mark in marks] == ["release.pub"] * 3
    assert road.elsewhere.attached(road.subject) == road.shop.registry.attached(road.subject)
    for one in road.elsewhere.attached(road.subject):
        assert road.elsewhere.document(one) == road.shop.registry.document(one)


def test_pushing_again_changes_nothing(road: Road) -> None:
    """A document is listed once, beside those of others."""
    first = road.push()
    assert road.push() == first
    if isinstance(road.distribution, Listing):
        assert len(road.distribution.listed) == 2
        return
    reference = Reference(repository=road.repository, tag=referrers_tag(road.subject))
    index = json.loads(road.distribution.manifest(reference).content)
    assert len(index["manifests"]) == 2
    other = {"digest": "sha256:" + "0" * 64, "mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 2}
    content = json.dumps({**index, "manifests": [other, *index["manifests"]]}).encode()
    with pytest.raises(Invalid):  # this registry takes no index that names what it does not have
        put(road, content)
    road.push()
    assert json.loads(road.distribution.manifest(reference).content) == index


def put(road: Road, content: bytes) -> None:
    """Write the index that stands for a list."""
    manifest = Manifest(content=content, media_type=INDEX_TYPE, digest=road.subject)
    road.distribution.put(road.repository, manifest, tag=referrers_tag(road.subject))


def test_what_no_trusted_key_signed_gets_no_name(road: Road) -> None:
    """And what was signed here already stays as it is."""
    road.push()
    with pytest.raises(Refused, match=r"theirs\.pub"):
        road.pull(THEIRS.trusted)
    assert road.elsewhere.tags() == ()
    CosignSignatures(road.elsewhere).sign(road.subject, name="shop/web", statements=(), signer=THEIRS.signer)
    before = road.elsewhere.resolve(name_beside(road.subject, SIGNATURES))
    other = pair("other.pub")
    with pytest.raises(Refused, match=r"other\.pub"):
        road.pull(other.trusted)
    assert road.elsewhere.resolve(name_beside(road.subject, SIGNATURES)) == before


def test_one_bit_at_the_registry_is_noticed(road: Road) -> None:
    """Of a layer and of a document: nothing gets a name."""
    road.push()
    layers = json.loads(road.shop.registry.read(road.subject))["layers"]
    (attached, *_) = road.shop.registry.attached(road.subject)
    document = Digest(json.loads(road.shop.registry.read(attached.manifest))["layers"][0]["digest"])
    for digest in (Digest(layers[0]["digest"]), document):
        flip(road.blob(digest), 9)
        with pytest.raises(Corrupt):
            road.pull()
        flip(road.blob(digest), 9)
        assert "web:r1" not in dict(road.elsewhere.tags())
    road.pull()
    assert dict(road.elsewhere.tags())["web:r1"] == road.subject


def test_a_blob_that_was_lost_here_is_had_back(road: Road) -> None:
    """A release that was pushed is deployed again after its layers were lost."""
    road.push()
    layer = Digest(json.loads(road.shop.registry.read(road.subject))["layers"][0]["digest"])
    road.shop.registry.remove(layer)
    with pytest.raises(Gone):
        road.shop.deploy("test")
    road.pull(into=road.shop.registry)
    assert road.shop.deploy("test").as_asked


def test_an_index_of_several_images_is_refused(road: Road) -> None:
    """Which of them is meant is for a person to say."""
    road.push()
    entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": road.subject, "size": 1}
    content = json.dumps({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]}).encode()
    manifest = Manifest(content=content, media_type=INDEX_TYPE, digest=road.subject)
    road.distribution.put(road.repository, manifest, tag="r1")
    with pytest.raises(Refused, match="is no OCI image"):
        road.pull()
