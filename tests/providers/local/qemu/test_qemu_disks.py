"""Disks that are published, with no machine started from them."""

import errno
import os
from pathlib import Path

import pytest
from stored_machine import machine

from repave.model.artifact import Artifact
from repave.model.names import ImageName
from repave.model.recipe import ImageKind
from repave.ports.errors import NoCapacity
from repave.ports.progress import Silent
from repave.providers.local.hashed import Hashed
from repave.providers.local.places import Places
from repave.providers.local.qemu.disks import Disks
from repave.registries.layout import LayoutRegistry


def test_published_disk_outlasts_a_loss_of_power(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it is on this machine's own disk before the seal is, by which it is believed from then on."""
    registry = LayoutRegistry(root=tmp_path / "registry")
    digest = machine(registry, installed=(b"document", b"package"))
    places = Places(root=tmp_path / "local", runtime=tmp_path / "run")
    flushed: set[int] = set()
    sealed: list[set[int]] = []
    flush = os.fsync

    def noticed(handle: int) -> None:
        if ".seal" in Path(f"/proc/self/fd/{handle}").readlink().name:
            sealed.append(set(flushed))
        flushed.add(os.fstat(handle).st_ino)
        flush(handle)

    monkeypatch.setattr(os, "fsync", noticed)
    artifact = Artifact(image=ImageName("web"), kind=ImageKind.VM, digest=digest, size_bytes=1, layers=())
    Disks(places=places, registry=registry).publish(artifact, used=(), progress=Silent())
    folder = places.disk(digest)
    named = {path.name: path.stat().st_ino for path in folder.iterdir()}
    assert set(named) == {"disk", "kernel", "initrd", "document", "files", "boot.json"}
    (before,) = sealed
    assert before >= {*named.values(), folder.stat().st_ino, folder.parent.stat().st_ino}


def test_a_disk_that_could_not_be_put_together_takes_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk would stay full."""
    registry = LayoutRegistry(root=tmp_path / "registry")
    digest = machine(registry)
    places = Places(root=tmp_path / "local", runtime=tmp_path / "run")
    read, asked = Hashed.read, iter(range(3))

    def fails(hashed: Hashed, size: int = 1000, /) -> bytes:
        if next(asked, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return read(hashed, min(size, 1000))

    monkeypatch.setattr(Hashed, "read", fails)
    artifact = Artifact(image=ImageName("web"), kind=ImageKind.VM, digest=digest, size_bytes=1, layers=())
    with pytest.raises(NoCapacity, match="No space left"):
        Disks(places=places, registry=registry).publish(artifact, used=(), progress=Silent())
    assert not list(places.disks.iterdir())
    assert not places.published_disks()
