"""What is to be launched with is read before anything is wanted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from store_scene import FLEET, NOW, OLD, aim

from repave.model.lock import Lock
from repave.model.names import Digest, ImageName
from repave.store.sql import SqlStore

Repave = Callable[..., Any]
LOCK = Digest("sha256:" + "ab" * 32)


@pytest.mark.parametrize("verb", [("deploy", "test"), ("rollback", "test", "--to", "r1"), ("promote",)])
def test_a_secret_that_cannot_be_read_says_nothing_of_a_release(
    folder: Path, repave: Repave, monkeypatch: pytest.MonkeyPatch, verb: tuple[str, ...]
) -> None:
    """Nothing is published, wanted or held against it."""
    monkeypatch.delenv("TOKEN", raising=False)
    file = folder / "repave.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace("fleets: {web: {size: 2}}", 'fleets: {web: {size: 2}}, config: {TOKEN: {secret: "env:TOKEN"}}'),
        encoding="utf-8",
    )
    store = SqlStore(f"sqlite:///{folder}/.repave/store.db")
    store.add_lock(LOCK, Lock(), NOW)
    store.add_release({ImageName("web"): LOCK}, LOCK, "source", NOW)
    if "rollback" in verb:
        store.add_revision(FLEET, OLD)
        store.aim(FLEET, aim(), NOW)
    before = store.target(FLEET)
    refused = repave(*verb)
    assert refused.code == 5
    assert "test/web: the secret env:TOKEN cannot be resolved: the environment variable is not set" in refused.err
    assert store.target(FLEET) == before
    store.close()
