"""Who runs what lies in an image of a registry, and where a package of one is."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from bases_below import Held, Inside, SaidBases
from said_bundles import SaidBundles
from simulated_shop import QUIET, Shop

from repave.model.finding import Carrier, Finding, SourceStatus
from repave.model.lock import Ecosystem, Layer, Lock, LockedPackage
from repave.model.names import Digest, InstanceId, ReleaseNumber
from repave.model.recipe import Base
from repave.operations.scan import scan
from repave.operations.where import UNTOLD, Search
from repave.ports.errors import Gone
from repave.ports.progress import Progress

DIGEST = f"sha256:{'b' * 64}"
BASE = Base(image="registry.example/base:1")
INSIDE = Inside(
    distribution=("debian", "12", "bookworm"), packages=(Held(name="libssl3", version="3", source="openssl"),)
)


class OfBase:
    """Finds a flaw in a package that no lock names."""

    def examine(self, lock: Lock, *, progress: Progress) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        """In every image."""
        del progress
        names = tuple(image.name for image in lock.images)
        finding = Finding(
            ecosystem=Ecosystem.DEB,
            package="libssl3",
            source="openssl",
            version="3",
            fixed_version="4",
            fixed_in="bookworm-security",
            cves=("CVE-2026-1",),
            images=names,
            within=(Carrier(ecosystem=Ecosystem.OCI, name="registry.example/base", version=DIGEST),),
        )
        return (finding,), ()


def over(shop: Shop) -> Lock:
    """The shop's lock, as it would be had it been made over an image; it runs in production."""
    lock = shop.lock()
    names = tuple(image.name for image in lock.images)
    base = LockedPackage(
        ecosystem=Ecosystem.OCI,
        name="registry.example/base",
        version=DIGEST,
        sha256="b" * 64,
        size_bytes=1,
        origin=f"oci://registry.example/base@{DIGEST}",
        filename="manifest.json",
        layer=Layer.BASE,
        images=names,
    )
    images = tuple(replace(image, base=BASE) for image in lock.images)
    standing = replace(lock, images=images, packages=(*lock.packages, base))
    known = Digest(f"sha256:{'c' * 64}")
    baked = shop.bake()
    shop.deploy("prod")
    shop.store.add_lock(known, standing, datetime(2026, 11, 25, tzinfo=UTC))
    shop.store.add_release(baked.release.artifacts, known, "", datetime(2026, 11, 25, tzinfo=UTC))
    return standing


def search(shop: Shop, bases: SaidBases, lock: Lock) -> Search:
    """As `repave where` looks."""
    return Search(store=shop.store, present=lock, advisories=(), bases=bases, bundles=SaidBundles(), progress=QUIET)


def test_what_lies_in_a_base_runs_where_the_base_does(shop: Shop) -> None:
    """By the base that its lock names, not by a package that no lock names."""
    lock = over(shop)
    (before,) = scan("repave.lock", lock, (OfBase(),), shop.store, shop.clock, QUIET).findings
    assert (before.package, before.instances) == ("libssl3", ())
    seen = shop.store.last_seen(shop.keys("prod")[0])
    assert seen is not None
    later = replace(seen.machines.instances[0], id=InstanceId("i-later"), release=ReleaseNumber(2))
    shop.store.see(replace(seen, machines=replace(seen.machines, instances=(*seen.machines.instances, later))))
    (after,) = scan("repave.lock", lock, (OfBase(),), shop.store, shop.clock, QUIET).findings
    assert [(one.instance, one.release) for one in after.instances] == [("i-later", "r2")]


def test_a_package_is_found_in_the_bases_of_all_that_was_released(shop: Shop) -> None:
    """By its name, its source, and its version; other names are in none."""
    lock = over(shop)
    looking = search(shop, SaidBases({DIGEST: INSIDE}), lock)
    for subject in ("libssl3", "openssl", "libssl3==3"):
        found = looking.find(subject)
        assert "libssl3 3" in found.locked, subject
        assert [holding.release for holding in found.holdings if "libssl3 3" in holding.what] == ["r2"], subject
    assert looking.find("libssl3==4").holdings == ()
    assert looking.find("nothing").locked == ()


def test_a_base_that_cannot_be_read_makes_the_answer_unknown(shop: Shop) -> None:
    """It may hold what was asked for."""
    lock = over(shop)
    found = search(shop, SaidBases(failure=Gone("not in the vault")), lock).find("libssl3")
    assert [(source.name, source.problem) for source in found.unknown] == [
        ("the base registry.example/base:1", "not in the vault")
    ]


@pytest.mark.parametrize("packages", [(), (Held(name="libssl3", version="3", ecosystem="pypi"),)])
def test_a_base_without_records_that_are_read_makes_the_answer_unknown(shop: Shop, packages: tuple[Held, ...]) -> None:
    """An rpm distribution holds hundreds of packages, and nothing of them is known, whatever Python says."""
    lock = over(shop)
    silent = Inside(distribution=("fedora", "41", ""), packages=packages)
    found = search(shop, SaidBases({DIGEST: silent}), lock).find("libssl3")
    assert [source.problem for source in found.unknown] == [UNTOLD]
    assert bool(found.locked) is bool(packages)
