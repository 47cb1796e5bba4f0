"""A machine made both ways, started in the simulated world: times, packages, failures, and nothing left."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from invented import InventedBaker
from simulated_shop import FILE, QUIET, Shop

from repave.cli.formats.boot_picture import picture
from repave.model.artifact import Artifact
from repave.model.lock import Ecosystem, Layer, Lock, LockedPackage
from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    FleetName,
    ImageName,
    InstanceId,
    ReleaseNumber,
    SlotId,
    ZoneName,
)
from repave.model.recipe import Boot, ImageKind
from repave.model.release import Revision
from repave.model.revocation import Revocation, RevokedKind
from repave.operations.booting import BootComparison, Booting, Stand
from repave.operations.errors import Refused
from repave.ports.baker import BakeRequest
from repave.ports.progress import Progress
from repave.ports.provider import LaunchOrder, Placed, unasked
from repave.secrets.references import ReferenceSecrets
from repave.simulation.machines import Behaviour
from repave.simulation.provider import SimulatedProvider
from repave.simulation.world import World

TEXT = FILE.replace("kind: container", "kind: vm").replace(", suites: [bookworm, bookworm-security]", "")
DONE = "repave: bootstrap is done: 2 packages, all as locked"


class BothWays(InventedBaker):
    """Another artifact for each way."""

    def bake(self, request: BakeRequest, *, progress: Progress) -> Artifact:
        """Named by its way."""
        made = super().bake(request, progress=progress)
        digest = self.registry.add(f"{request.image.boot} {made.digest}".encode())
        return replace(made, digest=digest)


class Talking(SimulatedProvider):
    """Machines that say more on their consoles, and turn out by the way they were made."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.says = DONE
        self.fates: dict[Boot, Behaviour] = {}

    def launch(self, order: LaunchOrder, *, placed: Placed = unasked) -> InstanceId:
        """As it is to turn out."""
        for boot, fate in self.fates.items():
            if order.slot.startswith(boot):
                self.world.behaviours[order.revision.id] = fate
        return super().launch(order, placed=placed)

    def console(self, fleet: FleetKey, instance: InstanceId, *, follow: bool = False) -> Iterator[str]:
        """What it says, after what all say."""
        yield from super().console(fleet, instance, follow=follow)
        yield self.says


class Bench:
    """A shop of virtual machines, and what compares them."""

    def __init__(self, folder: Path) -> None:
        self.shop = Shop(folder, TEXT)
        self.machines = Talking(self.shop.world)
        names = {"openssl": Layer.PLATFORM, "base-files": Layer.BASE, "grub": Layer.BOOT}
        self.lock = Lock(packages=tuple(package(name, layer) for name, layer in names.items()))

    def compare(self, times: int = 1) -> BootComparison:
        """In the environment test."""
        stand = Stand(
            machines=self.machines,
            traffic=self.shop.traffic,
            secrets=ReferenceSecrets(folder=self.shop.folder, environment={}),
            revocations=self.shop.store,
            clock=self.shop.clock,
        )
        bakers = {ImageKind.VM: BothWays(self.shop.registry, kind=ImageKind.VM)}
        project = self.shop.project
        return Booting(project=project, bakers=bakers, stand=stand).compare(
            project.environments[EnvironmentName("test")],
            project.fleets[FleetName("web")],
            self.lock,
            times=times,
            progress=QUIET,
        )


def package(name: str, layer: Layer) -> LockedPackage:
    """One of the lock."""
    return LockedPackage(
        ecosystem=Ecosystem.DEB,
        name=name,
        version="1",
        sha256="0" * 64,
        size_bytes=1,
        origin="https://example.org/a.deb",
        filename="a.deb",
        layer=layer,
        images=(ImageName("web"),),
    )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """With nothing in it."""
    made = Bench(tmp_path / "shop")
    yield made
    made.shop.close()


def test_both_ways_are_measured_until_they_serve(bench: Bench) -> None:
    """Each as often as asked; what makes a disk is no package of the machine."""
    bench.machines.fates = {
        Boot.GOLDEN: Behaviour(healthy_after_seconds=1.0),
        Boot.BOOTSTRAP: Behaviour(healthy_after_seconds=9.0),
    }
    found = bench.compare(times=3)
    assert (found.golden.packages, found.bootstrap.packages, found.same_packages) == (2, 2, True)
    assert (found.golden.boot, found.bootstrap.boot) == (Boot.GOLDEN, Boot.BOOTSTRAP)
    assert len(found.golden.seconds) == len(found.bootstrap.seconds) == 3
    assert found.golden.median_seconds < 9 <= found.bootstrap.median_seconds
    assert found.factor > 1


