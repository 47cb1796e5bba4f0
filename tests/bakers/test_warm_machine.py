"""What a machine that goes on from saved memory is made of: which can, and who waits in the application's place."""

import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest

from repave.bakers.disk.identity import WAITING_SCRIPT, why_cold
from repave.bakers.disk.units import SANDBOX, application_unit, warm_unit
from repave.bakers.rootfs.layertar import FIRST_TIME, LayerTar
from repave.model.names import ImageName
from repave.model.recipe import Base, Image, ImageKind
from repave.ports.baker import BakeRequest
from repave.providers.local.qemu.seed import environment_file

IMAGE = Image(
    name=ImageName("web"),
    kind=ImageKind.VM,
    base=Base(distribution="debian", release="bookworm"),
    disk_bytes=64 << 20,
    run=("python3", "-m", "greeting", "$HOME"),
    user="www-data",
)
REQUEST = BakeRequest(image=IMAGE, packages=(), files=())

VARIABLES = {
    "EMPTY": "",
    "EQUAL": "a=b",
    "LINES": "one\ntwo\n",
    "MARKS": """ 'single' "double" `back` $HOME \\$HOME \\n \\ """,
    "PATH": "/nowhere",
    "WORDS": "grüße",
}
TOLD = "import json, os, sys; json.dump([sys.argv, dict(os.environ), sys.stdin.read()], sys.stdout)"
PLACES = f"{Path(sys.executable).parent}:/usr/bin:/bin"


@pytest.mark.parametrize(
    ("path", "starts"),
    [
        ("etc/systemd/system/multi-user.target.wants/nginx.service", True),
        ("usr/lib/systemd/system/redis.service", True),
        ("etc/init.d/tor", True),
        ("usr/lib/systemd/user/gpg-agent.service", False),
        ("srv/etc/init.d/tor", False),
    ],
)
def test_machine_that_starts_more_than_its_application_starts_cold(tmp_path: Path, path: str, *, starts: bool) -> None:
    """Whichever layer it comes in: what runs when memory is saved would be the same in each machine."""
    for name, place in (("one", "srv/page"), ("two", path)):
        with LayerTar(tmp_path / name) as tar:
            tar.file(place, BytesIO(), size=0, owner=(0o644, 0, 0), time=FIRST_TIME)
    why = f"its image starts more than its application ('/{path}'), and what that makes would be the same in each"
    assert why_cold((tmp_path / "one", tmp_path / "two"), (), cloud_init=False) == (why if starts else "")


def test_machine_that_needs_cloud_init_starts_cold() -> None:
    """It is told more than there is room for."""
    assert "(SSH, cloud-init)" in why_cold((), (), cloud_init=True)


def test_one_of_both_units_starts() -> None:
    """With the same user and command: where memory is saved, behind a program that waits in its place.

    And in the same sandbox, but for the name, which such a machine does not have yet.
    """
    cold, warm = application_unit(REQUEST).splitlines(), warm_unit(REQUEST).splitlines()
    assert set(SANDBOX) < set(cold)
    assert [line for line in cold if line not in warm] == [
        "ConditionKernelCommandLine=!repave.awaits-identity",
        'ExecStart=:"python3" "-m" "greeting" "$HOME"',
        "EnvironmentFile=-/run/repave/environment",
        "ProtectHostname=yes",
    ]
    assert [line for line in warm if line not in cold] == [
        "ConditionKernelCommandLine=repave.awaits-identity",
        "Requires=repave-identity.service",
        'ExecStart=:/usr/bin/perl /usr/lib/repave/application "python3" "-m" "greeting" "$HOME"',
        "StandardInput=file:/run/repave/environment",
    ]


def waiting(folder: Path, told: str, *command: str) -> "subprocess.CompletedProcess[str]":
    """The program that waits, and what it becomes once it is told."""
    (folder / "script").write_text(WAITING_SCRIPT, encoding="utf-8")
    (folder / "told").write_text(told, encoding="utf-8")
    with (folder / "told").open("rb") as stream:
        return subprocess.run(
            ["perl", folder / "script", *command],
            stdin=stream,
            capture_output=True,
            encoding="utf-8",
            env={"PATH": PLACES, "KEPT": "as it was", "EQUAL": "replaced"},
            check=False,
        )


def test_who_waits_becomes_the_application(tmp_path: Path) -> None:
    """With its arguments, the variables it is told above those of the unit, and nothing to read."""
    program = Path(sys.executable).name
    finished = waiting(tmp_path, "\n" + environment_file(VARIABLES), program, "-c", TOLD, "a b", "$HOME")
    assert not finished.stderr
    arguments, variables, read = json.loads(finished.stdout)
    assert arguments == ["-c", "a b", "$HOME"]
    assert {name: variables.get(name) for name in VARIABLES} == VARIABLES
    assert variables["KEPT"] == "as it was"
    assert not read


@pytest.mark.parametrize(
    ("told", "command", "said"),
    [("\nA=b\n", "true", "its variables cannot be read"), ("\n", "not-there", 'Can\'t exec "not-there": No such file')],
)
def test_application_that_cannot_be_started_fails(tmp_path: Path, told: str, command: str, said: str) -> None:
    """With why: the unit has failed then, as it would have without anybody who waits."""
    finished = waiting(tmp_path, told, command)
    assert finished.returncode != 0
    assert said in finished.stderr
