"""A demo that is broken off leaves nothing running, whoever does it."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo.interruption import SIGNALS, ends_in_order, started
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


@pytest.fixture
def told_to_end() -> Iterator[None]:
    """This process ends in order for a test, as the demo does."""
    before = {each: signal.getsignal(each) for each in SIGNALS}
    ends_in_order()
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.usefixtures("told_to_end")
def test_what_is_being_started_when_the_signal_comes_ends_too(tmp_path: Path) -> None:
    """Between fork and exec nobody knows of it yet."""
    with pytest.raises(SystemExit, match=str(128 + signal.SIGTERM)):
        started(
            [sys.executable, "-c", "import time; time.sleep(600)"],
            cwd=tmp_path,
            preexec_fn=lambda: os.kill(os.getppid(), signal.SIGTERM),
        )
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
