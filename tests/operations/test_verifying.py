"""Nothing unverified is ever started: one changed bit anywhere is refused by name."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simulated_shop import QUIET, Shop

from repave.model.artifact import Artifact
from repave.model.names import Digest, ImageName
from repave.operations.errors import Refused
from repave.operations.integrity.verifying import Checked
from repave.ports.errors import Corrupt, Gone, WorldError
from repave.ports.progress import Progress
from repave.simulation.provider import SimulatedProvider


@pytest.fixture
def baked(shop: Shop) -> Shop:
    """One release, not yet deployed."""
    shop.lock()
    shop.bake()
    return shop


def flip(path: Path, bit: int) -> None:
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    bit %= 8 * len(content)
    content[bit // 8] ^= 1 << bit % 8
    path.chmod(0o644)
    path.write_bytes(content)


def places(shop: Shop) -> dict[str, Path]:
    """The files of the newest artifact, by what they are."""
    (subject,) = shop.verifying._naming.named(None)
    parts = shop.verifying._integrity.check(subject)
    return {
        "index.json": shop.folder / "registry" / "index.json",
        "the manifest": shop.registry.path(subject.digest),
        "the configuration": shop.registry.path(parts.configuration.digest),
        "layer 1": shop.registry.path(parts.layers[0].digest),
    }


def verified(shop: Shop, named: str | None = None, *, deep: bool = False) -> Checked:
    """What the verb shows of the one artifact there is."""
    (checked,) = shop.verifying.verify(named, deep=deep, progress=QUIET)
    return checked


def refused(baked: Shop, what: str) -> None:
    """Both verbs name it, and nothing is published, wanted or started."""
    checked = verified(baked)
    assert what in checked.problem
    assert "web of r1" in checked.problem
    assert checked.hint
    with pytest.raises(WorldError, match="web of r1"):
        baked.deploy("test")
    assert not baked.machines.published()
    assert not baked.store.fleets()
    assert not baked.world.machines


@pytest.mark.parametrize("what", ["the manifest", "the configuration"])
@pytest.mark.parametrize("bit", [0, 333, -3])
def test_one_bit_of_a_document_keeps_everything_from_starting(baked: Shop, what: str, bit: int) -> None:
    """Wherever in it the bit is."""
    flip(places(baked)[what], bit)
    refused(baked, what)


@pytest.mark.parametrize("value", ['"sha256:', '"size": ', '"shop-web:', '"application/vnd.oci.image.m', "{"])
def test_one_bit_of_the_index_keeps_everything_from_starting(baked: Shop, value: str) -> None:
    """Of the digest, the size, the name, the kind, or the form of the whole."""
    place = places(baked)["index.json"]
    after = place.read_bytes().index(value.encode()) + len(value)
    flip(place, 8 * after + 1)
    refused(baked, "index.json" if value == "{" else "shop-web:r1")


@pytest.mark.parametrize("how", [None, "web", "r1", "shop-web:r1", "digest", "start of digest"])
def test_an_artifact_as_it_was_baked_is_verified(baked: Shop, how: str | None) -> None:
    """Whatever it is called."""
    digest = baked.store.releases()[0].artifacts[ImageName("web")]
    named = {"digest": digest, "start of digest": digest[7:19]}.get(how or "", how)
    checked = verified(baked, named, deep=True)
    assert (checked.problem, checked.digest, checked.releases, checked.layers) == ("", digest, ("r1",), 1)
    assert checked.files == 3


def test_what_was_never_baked_has_no_name(baked: Shop) -> None:
    """The names there are, are told."""
    for name in ("wob", "r9", "sha256:" + "0" * 64, "shop-web:r9"):
        with pytest.raises(Refused):
            baked.verifying.verify(name, deep=False, progress=QUIET)


def test_one_bit_of_a_layer_is_named(baked: Shop) -> None:
    """Reading it shows; it has the right size."""
    flip(places(baked)["layer 1"], 5)
    assert "layer 1" in verified(baked).problem


def test_a_layer_of_another_size_is_refused_unread(baked: Shop) -> None:
    """A deploy does not wait for the unpacking to learn that a layer was cut."""
    place = places(baked)["layer 1"]
    place.chmod(0o644)
    place.write_bytes(place.read_bytes()[:-1])
    with pytest.raises(Corrupt, match="layer 1"):
        baked.deploy("test")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bit=st.integers(min_value=0, max_value=1 << 16))
def test_a_bit_of_the_index_is_refused_or_means_nothing(baked: Shop, bit: int) -> None:
    """Whichever it is, a name never leads to another artifact."""
    place = baked.folder / "registry" / "index.json"
    before = place.read_bytes()
    wanted = dict(baked.registry.tags())["shop-web:r1"]
    try:
        flip(place, bit)
        try:
            found: Digest | None = baked.registry.resolve("shop-web:r1")
        except (Corrupt, Gone):
            found = None
        assert found in (None, wanted)
    finally:
        place.write_bytes(before)


def test_what_the_store_says_is_compared(baked: Shop) -> None:
    """A lock kept under another digest than its own is no lock of the release."""
    (release,) = baked.store.releases()
    lock = baked.store.lock(release.lock)
    forged = Digest("sha256:" + "1" * 64)
    baked.store.add_lock(forged, lock, baked.clock.now())
    baked.store.add_release(release.artifacts, forged, release.source, baked.clock.now())
    baked.registry.tag("shop-web:r2", next(iter(release.artifacts.values())))
    assert "the lock kept for r2" in verified(baked).problem
    assert not verified(baked, "r1").problem


def test_a_locked_file_that_changed_is_named_with_its_package(baked: Shop) -> None:
    """Only a deep look reads the vault."""
    (release,) = baked.store.releases()
    package = next(package for package in baked.store.lock(release.lock).packages if package.name == "openssl")
    flip(baked.vault.path(package.sha256), 3)
    assert not verified(baked).problem
    assert "openssl 3.0.20" in verified(baked, deep=True).problem
    baked.vault.remove(package.sha256)
    assert "openssl 3.0.20" in verified(baked, deep=True).problem


def test_an_index_that_was_lost_is_written_again_by_a_bake(baked: Shop) -> None:
    """Every release that is still here has its name again."""
    baked.change_application("print('again')\n")
    baked.bake()
    named = baked.registry.tags()
    (baked.folder / "registry" / "index.json").unlink()
    assert "shop-web:r1" in verified(baked, "r1").problem
    baked.bake()
    assert baked.registry.tags() == named
    assert not verified(baked, "r1").problem


class Refusing(SimulatedProvider):
    """Finds every artifact but the published ones damaged."""

    def publish(self, artifact: Artifact, *, progress: Progress) -> None:
        """As a provider that unpacks and verifies."""
        if artifact.digest not in self.published():
            raise Corrupt("damaged")
        super().publish(artifact, progress=progress)


def test_a_damaged_release_is_no_way_back(baked: Shop) -> None:
    """What a rollback could return to and cannot be verified counts as lost; what is deployed is not held up by it."""
    baked.deploy("test")
    (old,) = baked.store.releases()[0].artifacts.values()
    baked.change_application("print('again')\n")
    baked.bake()
    assert baked.deploy("test").as_asked
    baked.machines.withdraw(old)
    baked.machines = Refusing(baked.world)
    assert baked.deploy("test").as_asked
    target = baked.store.target(baked.keys("test")[0])
    assert target is not None
    assert [(proof.release, proof.bootable) for proof in target.proven] == [(1, False), (2, True)]
