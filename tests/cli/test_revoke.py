"""``repave revoke``, over a project with one release and nothing deployed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from repave.cli.codes import REFUSED
from repave.model.lock import Lock
from repave.model.names import Digest, ImageName
from repave.store.sql import SqlStore

Repave = Callable[..., Any]
ARTIFACT = Digest("sha256:" + "ab" * 32)
LOCK = Digest("sha256:" + "cd" * 32)


@pytest.fixture
def released(folder: Path) -> None:
    """As after a first bake."""
    store = SqlStore(f"sqlite:///{folder}/.repave/store.db")
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    store.add_lock(LOCK, Lock(), at)
    store.add_release({ImageName("web"): ARTIFACT}, LOCK, "source", at)
    store.close()


@pytest.mark.usefixtures("released")
def test_a_revocation_is_made_listed_and_undone(repave: Repave) -> None:
    """In words, and for machines."""
    made = repave("revoke", "r1", "--reason", "it loses orders")
    assert made.code == 0
    assert "release r1: closed, since " in made.out
    assert "none is left\n  it loses orders" in made.out
    assert "release r1 is revoked: 1 artifact must not be started any more" in made.err
    (listed,) = json.loads(repave("revoke", "--list", "--json").out)["revocations"]
    assert (listed["kind"], listed["subject"], listed["state"]) == ("release", "r1", "closed")
    assert listed["artifacts"] == [ARTIFACT]
    undone = repave("revoke", "r1", "--undo", "--reason", "it was the network")
    assert "release r1: undone, since " in undone.out
    assert ": it was the network" in undone.out


@pytest.mark.usefixtures("released")
def test_a_digest_may_be_named_by_its_start(repave: Repave) -> None:
    """As other verbs take it."""
    made = json.loads(repave("revoke", "abababab", "--reason", "bad", "--json").out)
    assert (made["kind"], made["subject"]) == ("artifact", ARTIFACT)
    assert repave("revoke").out == repave("revoke", "--list").out


@pytest.mark.usefixtures("released")
@pytest.mark.parametrize("named", ["sha256:deadbeef00", f"sha256:{'de' * 31}"])
def test_a_start_of_no_digest_is_told_as_that(repave: Repave, named: str) -> None:
    """It has the form that is asked for; there is no such artifact."""
    told = repave("revoke", named, "--reason", "bad")
    assert told.code == REFUSED
    assert f"no artifact of this project has a digest that begins with {named}" in told.err
    assert "8 digits or more name one" in told.err


@pytest.mark.usefixtures("released")
def test_what_no_release_holds_is_said_to_be_covered_later(repave: Repave) -> None:
    """A slip in the name is seen at once."""
    made = repave("revoke", "openssll=3", "--reason", "bad")
    assert made.code == 0
    assert "warning: nothing that was released is covered by it; what is released later will be" in made.err


@pytest.mark.usefixtures("released")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("r1",), "error: a revocation needs its reason\nhint: --reason"),
        (("r2", "--reason", "bad"), "error: there is no release r2\nhint: the newest are r1"),
        (("web", "--reason", "bad"), "error: `web` names nothing that can be revoked: expected a digest, a release"),
        (("r1", "--undo", "--reason", "good"), "error: r1 is not revoked\nhint: nothing is"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(repave: Repave, arguments: tuple[str, ...], words: str) -> None:
    """Exit code 5: nothing was changed."""
    refused = repave("revoke", *arguments)
    assert refused.code == 5
    assert words in refused.err


def test_nothing_revoked_is_said(repave: Repave) -> None:
    """On an empty project too."""
    assert "nothing is revoked" in repave("revoke", "--list").err
