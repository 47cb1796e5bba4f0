"""``repave lock --check`` writes nothing."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_project import VAULT, laid_out

from repave.cli.codes import FAILED, OK
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


def test_a_check_of_the_lock_asks_the_packages_in_the_vault(
    tmp_path: Path, repave: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry that was edited reads as a repair; where the vault has the file, its own words count."""
    project = laid_out(tmp_path / "project")
    monkeypatch.chdir(project)
    lock = project / "repave.lock"
    honest = lock.read_text(encoding="utf-8")
    edited = honest.replace('version = "10.0.0"', 'version = "10.0.1"')
    lock.write_text(edited, encoding="utf-8")
    assert repave("lock", "--check").code == OK  # no vault, nobody to ask
    assert repave("vault", "import", str(VAULT)).code == OK
    ended = repave("lock", "--check")
    assert ended.code == FAILED
    assert "says it is media-types 10.0.0, the lock says media-types 10.0.1" in " ".join(ended.out.split())
    assert "the lock was edited" in " ".join(ended.err.split())
    lock.write_text(honest, encoding="utf-8")
    assert repave("lock", "--check").code == OK


def test_a_check_of_the_lock_misses_what_its_packages_need(
    tmp_path: Path, repave: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry that was taken out leaves those that depend on it."""
    project = laid_out(tmp_path / "project")
    monkeypatch.chdir(project)
    lock = project / "repave.lock"
    blocks = lock.read_text(encoding="utf-8").split("\n[[")
    left = [block for block in blocks if 'name = "tiny-shell"' not in block]
    assert len(left) == len(blocks) - 1
    lock.write_text("\n[[".join(left), encoding="utf-8")
    assert repave("vault", "import", str(VAULT)).code == OK
    ended = repave("lock", "--check")
    assert ended.code == FAILED
    assert "base-files needs `awk`, which is not locked" in " ".join(ended.out.split())
    assert "`repave lock` brings it up" in ended.err
