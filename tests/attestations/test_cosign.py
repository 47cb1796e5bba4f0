"""cosign accepts what is written here, and what it writes is judged here: the real program, over a real registry."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cosign_program import cosign_program, pair
from oci_registry import open_registry
from signed_image import small_image, statements

from repave.attestations.signatures.cosign import CosignSignatures
from repave.attestations.signatures.keys import read_private
from repave.model.names import Digest
from repave.model.statement import CYCLONEDX
from repave.operations.carrying.pulling import Pulling
from repave.operations.carrying.pushing import Pushing
from repave.operations.integrity.trust import Trust
from repave.ports.distribution import Reference, Repository
from repave.ports.progress import Silent
from repave.ports.signatures import Mark, TrustedKey
from repave.registries.layout import LayoutRegistry
from repave.registries.oci.pushing import RegistryWriter
from repave.registries.oci.session import Session

pytestmark = [pytest.mark.real, pytest.mark.network]

OURS = pair("ours.pub")


@dataclass(frozen=True, kw_only=True)
class Place:
    """An image here and in a registry, signed by us."""

    folder: Path
    registry: LayoutRegistry
    subject: Digest
    repository: Repository
    session: Session

    @property
    def address(self) -> str:
        """Of the image, by its digest."""
        return f"{self.repository}@{self.subject}"

    def cosign(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it; keys it makes have the passphrase ``secret``."""
        environment = {**os.environ, "HOME": str(self.folder), "COSIGN_PASSWORD": "secret"}
        return subprocess.run(
            [cosign_program(), *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Signed and pushed."""
    folder = tmp_path_factory.mktemp("cosign")
    registry, subject = small_image(folder / "layout")
    CosignSignatures(registry).sign(subject, name="shop/web", statements=statements(subject), signer=OURS.signer)
    (folder / "ours.pub").write_text(OURS.trusted.pem, encoding="ascii")
    session = Session()
    with open_registry(folder / "registry") as host:
        repository = Repository(registry=host, name="team/shop")
        made = Place(folder=folder, registry=registry, subject=subject, repository=repository, session=session)
        pushing = Pushing(registry=registry, distribution=RegistryWriter(session))
        assert pushing.push(subject, repository, "r1", Silent()).signed
        assert made.cosign("generate-key-pair", "--output-key-prefix", "theirs").returncode == 0
        yield made
    session.close()


def verified(place: Place, *arguments: str, key: str = "ours.pub") -> subprocess.CompletedProcess[str]:
    """What cosign says of the image."""
    verb, *rest = arguments
    return place.cosign(verb, "--key", key, "--insecure-ignore-tlog=true", *rest, place.address)


def test_cosign_accepts_the_signature(place: Place) -> None:
    """And no other key does."""
    done = verified(place, "verify")
    assert done.returncode == 0, done.stderr
    (claim,) = json.loads(done.stdout)
    assert claim["critical"]["image"]["docker-manifest-digest"] == place.subject
    assert verified(place, "verify", key="theirs.pub").returncode != 0


@pytest.mark.parametrize("kind", ["cyclonedx", "slsaprovenance1"])
def test_cosign_accepts_the_documents(place: Place, kind: str) -> None:
    """Each by its own kind, and by our key only."""
    done = verified(place, "verify-attestation", "--type", kind)
    assert done.returncode == 0, done.stderr
    assert verified(place, "verify-attestation", "--type", kind, key="theirs.pub").returncode != 0


def test_what_cosign_signs_is_judged_here(place: Place, tmp_path: Path) -> None:
    """Pulled with the image, beside our own; cosign's encrypted key opens here too, and signs what is there already."""
    (place.folder / "sbom.json").write_text('{"bomFormat":"CycloneDX","specVersion":"1.5"}', encoding="ascii")
    by_them = ("--key", "theirs.key", "--tlog-upload=false", "--yes")
    for arguments in (
        ("sign", *by_them),
        ("attest", *by_them, "--type", "cyclonedx", "--predicate", "sbom.json"),
    ):
        done = place.cosign(*arguments, place.address)
        assert done.returncode == 0, done.stderr
    pulled = LayoutRegistry(tmp_path / "pulled")
    reference = Reference(repository=place.repository, tag="r1")
    pulling = Pulling(
        registry=pulled,
        distribution=RegistryWriter(place.session),
        trust=Trust(signatures=CosignSignatures(pulled), keys=(OURS.trusted,)),
        scratch=place.folder,
    )
    assert pulling.pull(reference, "shop-web:r1", Silent()).digest == place.subject
    theirs = TrustedKey(name="theirs.pub", pem=(place.folder / "theirs.pub").read_text(encoding="ascii"))
    marks = CosignSignatures(pulled).marks(place.subject, (OURS.trusted, theirs))
    for mark in (Mark(predicate="", key="theirs.pub"), Mark(predicate=CYCLONEDX, key="theirs.pub")):
        assert mark in marks
        assert Mark(predicate=mark.predicate, key="ours.pub") in marks
    signer = read_private((place.folder / "theirs.key").read_text(encoding="ascii"), lambda: "secret", what="theirs")
    assert signer.public == theirs.pem
    CosignSignatures(pulled).sign(place.subject, name="shop/web", statements=(), signer=signer)
    judged = CosignSignatures(pulled).marks(place.subject, (theirs,))
    assert Mark(predicate="", key="theirs.pub") in judged
