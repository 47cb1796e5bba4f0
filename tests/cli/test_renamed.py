"""What is renamed in the file while it runs: ``repave deploy`` tells that it runs on, and what can be done."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from store_scene import bake

from repave.store.sql import SqlStore

Repave = Callable[..., Any]


@pytest.fixture
def file(folder: Path) -> Path:
    """The file of a project whose fleet `web` is wanted in `test`."""
    store = SqlStore(f"sqlite:///{folder}/.repave/store.db")
    bake(store, runs=True)
    store.close()
    return folder / "repave.yaml"


def test_an_environment_that_is_renamed_is_said_to_run_on(file: Path, repave: Repave) -> None:
    """Its successor would be a second one beside it."""
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("  test: {", "  qa: {").replace("[test]", "[qa]"), encoding="utf-8")
    told = repave("deploy", "qa").err
    assert "warning: environment test runs on as it is: the file has it no more\nhint: put it back below " in told


def test_a_fleet_that_is_renamed_is_said_to_run_on(file: Path, repave: Repave) -> None:
    """Of its environment, whose other fleets are deployed."""
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("  web: {image", "  shop: {image").replace("{web: {size", "{shop: {size"), "utf-8")
    told = repave("deploy", "test").err
    assert (
        "warning: test/web runs on as it is: the file has it no more\nhint: `repave destroy test --fleet web`" in told
    )
