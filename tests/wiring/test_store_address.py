"""Where the store is: beside the project, or where the environment says."""

from pathlib import Path

import pytest

from repave.ports.errors import Invalid
from repave.wiring import Wiring


def test_the_store_is_beside_the_project_unless_the_environment_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file of the project names it: a password may be in it, and is not told."""
    for address, file in (("", tmp_path / ".repave/store.db"), (f"sqlite:///{tmp_path}/own.db", tmp_path / "own.db")):
        monkeypatch.setenv("REPAVE_STORE", address)
        wiring = Wiring(tmp_path / "repave.yaml")
        assert wiring.store.releases() == ()
        wiring.close()
        assert file.is_file()
    monkeypatch.setenv("REPAVE_STORE", "postgres//shop:s3cret@db/shop")
    with pytest.raises(Invalid) as refused:
        _ = Wiring(tmp_path / "repave.yaml").store
    assert "s3cret" not in f"{refused.value} {refused.value.hint}"
