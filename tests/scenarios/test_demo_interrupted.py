"""A demo that is broken off leaves nothing running, whoever does it."""

import os
import signal
import time
from pathlib import Path

import pytest
from performing import demo

pytestmark = pytest.mark.real


def at_work(folder: Path) -> list[str]:
    """What runs in a folder or was told to write there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            inside = (process / "cwd").resolve().is_relative_to(folder)
        except OSError:  # it ended meanwhile
            continue
        if process.name != str(os.getpid()) and (inside or os.fsencode(folder) in said):
            found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_it_started_ends_with_it(tmp_path: Path, number: signal.Signals) -> None:
    """The visitors are getting ready and the shop is being locked when it is told to end."""
    with demo(tmp_path) as broken_off:
        while not any("locust" in said for said in at_work(tmp_path)):
            assert broken_off.poll() is None
            time.sleep(0.05)
        broken_off.send_signal(number)
        _, said = broken_off.communicate()
    assert broken_off.returncode == 128 + number, said.decode()
    assert at_work(tmp_path) == []


def test_what_it_started_ends_with_one_that_was_killed(tmp_path: Path) -> None:
    """No handler runs in it, and the visitors are told all the same."""
    with demo(tmp_path) as killed:
        while not any("locust" in said for said in at_work(tmp_path)):
            assert killed.poll() is None
            time.sleep(0.05)
        killed.kill()
    while any("locust" in said for said in at_work(tmp_path)):
        time.sleep(0.05)
