"""What the doctor says of a machine that lacks something."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from invented import InventedBaker
from simulated_shop import Shop

from repave.cli.commands.doctor import doctor
from repave.jobs.commands import LocalCommands
from repave.model.names import FleetKey
from repave.operations.doctor import Examined, examine_machine
from repave.ports.provider import Proven
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
        recorded=shop.store.fleets,
    )
    broken = [one for one in examined if one.area == "programs" and one.name != "Debian's keyring" and not one.works]
    assert [(one.name, one.detail) for one in broken] == [("gpgv", "not found")]
    assert "apt-get install gpgv" in broken[0].hint
    assert {one.area for one in examined} >= {"programs", "disk", "bake container", "simulated"}


def test_instances_that_no_record_knows_are_named_and_left_alone(shop: Shop, tmp_path: Path) -> None:
    """As after a store was lost: what runs goes on, and who looks is told; what is known is not spoken of."""
    shop.change_application("print('hello')\n")
    shop.bake()
    shop.deploy("test")

    def unknown(recorded: Sequence[FleetKey]) -> list[Examined]:
        examined = examine_machine(
            folder=tmp_path,
            commands=LocalCommands(),
            bakers=[],
            providers=[shop.machines],
            balancers=[],
            recorded=lambda: recorded,
        )
        return [one for one in examined if one.name.startswith("unknown")]

    assert unknown(shop.store.fleets()) == []
    [found] = unknown([])
    assert (found.area, found.name, found.works) == ("simulated", "unknown instances of shop/test/web", False)
    assert found.detail == "web-1, web-2, web-3: no record here wants them; they are left alone"
    assert "`repave deploy test` of shop" in found.hint
    assert len(shop.world.living(shop.keys("test")[0])) == 3


@pytest.mark.parametrize(("needed", "code"), [(True, 1), (False, 0)])
def test_what_only_makes_things_slower_is_no_failure(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, needed: bool, code: int
) -> None:
    """A machine that emulates its guests is told so, and is fit to work."""
    proof = Proven(name="acceleration", works=False, detail="/dev/kvm is not there", hint="slower", needed=needed)
    described = replace(shop.machines.describe(), proofs=(proof,))
    monkeypatch.setattr(shop.machines, "describe", lambda: described)
    examined = examine_machine(
        folder=tmp_path, commands=LocalCommands(), bakers=[], providers=[shop.machines], balancers=[], recorded=tuple
    )
    (found,) = [one for one in examined if one.name == "acceleration"]
    monkeypatch.setattr("repave.cli.commands.doctor.examine_machine", lambda **_: (found,))
    monkeypatch.chdir(tmp_path)
    assert doctor() == code
