"""What every store keeps of locks, artifacts, releases and revisions, whatever it is made of."""

from dataclasses import replace

import pytest
from store_scene import FLEET, LOCK, NEW, NOW, OLD, OTHER, WEB, later, package

from repave.model.artifact import Artifact, ArtifactLayer
from repave.model.lock import Ecosystem, Layer, Lock, LockedFile, LockedImage
from repave.model.names import Digest, ReleaseNumber
from repave.model.recipe import Base, ImageKind
from repave.model.release import Bake
from repave.ports.errors import Gone
from repave.ports.store import Store

BASE = Base(distribution="debian", release="bookworm", suites=("bookworm",))


def test_a_lock_comes_back_whole_and_is_found_by_its_packages(store: Store) -> None:
    """`where` asks by a package's own name, its source, or its version."""
    lock = Lock(packages=(package("libssl3", "3.0.20", "openssl"), package("python3", "3.11")))
    other = Digest("sha256:" + "2" * 64)
    store.add_lock(LOCK, lock, NOW)
    store.add_lock(LOCK, lock, later(1))
    store.add_lock(other, Lock(packages=(package("libssl3", "3.0.22", "openssl"),)), NOW)
    assert store.lock(LOCK) == lock
    assert store.locks_holding("libssl3") == (LOCK, other)
    assert store.locks_holding("openssl", "3.0.22") == (other,)
    assert store.locks_holding("python3") == (LOCK,)
    assert store.locks_holding("zlib1g") == ()
    with pytest.raises(Gone):
        store.lock(Digest("sha256:none"))


def test_what_locks_hold_is_found_without_reading_them(store: Store) -> None:
    """Bytes by their digest; packages by their name and source, as a lock of these alone."""
    carried = replace(package("left-pad", "1.0"), ecosystem=Ecosystem.NPM, sha256="b" * 64)
    openssl = replace(package("libssl3", "3.0.20+b1", "openssl"), source_version="3.0.20")
    file = LockedFile(target="/srv/app.py", sha256="b" * 64, size_bytes=1, mode=0o644, origin="app.py", images=(WEB,))
    image = LockedImage(name=WEB, kind=ImageKind.CONTAINER, base=BASE, recipe=LOCK)
    other = Digest("sha256:" + "2" * 64)
    store.add_lock(LOCK, Lock(images=(image,), packages=(openssl, carried), files=(file,)), NOW)
    store.add_lock(other, Lock(images=(image,), packages=(openssl,)), NOW)
    assert store.files_held("b" * 64) == {LOCK: ("/srv/app.py", "left-pad 1.0")}
    assert store.locks_with({Ecosystem.NPM, Ecosystem.OCI}) == {LOCK}
    part = Lock(images=(image,), packages=(openssl,))
    assert store.parts({"openssl", "nobody"}) == {LOCK: part, other: part}
    assert store.parts({"libssl3"}) == {LOCK: part, other: part}
    assert store.parts({"/srv/app.py"}) == {}


def test_an_artifact_comes_back_whole(store: Store) -> None:
    """Layers and all."""
    layer = ArtifactLayer(layer=Layer.BASE, digest=LOCK, size_bytes=3, inputs=LOCK, cached=True)
    artifact = Artifact(image=WEB, kind=ImageKind.CONTAINER, digest=LOCK, size_bytes=2**33, layers=(layer,))
    store.add_artifact(artifact, LOCK, NOW)
    store.add_artifact(artifact, LOCK, NOW)
    assert store.artifact(LOCK) == artifact
    with pytest.raises(Gone):
        store.artifact(Digest("sha256:none"))


def test_the_same_content_makes_no_new_release(store: Store) -> None:
    """A number stands for artifacts and a lock; only the newest release is compared."""
    first = store.add_release({WEB: Digest("sha256:a")}, LOCK, "abc", NOW)
    again = store.add_release({WEB: Digest("sha256:a")}, LOCK, "def", later(1))
    second = store.add_release({WEB: Digest("sha256:b")}, LOCK, "def", later(2))
    third = store.add_release({WEB: Digest("sha256:a")}, LOCK, "abc", later(3))
    assert (first.number, again, second.number, third.number) == (1, first, 2, 3)
    assert store.releases() == (first, second, third)
    assert store.release(second.number) == second
    with pytest.raises(Gone):
        store.release(ReleaseNumber(9))


def test_each_bake_of_a_release_is_kept_once(store: Store) -> None:
    """In the order they began, with their times exact."""
    release = store.add_release({WEB: Digest("sha256:a")}, LOCK, "abc", NOW)
    other = store.add_release({WEB: Digest("sha256:b")}, LOCK, "abc", NOW)
    first = Bake(release=release.number, began_at=NOW, ended_at=later(61), built=3, cached=1)
    again = replace(first, began_at=later(100), ended_at=later(101), built=0, cached=4)
    for bake in (again, first, first):
        store.add_bake(bake)
    assert store.bakes(release.number) == (first, again)
    assert (first.seconds, store.bakes(other.number)) == (61.0, ())


def test_revisions_stay_in_the_order_they_were_added(store: Store) -> None:
    """Each fleet has its own."""
    assert store.add_revision(FLEET, NEW) == NEW.id
    store.add_revision(FLEET, OLD)
    store.add_revision(FLEET, NEW)
    assert store.revisions(FLEET) == (NEW, OLD)
    assert store.revisions(OTHER) == ()
    assert store.revision(FLEET, OLD.id) == OLD
    with pytest.raises(Gone):
        store.revision(OTHER, OLD.id)
