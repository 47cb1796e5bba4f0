"""Saved memory as files: which is used, which is not and why, and what is removed."""

from dataclasses import replace
from pathlib import Path

import pytest

from repave.model.names import Digest, EnvironmentName, FleetName
from repave.model.release import Limits
from repave.ports.errors import Invalid
from repave.ports.identity_format import IDENTITY_BYTES, SYSTEM_AREA_BYTES, identity_disk, serving_disk
from repave.providers.local.places import Places
from repave.providers.local.qemu.acceleration import Acceleration
from repave.providers.local.qemu.snapshots import (
    DISK,
    MEMORY,
    Shape,
    Snapshot,
    Snapshots,
    Unusable,
    hot_key,
    warm_key,
)

DIGEST, WEB, API = Digest("sha256:" + "a" * 64), FleetName("web"), FleetName("api")
TEST = EnvironmentName("test")
SHAPE = Shape.of(Acceleration(accelerator="kvm", why="tried"), Limits())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the artifact's memory is kept."""
    return Places(root=tmp_path, runtime=tmp_path).snapshots(DIGEST)


@pytest.fixture
def snapshots(tmp_path: Path) -> Snapshots:
    """With some of the fleet web."""
    kept = Snapshots(places=Places(root=tmp_path, runtime=tmp_path))
    save(kept, WEB)
    return kept


def save(snapshots: Snapshots, key: str) -> None:
    """What a machine that was saved leaves, and what it needed for that."""
    making = snapshots.making(DIGEST, key)
    for name in (MEMORY, DISK, "console", "seed"):
        (making / name).write_bytes(b"saved")
    snapshots.keep(DIGEST, key, SHAPE)


def test_what_was_saved_is_found_by_its_fleet(snapshots: Snapshots, folder: Path) -> None:
    """Its memory and its disk; another fleet is not meant to have any."""
    assert snapshots.found(DIGEST, WEB, SHAPE) == Snapshot(memory=folder / "web" / MEMORY, disk=folder / "web" / DISK)
    assert snapshots.found(DIGEST, API, SHAPE) is None
    assert {path.name for path in folder.iterdir()} == {"web", "web.seal"}
    assert {path.name for path in (folder / "web").iterdir()} == {MEMORY, DISK, "shape.json"}


@pytest.mark.parametrize("name", [MEMORY, DISK, "shape.json"])
def test_what_was_changed_since_is_not_used(snapshots: Snapshots, folder: Path, name: str) -> None:
    """Whatever it was."""
    (folder / "web" / name).write_bytes(b"saved")
    found = snapshots.found(DIGEST, WEB, SHAPE)
    assert found == Unusable(why=f"the saved memory has changed since it was saved: {name}")


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (replace(SHAPE, qemu="another file"), "qemu"),
        (Shape.of(Acceleration(accelerator="tcg", why="tried"), Limits()), "acceleration"),
        (replace(SHAPE, host="another processor"), "host"),
        (replace(SHAPE, memory="1 bytes"), "memory"),
        (replace(SHAPE, processors="3"), "processors"),
        (Shape.of(Acceleration(accelerator="kvm", why="tried"), Limits(), "a1b2c3"), "revision"),
    ],
)
def test_what_another_machine_left_is_not_used(snapshots: Snapshots, other: Shape, what: str) -> None:
    """After QEMU was brought up to date, for instance."""
    found = snapshots.found(DIGEST, WEB, other)
    assert found == Unusable(why=f"memory was saved with another {what} than a machine would have now")


def test_what_was_not_sealed_is_not_used(snapshots: Snapshots, folder: Path) -> None:
    """Whoever saved it was killed at the last moment."""
    (folder / "web.seal").unlink()
    assert snapshots.found(DIGEST, WEB, SHAPE) == Unusable(why="what was saved is incomplete")


def test_what_was_abandoned_takes_no_room(snapshots: Snapshots, folder: Path) -> None:
    """What was kept before stays."""
    (snapshots.making(DIGEST, WEB) / MEMORY).write_bytes(b"half")
    snapshots.abandon(DIGEST, WEB)
    assert {path.name for path in folder.iterdir()} == {"web", "web.seal"}


def test_a_refusal_is_told_until_there_is_something(snapshots: Snapshots) -> None:
    """And nothing of what was refused is kept."""
    snapshots.refuse(DIGEST, WEB, "it was in vain")
    assert snapshots.found(DIGEST, WEB, SHAPE) == Unusable(why="it was in vain")
    save(snapshots, WEB)
    assert isinstance(snapshots.found(DIGEST, WEB, SHAPE), Snapshot)


def test_only_what_is_wanted_is_kept(snapshots: Snapshots, folder: Path) -> None:
    """Neither another fleet's, nor what a crash left of one that is wanted; at the end nothing at all."""
    save(snapshots, API)
    snapshots.making(DIGEST, WEB)
    snapshots.keep_only(DIGEST, {API}, TEST)
    assert {path.name for path in folder.iterdir()} == {"api", "api.seal"}
    snapshots.keep_only(DIGEST, (), TEST)
    assert not folder.exists()
    snapshots.keep_only(DIGEST, (), TEST)


def test_memory_of_who_served_is_its_environments(snapshots: Snapshots, folder: Path) -> None:
    """What other environments have stays, and so does what is wanted of every environment."""
    prod = EnvironmentName("prod")
    for environment in (TEST, prod):
        save(snapshots, hot_key(environment, API))
        snapshots.refuse(DIGEST, hot_key(environment, WEB), "it was in vain")
    snapshots.keep_only(DIGEST, {warm_key(WEB)}, TEST)
    assert {path.name for path in folder.iterdir()} == {"web", "web.seal", "api@prod", "api@prod.seal", "web@prod.cold"}
    snapshots.keep_only(DIGEST, (), TEST)
    assert not isinstance(snapshots.found(DIGEST, warm_key(WEB), SHAPE), Snapshot)
    assert isinstance(snapshots.found(DIGEST, hot_key(prod, API), SHAPE), Snapshot)
    snapshots.clear(DIGEST)
    assert not folder.exists()


def test_an_identity_is_a_disk_of_the_size_that_was_promised() -> None:
    """A machine that goes on from memory does not ask for the size again."""
    disk = identity_disk(random=b"\1\2", name="web-1", variables='A="b"\n')
    assert disk.startswith(b'repave-identity-1 0102 web-1 6\nA="b"\n\0')
    assert len(disk) == IDENTITY_BYTES
    with pytest.raises(Invalid, match="the variables of web-1 take 1048576 bytes, more than can be handed"):
        identity_disk(random=b"", name="web-1", variables="x" * IDENTITY_BYTES)


def test_what_an_application_serves_with_lies_before_what_its_machine_starts_with() -> None:
    """Of which nothing but that is another."""
    began = bytes(SYSTEM_AREA_BYTES) + b"the rest"
    disk = serving_disk(began, port=80, path="/ok", variables='A="b"\n')
    assert disk.startswith(b'repave-serving-1 80 2f6f6b 6\nA="b"\n\0')
    assert disk[SYSTEM_AREA_BYTES:].rstrip(b"\0") == b"the rest"
    assert len(disk) == IDENTITY_BYTES
    with pytest.raises(Invalid, match="the variables of the application take 32768 bytes, more than can be handed"):
        serving_disk(began, port=80, path="/ok", variables="x" * SYSTEM_AREA_BYTES)
