"""Keys and folders for a small signed Debian archive."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from debian_upstream import Locking, SigningKey, Upstream, end_key, new_key

from repave.registries.vault import FileVault


@pytest.fixture(scope="session")
def signing_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SigningKey]:
    """The key that the archive's keyring trusts."""
    key = new_key(tmp_path_factory.mktemp("keys") / "trusted")
    yield key
    end_key(key)


@pytest.fixture(scope="session")
def foreign_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SigningKey]:
    """A key that nobody trusts."""
    key = new_key(tmp_path_factory.mktemp("keys") / "foreign")
    yield key
    end_key(key)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="repave-test-") as place:
        Path(place).chmod(0o755)
        yield Path(place)


@pytest.fixture
def upstream(open_folder: Path, signing_key: SigningKey) -> Upstream:
    """An archive that publishes nothing yet."""
    root = open_folder / "an archive"
    root.mkdir()
    return Upstream(root=root, key=signing_key)


@pytest.fixture
def locking(upstream: Upstream, open_folder: Path) -> Locking:
    """One image's locking against the archive."""
    folder = open_folder / "project"
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, 65534, 65534)
    return Locking(upstream=upstream, folder=folder, vault=FileVault(folder / "vault"))
