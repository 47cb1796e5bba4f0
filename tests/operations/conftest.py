"""A shop per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from simulated_shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Nothing locked, baked or deployed yet."""
    made = Shop(tmp_path / "shop")
    yield made
    made.close()
