"""What is renamed in the file while it runs: ``repave deploy`` tells that it runs on, and what can be done."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from store_scene import FLEET, bake, later, seen

from repave.cli.codes import REFUSED
from repave.store.sql import SqlStore

Repave = Callable[..., Any]

RENAMED = {
    "fleet": {"  web: {image": "  shop: {image", "{web: {size": "{shop: {size"},
    "environment": {"  test: {": "  qa: {", "[test]": "[qa]"},
}
"""What is written anew in the file, by what it renames."""


@pytest.fixture
def file(folder: Path) -> Path:
    """The file of a project whose fleet `web` is wanted in `test`."""
    store = SqlStore(f"sqlite:///{folder}/.repave/store.db")
    bake(store, runs=True)
    store.close()
    return folder / "repave.yaml"


def rename(file: Path, words: Mapping[str, str]) -> None:
    """As a person edits the file."""
    text = file.read_text(encoding="utf-8")
    for old, new in words.items():
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


def test_an_environment_that_is_renamed_is_said_to_run_on(file: Path, repave: Repave) -> None:
    """Its successor would be a second one beside it."""
    rename(file, RENAMED["environment"])
    told = repave("deploy", "qa").err
    assert "warning: environment test runs on as it is: the file has it no more\nhint: put it back below " in told


def test_a_fleet_that_is_renamed_is_said_to_run_on(file: Path, repave: Repave) -> None:
    """Of its environment, whose other fleets are deployed."""
    rename(file, RENAMED["fleet"])
    told = repave("deploy", "test").err
    assert (
        "warning: test/web runs on as it is: the file has it no more\nhint: `repave destroy test --fleet web`" in told
    )


@pytest.mark.parametrize(
    ("what", "environment", "hint"),
    [
        ("fleet", "test", "hint: give shop another `listen`, or the old name; or `repave destroy test --fleet web` "),
        ("environment", "qa", "hint: put it back below `environments`, destroy it, "),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "tcp"])
def test_an_address_is_not_taken_from_what_was_renamed(
    file: Path, repave: Repave, scheme: str, what: str, environment: str, hint: str
) -> None:
    """It serves there: before anything is published or wanted it is said how the address comes free."""
    store = SqlStore(f"sqlite:///{file.parent}/.repave/store.db")
    sighting = seen(later(1), "web-1")
    store.see(replace(sighting, traffic=replace(sighting.traffic, endpoint=f"{scheme}://127.0.0.1:8099")))
    rename(file, {**RENAMED[what], "size: 2}": "size: 2, listen: 8099}"})
    for verb in ("deploy", "plan"):
        refused = repave(verb, environment)
        assert refused.code == REFUSED
        assert "is to listen on 127.0.0.1:8099, where test/web serves, which the file has no more" in refused.err
        assert hint in refused.err
    assert store.fleets() == (FLEET,)
    store.close()
