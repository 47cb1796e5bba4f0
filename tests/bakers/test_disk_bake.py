"""A real machine from Debian's archive: whole, the same again from nothing, clean, and started by both firmwares."""

import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from baked_machine import Shop, answer, firmware_options, looked_up, new_shop, root_of, started

pytestmark = [
    pytest.mark.real,
    pytest.mark.network,
    pytest.mark.xdist_group("machine"),
    # A bake takes half a minute, a start under emulation as long: each several times that on a busy machine.
    pytest.mark.timeout(900),
]

LONGEST_START_SECONDS = 300.0
"""Emulated, beside other tests."""

MOST_NEW_PARTS = 8
"""Of a disk of some forty: where the application lies, and what the file system says of itself."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What was baked, and its disk."""

    shop: Shop
    baked: Any
    disk: Path
    root: Path


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Baked once, its application changed, and baked again: what is started has seen both ways to a disk."""
    folder = tmp_path_factory.mktemp("machine")
    (folder / "shop").mkdir()
    shop = new_shop(folder / "shop")
    shop.run("bake")
    shop.change(2)
    shop.run("lock")
    baked = shop.run("bake")
    shop.put_together(baked["artifacts"][0]["digest"], folder / "disk")
    root_of(folder / "disk", folder / "root")
    return Machine(shop=shop, baked=baked, disk=folder / "disk", root=folder / "root")


def test_changed_application_packs_few_pieces(machine: Machine) -> None:
    """The base is not made again, and most of the disk is what it was."""
    layers = machine.baked["artifacts"][0]["layers"]
    assert len([layer for layer in layers if not layer["cached"]]) <= MOST_NEW_PARTS


def test_disk_is_the_same_again_from_nothing(machine: Machine) -> None:
    """Made at once in another folder, not by a change of another disk."""
    (again,) = machine.shop.run("bake", "--verify", "web")["verified"]
    assert again["same"], again["difference"]


def test_file_system_is_whole(machine: Machine) -> None:
    """By the tool that repairs them: nothing is to be repaired."""
    finished = subprocess.run(["e2fsck", "-f", "-n", machine.root], capture_output=True, check=False)
    assert finished.returncode == 0, finished.stdout.decode()


def files_in(machine: Machine, folder: str) -> list[str]:
    """Regular files, by debugfs's own listing; none where there is no such folder."""
    listed = (line.split("/") for line in looked_up(machine.root, f"ls -p {folder}").splitlines())
    return [fields[5] for fields in listed if len(fields) > 5 and fields[2].startswith("10")]


def test_nothing_of_one_machine_or_one_moment_is_in_it(machine: Machine) -> None:
    """No identity, no key, no package list, no log; every account is without a password."""
    assert looked_up(machine.root, "cat /etc/machine-id") == ""
    for folder in ("/var/lib/apt/lists", "/var/cache/apt/archives", "/var/log/journal", "/etc/ssh"):
        assert not files_in(machine, folder)
    shadow = looked_up(machine.root, "cat /etc/shadow").splitlines()
    assert shadow
    assert all(line.split(":")[1].startswith(("*", "!")) for line in shadow)


def test_disk_starts_with_both_firmwares(machine: Machine, tmp_path: Path) -> None:
    """Unchanged, as virtio and as NVMe: configured, as a user of its own, in its sandbox, with an identity."""
    kinds = ("bios", "uefi")
    with ExitStack() as stack:
        addresses = {
            kind: stack.enter_context(started(machine.disk, tmp_path, firmware_options(kind, tmp_path), name=kind))
            for kind in kinds
        }
        said: dict[str, str] = {}
        end = time.monotonic() + LONGEST_START_SECONDS
        while len(said) < len(kinds) and time.monotonic() < end:
            for kind in kinds:
                if kind not in said and (told := answer(addresses[kind])):
                    said[kind] = told
            time.sleep(1)
    consoles = {kind: (tmp_path / f"{kind}.console").read_text(errors="replace")[-2000:] for kind in kinds}
    assert said == dict.fromkeys(kinds, "hello True holds 32 2"), consoles
