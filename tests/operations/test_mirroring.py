"""What a mirror has of a release: all that is locked, what machines install beside it, and no disk."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from kept_store import new_store
from pantry import Pantry
from stored_machine import digest_of, machine

from repave.config.lockfile import lock_digest
from repave.model.lock import Lock
from repave.model.names import ImageName, ReleaseNumber
from repave.model.release import Release
from repave.operations.errors import Refused
from repave.operations.mirror import mirrored
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_mirror_has_what_is_locked_and_what_machines_install(tmp_path: Path) -> None:
    """And neither documents nor pieces of disks. One that would lack a file is none, and says which."""
    vault, registry = FileVault(tmp_path / "vault"), LayoutRegistry(tmp_path / "registry")
    file = Pantry(vault=vault, folder=tmp_path).file("/srv/app/page", b"hello")
    lock = Lock(files=(file,))
    store = new_store(tmp_path / "store.db")
    store.add_lock(lock_digest(lock), lock, NOW)
    release = Release(
        number=ReleaseNumber(1),
        artifacts={
            ImageName("web"): machine(registry, installed=(b"document", b"layer")),
            ImageName("golden"): machine(registry),
        },
        lock=lock_digest(lock),
        source="",
        created_at=NOW,
    )
    found = mirrored(release, catalog=store, vault=vault, registry=registry)
    layer = digest_of(b"layer").removeprefix("sha256:")
    assert found == {file.sha256: vault.path(file.sha256), layer: registry.path(digest_of(b"layer"))}
    registry.remove(digest_of(b"layer"))
    with pytest.raises(Refused, match="r1 cannot be mirrored: ") as refused:
        mirrored(release, catalog=store, vault=vault, registry=registry)
    assert layer in refused.value.message
    store.close()
