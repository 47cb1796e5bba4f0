"""Secrets by reference: found at launch, and never part of a message."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from repave.model.release import SecretReference
from repave.ports.errors import Denied, Gone, Invalid
from repave.secrets.references import ReferenceSecrets


def resolve(reference: str, folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """The value behind ``scheme:locator``."""
    scheme, _, locator = reference.partition(":")
    secrets = ReferenceSecrets(folder=folder, environment=environment or {})
    return secrets.resolve(SecretReference(scheme=scheme, locator=locator))


def test_an_environment_variable_is_found_by_name(tmp_path: Path) -> None:
    """``env:NAME`` is the variable's value as it is."""
    assert resolve("env:TOKEN", tmp_path, {"TOKEN": " a\n"}) == " a\n"


def test_a_variable_that_is_not_set_is_gone(tmp_path: Path) -> None:
    """The message names the variable and the hint says where to set it."""
    with pytest.raises(Gone, match="env:TOKEN") as refused:
        resolve("env:TOKEN", tmp_path)
    assert "set TOKEN" in refused.value.hint


@pytest.mark.parametrize(("content", "value"), [("a", "a"), ("a\n", "a"), ("a\n\n", "a\n"), ("", "")])
def test_a_file_loses_one_newline_at_its_end(tmp_path: Path, content: str, value: str) -> None:
    """Editors add one; more are part of the secret."""
    (tmp_path / "token").write_text(content)
    assert resolve("file:token", tmp_path) == value


def test_a_file_may_be_named_absolutely(tmp_path: Path) -> None:
    """An absolute path is taken as it is."""
    (tmp_path / "token").write_text("a")
    assert resolve(f"file:{tmp_path}/token", Path("/nowhere")) == "a"


def test_a_missing_file_is_gone(tmp_path: Path) -> None:
    """The message names the path that was looked at."""
    with pytest.raises(Gone, match=str(tmp_path / "token")):
        resolve("file:token", tmp_path)


def test_what_cannot_be_read_is_denied(tmp_path: Path) -> None:
    """A folder in the file's place cannot be read, as a file without permission cannot."""
    (tmp_path / "token").mkdir()
    with pytest.raises(Denied, match="cannot be read"):
        resolve("file:token", tmp_path)


@pytest.mark.parametrize("content", [b"hunter2\xff", b"hunter2\0"])
def test_what_no_variable_can_carry_is_refused_without_its_bytes(tmp_path: Path, content: bytes) -> None:
    """Neither the message nor a chained error shows any of the secret."""
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(Invalid) as refused:
        resolve("file:token", tmp_path)
    assert "hunter2" not in f"{refused.value!r} {refused.value.__cause__!r} {refused.value.hint}"
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_an_unknown_scheme_is_invalid(tmp_path: Path) -> None:
    """The hint names the schemes there are."""
    with pytest.raises(Invalid, match="vault:x") as refused:
        resolve("vault:x", tmp_path, os.environ)
    assert "env:" in refused.value.hint
    assert "file:" in refused.value.hint
