"""What is to be launched with is read before anything is wanted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from store_scene import FLEET, bake

from repave.store.sql import SqlStore

Repave = Callable[..., Any]


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
    bake(store, runs="rollback" in verb)
    before = store.target(FLEET)
    refused = repave(*verb)
    assert refused.code == 5
    assert "test/web: the secret env:TOKEN cannot be resolved: the environment variable is not set" in refused.err
    assert store.target(FLEET) == before
    store.close()
