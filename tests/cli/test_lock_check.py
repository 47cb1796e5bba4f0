"""``repave lock --check`` writes nothing."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from repave.cli.codes import FAILED
from repave.config.lockfile import dump_lock
from repave.model.lock import Lock


def test_a_check_of_the_lock_makes_no_state(folder: Path, repave: Callable[..., Any]) -> None:
    """As in CI, in a folder that is only read: with a lock and without."""
    shutil.rmtree(folder / ".repave")
    before = sorted(folder.rglob("*"))
    without = repave("lock", "--check")
    (folder / "repave.lock").write_text(dump_lock(Lock()), encoding="utf-8")
    beside = repave("lock", "--check")
    (folder / "repave.lock").unlink()
    assert sorted(folder.rglob("*")) == before
    assert without.code == FAILED
    assert "there is no repave.lock" in without.out
    assert beside.code == FAILED
