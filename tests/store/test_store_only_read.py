"""What is in the store is read although its disk takes nothing more."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from full_disk import full_disk
from kept_store import new_store

from repave.model.names import EnvironmentName, FleetKey, FleetName, ProjectName, ReleaseNumber, RevisionId
from repave.ports.errors import WorldError
from repave.ports.intent import Aim
from repave.store.sql import SqlStore

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
FIRST = Aim(revision=RevisionId("r"), release=ReleaseNumber(1), size=1, reason="")
SECOND = Aim(revision=RevisionId("s"), release=ReleaseNumber(2), size=2, reason="")

READ_ONLY = 'mount --make-rprivate / && mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'

STORY = """
import sys
from repave.ports.errors import WorldError
from repave.store.sql import SqlStore

try:
    store = SqlStore(f"sqlite:///{sys.argv[1]}")
    print(*(store.target(key).release for key in store.fleets()))
    with store._database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM alembic_version")
    print("written")
except WorldError as refused:
    print(refused, refused.hint)
"""


def test_a_full_disk_is_read_and_says_so_to_who_writes(tmp_path: Path) -> None:
    """With what makes room; once there is some, all is as before."""
    file = tmp_path / "store.db"
    before = new_store(file)
    before.aim(FLEET, FIRST, NOW)
    before.close()
    with full_disk():
        store = SqlStore(f"sqlite:///{file}")
        seen = store.target(FLEET)
        with pytest.raises(WorldError, match="is full") as refused:
            store.aim(FLEET, SECOND, NOW)
    assert seen is not None
    assert seen.release == 1
    assert "`repave gc --yes`" in refused.value.hint
    store.aim(FLEET, SECOND, NOW)
    seen = store.target(FLEET)
    store.close()
    assert seen is not None
    assert seen.release == 2


def test_what_a_killed_writer_had_committed_is_seen_on_a_full_disk(tmp_path: Path) -> None:
    """It is beside the database still: the database alone would tell of yesterday."""
    killed = left_by_a_killed_writer(tmp_path)
    with full_disk():
        store = SqlStore(f"sqlite:///{killed / 'store.db'}")
        seen = store.target(FLEET)
        store.close()
    assert seen is not None
    assert seen.release == 1


def test_a_full_disk_without_a_database_makes_none_up(tmp_path: Path) -> None:
    """Nothing can be read of what was never there."""
    with full_disk(), pytest.raises(WorldError, match="is full"):
        SqlStore(f"sqlite:///{tmp_path / 'store.db'}")


@pytest.mark.real
def test_a_disk_mounted_to_be_read_is_read(tmp_path: Path) -> None:
    """Who writes is told how it is mounted."""
    store = new_store(tmp_path / "store.db")
    store.aim(FLEET, FIRST, NOW)
    beside = told(tmp_path)
    store.close()
    alone = told(tmp_path)
    assert [said[0] for said in (beside, alone)] == ["1", "1"]
    assert all("mounted read-only" in said[1] for said in (beside, alone))


@pytest.mark.real
def test_what_cannot_be_seen_whole_is_refused(tmp_path: Path) -> None:
    """A killed writer's last transactions on a disk that is only read: without them it would tell of yesterday."""
    killed = left_by_a_killed_writer(tmp_path)
    (said,) = told(killed)
    assert "cannot be used" in said
    assert "mounted read-only" in said


def left_by_a_killed_writer(folder: Path) -> Path:
    """A folder with a store whose last transaction is beside the database still."""
    killed = folder / "killed"
    killed.mkdir()
    store = new_store(folder / "store.db")
    store.aim(FLEET, FIRST, NOW)
    for name in ("store.db", "store.db-wal"):
        shutil.copy(folder / name, killed / name)
    store.close()
    return killed


def told(folder: Path) -> list[str]:
    """What the story says, a line each, where the folder is mounted to be read."""
    story = [sys.executable, "-c", STORY, str(folder / "store.db")]
    finished = subprocess.run(
        ["unshare", "--mount", "sh", "-c", READ_ONLY, "sh", str(folder), *story],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines()
