"""``repave replace``: what it refuses; `tests/operations/test_wishing.py` has what becomes of a fleet."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from store_scene import FLEET, OLD, aim

from repave.controller.converge import Controller
from repave.store.sql import SqlStore

Repave = Callable[..., Any]


@pytest.mark.parametrize(
    "arguments", [(), ("web-1", "--all"), ("--fleet", "web", "--all"), ("web-1", "--fleet", "web")]
)
def test_one_word_says_who(repave: Repave, arguments: tuple[str, ...]) -> None:
    """Nobody has a whole environment replaced for a forgotten word."""
    ended = repave("replace", "test", *arguments)
    assert (ended.code, ended.err) == (
        2,
        "error: `repave replace` needs one of: an instance, --fleet, --all\nhint: `repave status test` lists them\n",
    )


@pytest.mark.parametrize("arguments", [("web-1",), ("--fleet", "web"), ("--all",)])
def test_nothing_runs_yet(repave: Repave, arguments: tuple[str, ...]) -> None:
    """With what does it."""
    ended = repave("replace", "test", *arguments)
    assert (ended.code, ended.err) == (5, "error: test was never deployed\nhint: `repave deploy test`\n")


def test_a_fleet_is_named_nearly(repave: Repave) -> None:
    """The nearest name."""
    ended = repave("replace", "test", "--fleet", "wob")
    assert ended.code == 2
    assert "did you mean `web`?" in ended.err


@pytest.fixture
def running(folder: Path) -> Iterator[SqlStore]:
    """A fleet whose instances are given a secret of the environment."""
    store = SqlStore(f"sqlite:///{folder}/.repave/store.db")
    store.add_revision(FLEET, OLD)
    store.aim(FLEET, aim(), datetime.now(UTC))
    yield store
    store.close()


@pytest.mark.usefixtures("running")
def test_a_secret_that_cannot_be_read_is_told_before_anything_is_asked(
    running: SqlStore, repave: Repave, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the fleet would try for as long as it is gone."""
    monkeypatch.delenv("TOKEN", raising=False)
    ended = repave("replace", "test", "--all")
    assert ended.code == 5
    assert ended.err == (
        "error: test/web: the secret env:TOKEN cannot be resolved: the environment variable is not set; nothing was "
        "changed\nhint: set TOKEN in the environment of this command\n"
    )
    assert running.events(FLEET, limit=10) == ()


def test_who_else_launches_has_secrets_of_its_own(
    running: SqlStore, repave: Repave, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new value of ours would reach nobody, and the old one must not be taken away."""
    monkeypatch.delenv("TOKEN", raising=False)
    monkeypatch.setattr(Controller, "converge", lambda *_: ())
    running.acquire(str(FLEET), "elsewhere:17:0:0", at=datetime.now(UTC), seconds=60)
    ended = repave("replace", "test", "--all")
    assert ended.code == 0
    assert "another process (elsewhere:17) looks after test/web, and takes env:TOKEN from the environment" in ended.err
