"""``repave mirror`` as people use it: a small project whose locked files are had over HTTP, until Ctrl-C."""

import json
import signal
import subprocess
import sys
import urllib.request
from hashlib import sha256
from pathlib import Path

import pytest
from tiny_project import VAULT, laid_out, repave

from repave.cli.codes import REFUSED
from repave.config.lockfile import read_lock

pytestmark = pytest.mark.real


def read(url: str) -> bytes:
    """What is there."""
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - on this machine
        content: bytes = answer.read()
        return content


def test_all_that_is_locked_is_served_until_it_is_interrupted(tmp_path: Path) -> None:
    """Each file with the bytes that its name promises; ending it is no failure. One that would lack a file is none."""
    project = laid_out(tmp_path / "project")
    repave(project, "vault", "import", str(VAULT))
    repave(project, "bake")
    command = [str(Path(sys.executable).with_name("repave")), "mirror", "--json"]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        listed = {file["sha256"] for file in json.loads(read(f"{said['url']}/"))["files"]}
        contents = {name: read(f"{said['url']}/{name}") for name in listed}
        process.send_signal(signal.SIGINT)
    lock = read_lock(project / "repave.lock")
    assert process.returncode == 0
    assert said["url"].startswith("http://127.0.0.1:")
    assert listed == {*(package.sha256 for package in lock.packages), *(file.sha256 for file in lock.files)}
    assert all(sha256(content).hexdigest() == name for name, content in contents.items())
    place = next((project / ".repave/vault").rglob(lock.packages[0].sha256))
    place.unlink()
    finished = subprocess.run(command[:-1], cwd=project, capture_output=True, text=True, check=False, timeout=60)
    assert finished.returncode == REFUSED
    assert "error: r1 cannot be mirrored: " in finished.stderr
    assert lock.packages[0].sha256 in finished.stderr
    assert "hint: `repave bake` brings in what is missing" in finished.stderr
