"""What the doctor says of a machine that lacks something."""

from collections.abc import Sequence
from pathlib import Path

from simulated_shop import InventedBaker, Shop

from repave.jobs.commands import LocalCommands
from repave.operations.doctor import examine_machine
from repave.registries.layout import LayoutRegistry


class WithoutApt(LocalCommands):
    """A machine on which some programs are not installed."""

    def __init__(self, missing: Sequence[str]) -> None:
        self._missing = missing

    def available(self, program: str) -> bool:
        """Whether it is there."""
        return program not in self._missing


def test_what_is_missing_is_named_with_the_way_to_get_it(shop: Shop, tmp_path: Path) -> None:
    """Only that: what works needs no advice."""
    examined = examine_machine(
        folder=tmp_path,
        commands=WithoutApt(["gpgv"]),
        bakers=[InventedBaker(LayoutRegistry(tmp_path))],
        providers=[shop.machines],
        balancers=[("simulated", shop.traffic)],
    )
    broken = [one for one in examined if one.area == "programs" and one.name != "Debian's keyring" and not one.works]
    assert [(one.name, one.detail) for one in broken] == [("gpgv", "not found")]
    assert "apt-get install gpgv" in broken[0].hint
    assert {one.area for one in examined} >= {"programs", "disk", "bake container", "simulated"}
