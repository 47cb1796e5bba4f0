"""Secrets are read before anything is asked for that needs them."""

from dataclasses import replace
from pathlib import Path

import pytest
from store_scene import FLEET, OLD, OTHER

from repave.model.release import SecretReference
from repave.operations.errors import Refused
from repave.operations.secrets_ahead import read_ahead, read_elsewhere
from repave.secrets.references import ReferenceSecrets


def nobody(_: object) -> str:
    """Looks after it."""
    return ""


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    """With its fleet, and what to do."""
    read_ahead({FLEET: OLD}, ReferenceSecrets(folder=tmp_path, environment={"TOKEN": "hunter2"}), nobody)
    without = ReferenceSecrets(folder=tmp_path, environment={})
    with pytest.raises(Refused) as refused:
        read_ahead({FLEET: replace(OLD, secrets=()), OTHER: OLD}, without, nobody)
    assert refused.value.message == (
        "prod/web: the secret env:TOKEN cannot be resolved: the environment variable is not set; nothing was changed"
    )
    assert refused.value.hint == "set TOKEN in the environment of this command"


def test_all_that_cannot_be_read_are_named_at_once(tmp_path: Path) -> None:
    """Each once, however many fleets lack it."""
    more = replace(OLD, secrets=(*OLD.secrets, ("KEY", SecretReference(scheme="file", locator="key"))))
    with pytest.raises(Refused) as refused:
        read_ahead({FLEET: more, OTHER: OLD}, ReferenceSecrets(folder=tmp_path, environment={}), nobody)
    assert refused.value.message.count("env:TOKEN") == 1
    assert f"there is no file {tmp_path / 'key'}" in refused.value.message
    assert refused.value.hint == (
        "set TOKEN in the environment of this command; relative paths start at the folder of repave.yaml"
    )


def test_who_launches_reads(tmp_path: Path) -> None:
    """Of a fleet that another looks after, ours say nothing, and theirs are told."""

    def led_by(key: object) -> str:
        return "elsewhere:17" if key == FLEET else ""

    both = {FLEET: OLD, OTHER: OLD}
    read_ahead({FLEET: OLD}, ReferenceSecrets(folder=tmp_path, environment={}), led_by)
    assert read_elsewhere(both, led_by) == {FLEET: ("env:TOKEN",)}
    assert read_elsewhere(both, nobody) == {}
