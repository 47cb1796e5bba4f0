"""Several images in one release: an instance holds what its own image holds, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from invented import InventedPinner
from searching import search_of
from simulated_shop import FILE, QUIET, Shop

from repave.model.names import EnvironmentName, ImageName, InstanceId, ReleaseNumber, RevisionId
from repave.operations.scan import Vulnerable, scan
from repave.operations.where import Holding
from repave.ports.pinner import PinRequest, Pins
from repave.ports.progress import Progress

CVE = "CVE-2026-0001"
API = ImageName("api")
IMAGE = """  api:
    kind: container
    base: {distribution: debian, release: bookworm, suites: [bookworm, bookworm-security]}
    packages: [openssl, brotli]
    run: python3 api.py
"""
FLEET = """  api:
    image: api
    port: 8081
    health: {interval: 200ms, timeout: 200ms, healthy: 2, unhealthy: 3, grace: 3s}
"""
TWO = (
    FILE.replace("fleets:\n  web:", f"{IMAGE}fleets:\n{FLEET}  web:")
    .replace("fleets: {web: {size: 3}}", "fleets: {web: {size: 3}, api: {size: 2}}")
    .replace("fleets: {web: {size: 4}}", "fleets: {web: {size: 4}, api: {size: 1}}")
    .replace(', config: {TOKEN: {secret: "env:TOKEN"}}', "")
)


@dataclass
class OfOneImage(InventedPinner):
    """Brotli is in one image alone."""

    def pin(self, request: PinRequest, *, progress: Progress) -> Pins:
        """What the archive offers, of brotli's images only for one."""
        pins = super().pin(request, progress=progress)
        wanted = (one for one in pins.packages if one.name != "brotli" or request.image.name == API)
        return replace(pins, packages=tuple(wanted))


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Shop]:
    """Two images run in two environments; what only one of them holds has a flaw."""
    shop = Shop(tmp_path / "both", TWO)
    archive = {"openssl": "3.0.20", "brotli": "1.0"}
    shop.pinner = OfOneImage(archive=archive, folder=tmp_path / "both" / "archive")
    shop.lock()
    shop.bake()
    shop.deploy("test")
    shop.deploy("prod")
    shop.advisories.repairs["brotli"] = ("1.1", (CVE,))
    yield shop
    shop.close()


def found(shop: Shop, environment: str | None = None) -> Vulnerable:
    """As `repave scan` finds brotli."""
    lock = shop.locked.present()
    assert lock is not None
    scanned = scan("it", lock, (shop.advisories,), shop.store, shop.clock, QUIET)
    (one,) = scanned.findings if environment is None else scanned.within(EnvironmentName(environment)).findings
    return one


def where(shop: Shop, subject: str, *, kept: bool = False) -> Holding:
    """As `repave where` finds the only release."""
    (holding,) = search_of(shop).find(subject, kept=kept).holdings
    return holding


def fleets(holding: Holding) -> set[str]:
    """Whose instances live of it."""
    return {one.fleet.fleet for one in holding.living}


def test_a_scan_names_only_those_whose_image_holds_the_package(both: Shop) -> None:
    """The other fleet runs the same release, and another image of it."""
    one = found(both)
    assert one.images == (API,)
    assert sorted((bearer.environment, bearer.fleet) for bearer in one.instances) == [
        ("prod", "api"),
        ("test", "api"),
        ("test", "api"),
    ]
    both.advisories.repairs = {"openssl": ("3.0.22", (CVE,))}
    assert len(found(both).instances) == 10


def test_a_scan_of_an_environment_names_who_runs_it_there(both: Shop) -> None:
    """Others that run the same are not asked about."""
    assert found(both, "prod").environments == ("prod",)
    assert [bearer.environment for bearer in found(both, "prod").instances] == ["prod"]
    assert len(found(both, "test").instances) == 2


def test_an_instance_whose_image_nobody_knows_is_not_left_out(both: Shop) -> None:
    """It runs the release, by its provider's word, and may hold whatever the release does."""
    fleet = next(key for key in both.keys("prod") if key.fleet == "web")
    seen = both.store.last_seen(fleet)
    assert seen is not None
    foreign = replace(seen.machines.instances[0], id=InstanceId("i-foreign"), revision=RevisionId("feed"))
    both.store.see(replace(seen, machines=replace(seen.machines, instances=(*seen.machines.instances, foreign))))
    assert [one.instance for one in found(both, "prod").instances if one.fleet == "web"] == ["i-foreign"]


@pytest.mark.parametrize("subject", ["brotli", "brotli==1.0", CVE])
def test_a_package_is_where_its_image_runs(both: Shop, subject: str) -> None:
    """Of all that run the release, those of one image; asked of the sources, and of what was kept."""
    assert (len(where(both, subject).living), fleets(where(both, subject))) == (3, {"api"})
    found(both)
    assert (len(where(both, subject, kept=True).living), fleets(where(both, subject, kept=True))) == (3, {"api"})
    assert fleets(where(both, "openssl")) == fleets(where(both, "r1")) == {"api", "web"}


def test_bytes_are_where_their_image_runs(both: Shop) -> None:
    """An artifact, a package's file, a file of the application; the lock is everybody's."""
    lock, release = both.locked.present(), both.store.release(ReleaseNumber(1))
    assert lock is not None
    (brotli,) = (package.sha256 for package in lock.packages if package.name == "brotli")
    (page,) = (file.sha256 for file in lock.files)
    assert fleets(where(both, brotli)) == fleets(where(both, release.artifacts[API])) == {"api"}
    assert fleets(where(both, page)) == {"web"}
    assert fleets(where(both, release.lock)) == {"api", "web"}


def test_who_is_gone_is_counted_by_its_image_too(both: Shop) -> None:
    """A fleet that never ran the image ran nothing of it."""
    for key in both.keys("test"):
        seen = both.store.last_seen(key)
        assert seen is not None
        both.store.see(replace(seen, machines=replace(seen.machines, instances=())))
    assert [(gone.fleet.fleet, gone.instances) for gone in where(both, "brotli").past] == [("api", 2)]
    assert sum(gone.instances for gone in where(both, "openssl").past) == 5
