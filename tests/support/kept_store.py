"""Stores in files of their own; the migrations, which tests of the schema try, are not played again for each."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from repave.store.sql import SqlStore


def new_store(file: Path) -> SqlStore:
    """Nothing is in it yet; its folder is there."""
    lay_empty(file)
    return SqlStore(f"sqlite:///{file}")


def lay_empty(file: Path) -> None:
    """What a store is when it has just been made."""
    file.touch(mode=0o600)
    file.write_bytes(_empty())


@cache
def _empty() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "store.db"
        SqlStore(f"sqlite:///{file}").close()
        return file.read_bytes()
