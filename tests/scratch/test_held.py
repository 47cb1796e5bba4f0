"""A folder in which something is made is gone afterwards, also where its maker was killed."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from repave.scratch.held import held

MAKER = """
import sys
from pathlib import Path
from repave.scratch.held import held
with held(Path(sys.argv[1]), prefix="run-") as folder:
    (folder / "half").write_text("done")
    print(folder.name, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def maker(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that makes something beside us."""
    command = [sys.executable, "-c", MAKER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def names(folder: Path) -> set[str]:
    """What is there."""
    return {entry.name for entry in folder.iterdir()}


def test_what_the_killed_left_goes_with_the_next_and_not_before(tmp_path: Path, maker: "subprocess.Popen[str]") -> None:
    """While they live it is theirs; others' kinds stay, and so does what a link leads to."""
    assert maker.stdout is not None
    left = maker.stdout.readline().strip()
    for other in ("runs", "elsewhere"):
        (tmp_path / other).mkdir()
        (tmp_path / other / "file").write_text("stays", encoding="utf-8")
    (tmp_path / "run-link").symlink_to(tmp_path / "elsewhere")
    with held(tmp_path, prefix="run-") as folder:
        assert names(tmp_path) == {left, folder.name, "runs", "elsewhere", "run-link"}
    maker.kill()
    maker.wait()
    assert left in names(tmp_path)
    with held(tmp_path, prefix="run-") as folder:
        assert names(tmp_path) == {folder.name, "runs", "elsewhere", "run-link"}
    assert names(tmp_path) == {"runs", "elsewhere", "run-link"}
    assert names(tmp_path / "elsewhere") == {"file"}


def test_two_of_one_process_hold_their_own(tmp_path: Path) -> None:
    """Threads work beside each other too."""
    with held(tmp_path, prefix="run-") as one, held(tmp_path, prefix="run-") as other:
        assert names(tmp_path) == {one.name, other.name}
    assert not names(tmp_path)


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    """However deep it is."""

    def fail() -> None:
        with held(tmp_path, prefix="run-") as folder:
            (folder / "a/b").mkdir(parents=True)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not names(tmp_path)
