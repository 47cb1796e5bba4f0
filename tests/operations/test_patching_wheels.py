"""The mission for wheels: what is repaired is re-locked, what a range holds is named, and the rest stays."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from osv_records import document, ranged
from published import Frozen
from pypi_index import PypiWorld
from simulated_shop import FILE, QUIET, Shop

from repave.advisories.osv.files import OsvFolder
from repave.advisories.osv.indexed import IndexedAdvisories
from repave.jobs.commands import LocalCommands
from repave.operations.locking import Locking
from repave.operations.patch import Patching
from repave.operations.repairs import repairs_of
from repave.pinners.pypi import PypiPinner


class WheelShop(Shop):
    """A shop whose application is a wheel that needs another."""

    def __init__(self, folder: Path) -> None:
        text = FILE.replace("    run:", "    python: [app, 'lib < 2']\n    run:", 1)
        super().__init__(folder, text)
        self.pinner.archive |= {"python3": "3.11.2-1+b1", "libc6": "2.36-9+deb12u13"}
        self.index = PypiWorld(root=folder / "pypi")
        self.index.wheel("app", "1.0", requires=("lib",))
        self.index.wheel("lib", "1.0")

    @property
    def locking(self) -> Locking:
        """With wheels."""
        wheels = PypiPinner(
            self.folder / "cache",
            commands=LocalCommands(),
            vault=self.vault,
            index=(self.index.root / "index").as_uri(),
        )
        return Locking(
            project=self.project, locked=self.locked, pinners=(self.pinner, wheels, self.files), vault=self.vault
        )

    def tell(self, name: str, fixed: str, **more: object) -> None:
        """Of a flaw of lib."""
        events = [{"introduced": "0"}, *([{"fixed": fixed}] if fixed else [])]
        record = document(ranged(*events), name="lib", id=name, **more)  # type: ignore[arg-type] # of a record
        (self.folder / "osv").mkdir(exist_ok=True)
        (self.folder / "osv" / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")

    @property
    def patching(self) -> Patching:
        """Judged by the records."""
        records = IndexedAdvisories(
            OsvFolder(self.folder / "osv", name="records"),
            folder=self.folder / "index",
            clock=Frozen(),
            max_age_seconds=7 * 86400.0,
        )
        return Patching(
            project=self.project,
            locking=self.locking,
            advisories=(records,),
            store=self.store,
            clock=self.clock,
            place=lambda path: f"at {'.'.join(map(str, path))}",
        )


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[WheelShop]:
    """Deployed in test and prod; a flaw of lib has become known, and its repair is out."""
    made = WheelShop(tmp_path / "shop")
    made.lock()
    made.bake()
    made.deploy("test")
    made.deploy("prod")
    made.index.wheel("lib", "1.5")
    made.index.wheel("lib", "2.0")
    made.tell("GHSA-aaaa-bbbb-cccc", "1.5")
    yield made
    made.close()


def test_a_wheel_is_relocked_rolled_and_observed(shop: WheelShop) -> None:
    """Just it, under the file's ranges; a flaw without a CVE is closed by its advisory's name."""
    diagnosis = shop.patching.diagnose(QUIET)
    cure = shop.patching.cure(diagnosis, QUIET)
    assert [(change.package.name, change.package.version) for change in cure.difference.changed] == [("lib", "1.5")]
    assert (cure.cves_closed, cure.closed, cure.rolls) == ((), ("GHSA-aaaa-bbbb-cccc",), ("test", "prod"))
    assert (cure.remaining, cure.held, cure.idle) == ((), {}, False)
    before = shop.patching.prove(cure, QUIET)
    assert (before.closed_still_running, before.clean, before.instances) == (("GHSA-aaaa-bbbb-cccc",), 0, 7)
    shop.locking.write(cure.proposal, QUIET)
    shop.bake()
    for name in cure.rolls:
        assert shop.deploy(name).as_asked
    after = shop.patching.prove(cure, QUIET)
    assert after.holds
    assert (after.clean, after.instances) == (7, 7)


def test_what_the_files_range_holds_is_named_and_the_rest_repaired(shop: WheelShop) -> None:
    """One flaw is repaired in 1.5, the other in 2.0, which the file rules out."""
    shop.tell("PYSEC-2026-2", "2.0", aliases=["CVE-2026-0002"])
    cure = shop.patching.cure(shop.patching.diagnose(QUIET), QUIET)
    assert [change.package.version for change in cure.difference.changed] == ["1.5"]
    assert (cure.closed, [one.advisory for one in cure.remaining]) == (("GHSA-aaaa-bbbb-cccc",), ["PYSEC-2026-2"])
    (held,) = next(iter(cure.held.values()))
    assert (held.version, held.why) == ("2.0", "`lib < 2` under `python` of image `web` holds it")
    assert held.place == "at images.web.python.1"


def test_what_nobody_repairs_moves_nothing(shop: WheelShop) -> None:
    """There is nothing to bake or to roll; it stays found."""
    (shop.folder / "osv" / "GHSA-aaaa-bbbb-cccc.json").unlink()
    shop.tell("PYSEC-2026-3", "")
    diagnosis = shop.patching.diagnose(QUIET)
    assert not diagnosis.clean
    cure = shop.patching.cure(diagnosis, QUIET)
    assert (cure.idle, cure.rolls, cure.closed) == (True, (), ())
    assert len(cure.remaining) == 1


def test_repairs_are_asked_for_by_package_the_highest_first(shop: WheelShop) -> None:
    """In the order of the findings; what is no version could not be required."""
    shop.tell("PYSEC-2026-2", "1.10")
    shop.tell("PYSEC-2026-4", "1.9")
    diagnosis = shop.patching.diagnose(QUIET)
    (repair,) = repairs_of(diagnosis.report.standing, diagnosis.lock)
    assert (repair.name, repair.versions) == ("lib", ("1.10", "1.9", "1.5"))
    assert repairs_of((), diagnosis.lock) == ()
