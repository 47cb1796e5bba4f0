"""How it is found out whether machines are accelerated: tried, believed for one boot, and said why not."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from repave.jobs.commands import LocalCommands
from repave.ports.commands import Finished
from repave.ports.errors import CommandFailed
from repave.providers.local.places import Places
from repave.providers.local.qemu.acceleration import EMULATED, REACHED, Accelerations


class Trial(LocalCommands):
    """Commands that boot a trial guest with a given end, and count how often they are asked."""

    def __init__(self, ends: Finished | CommandFailed) -> None:
        super().__init__()
        self.ends = ends
        self.runs = 0

    def run(self, arguments: Sequence[str], **_: Any) -> Finished:  # noqa: ANN401 - none is used
        """The given end, once more."""
        del arguments
        self.runs += 1
        if isinstance(self.ends, CommandFailed):
            raise self.ends
        return self.ends

    def available(self, program: str) -> bool:
        """Everything is."""
        return bool(program)


def accelerations(folder: Path, trial: Trial) -> Accelerations:
    """Over a folder of its own."""
    return Accelerations(places=Places(root=folder / "local", runtime=folder / "run" / "x"), commands=trial)


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A device that may be used."""
    path = tmp_path / "kvm"
    path.touch()
    monkeypatch.setattr("repave.providers.local.qemu.acceleration.KVM", path)
    return path


@pytest.mark.usefixtures("device")
def test_acceleration_that_works_is_believed_and_remembered(tmp_path: Path) -> None:
    """Once for each boot of the machine, whichever process asks; the doctor tries it again."""
    trial = Trial(Finished(exit_code=REACHED, stdout=b"", stderr=""))
    assert accelerations(tmp_path, trial).known().accelerator == "kvm"
    assert accelerations(tmp_path, trial).known().works
    assert trial.runs == 1
    assert accelerations(tmp_path, trial).tried().processor == "host"
    assert trial.runs == 2


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    ("ends", "why"),
    [
        (CommandFailed(["qemu"], exit_code=None, stderr=""), "not reached within 3 s"),
        (Finished(exit_code=1, stdout=b"", stderr="Could not access KVM"), "Could not access KVM"),
    ],
)
def test_acceleration_that_hangs_or_fails_is_not_believed(
    tmp_path: Path, ends: Finished | CommandFailed, why: str
) -> None:
    """The device is there and cannot be used: machines are emulated, and it is said why."""
    found = accelerations(tmp_path, Trial(ends)).known()
    assert (found.accelerator, found.works) == (EMULATED, False)
    assert why in found.why


def test_acceleration_is_not_tried_without_its_device(tmp_path: Path, device: Path) -> None:
    """Nothing is started for a thing that is not there."""
    device.unlink()
    trial = Trial(Finished(exit_code=REACHED, stdout=b"", stderr=""))
    assert "is not there" in accelerations(tmp_path, trial).known().why
    assert trial.runs == 0


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("kept", ["{", "{}", '{"accelerator": "kvm", "why": "", "boot": "an-earlier-one"}'])
def test_what_was_found_holds_for_this_boot_alone(tmp_path: Path, kept: str) -> None:
    """What is of an earlier one, or cannot be read, is tried anew."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "acceleration.json").write_text(kept)
    trial = Trial(CommandFailed(["qemu"], exit_code=None, stderr=""))
    assert not accelerations(tmp_path, trial).known().works
    assert trial.runs == 1