def test_nothing_is_left(bench: Bench) -> None:
    """No instance, no fleet, nothing published; what an earlier call left when it was killed is ended, too."""
    other = Digest(f"sha256:{1:064x}")
    bench.shop.world.published.add(other)
    revision = Revision(release=ReleaseNumber(0), image=ImageName("web"), artifact=other, port=8080)
    aside = FleetKey(
        project=bench.shop.project.name, environment=EnvironmentName("compare-test"), fleet=FleetName("web")
    )
    bench.machines.launch(
        LaunchOrder(fleet=aside, slot=SlotId("left"), zone=ZoneName("a"), revision=revision, generation=1)
    )
    assert bench.machines.fleets() == (aside,)
    bench.compare()
    assert bench.machines.fleets() == ()
    assert bench.machines.published() == {other}


def test_launch_that_is_broken_off_leaves_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine was made, but nobody was told its name any more."""
    launch = bench.machines.launch

    def broken_off(order: LaunchOrder) -> InstanceId:
        launch(order)
        raise KeyboardInterrupt

    monkeypatch.setattr(bench.machines, "launch", broken_off)
    with pytest.raises(KeyboardInterrupt):
        bench.compare()
    assert (bench.machines.fleets(), bench.machines.published()) == ((), frozenset())


def test_what_was_published_stays(bench: Bench) -> None:
    """A fleet may run from it."""
    artifact = bench.compare().golden.artifact
    bench.shop.world.published.add(artifact)
    bench.compare()
    assert bench.machines.published() == {artifact}


@pytest.mark.parametrize("says", ["", "repave: bootstrap is done: 1 packages, all as locked"])
def test_packages_are_the_same_only_by_the_machines_own_word(bench: Bench, says: str) -> None:
    """Silence is no proof, another number is none either."""
    bench.machines.says = says
    assert not bench.compare().same_packages


@pytest.mark.parametrize(
    ("fate", "told"),
    [
        (Behaviour(dies_after_seconds=1.0, healthy_after_seconds=5.0), "the golden machine ended: "),
        (Behaviour(never_healthy=True), "the golden machine did not serve within 900 s"),
    ],
)
def test_machine_that_does_not_serve_ends_it(bench: Bench, fate: Behaviour, told: str) -> None:
    """With the reason; nothing of it is left."""
    bench.machines.fates = {Boot.GOLDEN: fate}
    with pytest.raises(Refused) as refused:
        bench.compare()
    assert refused.value.message.startswith(told)
    assert "mend the image" in refused.value.hint
    assert (bench.machines.fleets(), bench.machines.published()) == ((), frozenset())


@pytest.mark.parametrize(
    ("kind", "subject"),
    [(RevokedKind.PACKAGE, "openssl=1"), (RevokedKind.ARTIFACT, "")],
)
def test_what_is_revoked_is_not_started(bench: Bench, kind: RevokedKind, subject: str) -> None:
    """By a package of its lock, or by itself; taken back, it may be."""
    artifact = bench.compare().golden.artifact
    revocation = bench.shop.store.revoke(
        Revocation(
            kind=kind,
            subject=subject or artifact,
            reason="a back door",
            at=bench.shop.clock.now(),
            artifacts=() if subject else (artifact,),
        )
    )
    before = len(bench.shop.world.machines)
    with pytest.raises(Refused, match="web, as it is locked, is revoked: a back door"):
        bench.compare()
    assert len(bench.shop.world.machines) == before
    bench.shop.store.undo_revocation(revocation.number, reason="mended", at=bench.shop.clock.now())
    assert bench.compare().same_packages


def test_no_fleet_of_the_file_is_taken_for_one_aside(bench: Bench) -> None:
    """Its instances would be ended."""
    environments = bench.shop.project.environments
    named = {EnvironmentName("compare-test"): environments[EnvironmentName("prod")]}
    bench.shop.project = replace(bench.shop.project, environments={**environments, **named})
    with pytest.raises(Refused, match="count to the environment compare-test, which the file has"):
        bench.compare()
    assert not bench.shop.world.machines


def test_picture_tells_both_times(bench: Bench) -> None:
    """As SVG, whatever the image is called."""
    found = replace(bench.compare(times=2), image="a<b")
    drawn = picture(found)
    assert f">{found.golden.median_seconds:.1f} s</text>" in drawn
    assert f">{found.bootstrap.median_seconds:.1f} s</text>" in drawn
    assert ">a&lt;b: from its start until it serves; the same packages</text>" in drawn
    assert drawn.count("<circle") == 4
