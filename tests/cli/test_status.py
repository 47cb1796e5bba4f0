"""``repave status``: what it points to can be done."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from store_scene import FLEET, NOW, OLD, aim, bake, empty

from repave.model.names import FleetName
from repave.model.plan import Hold, Rule
from repave.store.sql import SqlStore

Repave = Callable[..., Any]
WORKER = replace(FLEET, fleet=FleetName("worker"))


@pytest.fixture
def two(folder: Path) -> Iterator[SqlStore]:
    """The store of two fleets in one environment."""
    file = folder / "repave.yaml"
    text = file.read_text(encoding="utf-8")
    text = text.replace(
        "  web: {image: web, port: 8080}\n", "  web: {image: web, port: 8080}\n  worker: {image: web, port: 8081}\n"
    )
    file.write_text(text.replace("{web: {size: 2}}", "{web: {size: 2}, worker: {size: 2}}"), encoding="utf-8")
    store = SqlStore(f"sqlite:///{folder}/.repave/store.db")
    bake(store, runs=True)
    store.add_revision(WORKER, OLD)
    yield store
    store.close()


def test_a_stopped_fleet_is_named_where_there_are_several(repave: Repave, two: SqlStore) -> None:
    """Each command of the hint is about that fleet, and is understood."""
    parent = two.aim(WORKER, aim(), NOW).generation
    two.commit(replace(empty(parent), fleet=WORKER, stop="2 failed in a row"))
    told = repave("status")
    assert "warning: test/worker is stopped: 2 failed in a row" in told.err
    commands = re.findall(r"`repave ([^`]+)`", told.err)
    assert commands == ["explain test worker", "logs test worker --failed"]
    for command in commands:
        ended = repave(*command.split())
        assert "several fleets" not in ended.err
        assert ended.code == 0 or "no output of a failed instance is kept" in ended.err


def test_a_flaw_of_many_fleets_is_told_once(repave: Repave, two: SqlStore) -> None:
    """All that hold it are named, and what can be done stands below once."""
    words = "r1 holds CVE-2026-1 (high), which is due on 2026-03-31 12:00, and nothing repaired is wanted"
    hold = Hold(subject="fleet", rule=Rule.DEADLINE, detail=words, since=NOW)
    for fleet in (FLEET, WORKER):
        parent = two.aim(fleet, aim(), NOW).generation
        two.keep_plan(replace(empty(parent), fleet=fleet, holds=(hold,)))
    told = repave("status")
    assert [line for line in told.err.splitlines() if "CVE" in line] == [f"warning: test/web, test/worker: {words}"]
    assert re.findall(r"`repave ([^`]+)`", told.err) == ["explain test web", "patch"]
