"""``repave status``: what it points to can be done."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from store_scene import FLEET, NOW, OLD, aim, bake, empty

from repave.model.names import FleetName
from repave.store.sql import SqlStore

Repave = Callable[..., Any]
WORKER = replace(FLEET, fleet=FleetName("worker"))


@pytest.fixture
def stopped(folder: Path) -> None:
    """Two fleets in one environment, one of which is stopped."""
    file = folder / "repave.yaml"
    text = file.read_text(encoding="utf-8")
    text = text.replace(
        "  web: {image: web, port: 8080}\n", "  web: {image: web, port: 8080}\n  worker: {image: web, port: 8081}\n"
    )
    file.write_text(text.replace("{web: {size: 2}}", "{web: {size: 2}, worker: {size: 2}}"), encoding="utf-8")
    store = SqlStore(f"sqlite:///{folder}/.repave/store.db")
    bake(store, runs=True)
    store.add_revision(WORKER, OLD)
    parent = store.aim(WORKER, aim(), NOW).generation
    store.commit(replace(empty(parent), fleet=WORKER, stop="2 failed in a row"))
    store.close()


@pytest.mark.usefixtures("stopped")
def test_a_stopped_fleet_is_named_where_there_are_several(repave: Repave) -> None:
    """Each command of the hint is about that fleet, and is understood."""
    told = repave("status")
    assert "warning: test/worker is stopped: 2 failed in a row" in told.err
    commands = re.findall(r"`repave ([^`]+)`", told.err)
    assert commands == ["explain test worker", "logs test worker --failed"]
    for command in commands:
        ended = repave(*command.split())
        assert "several fleets" not in ended.err
        assert ended.code == 0 or "no output of a failed instance is kept" in ended.err
