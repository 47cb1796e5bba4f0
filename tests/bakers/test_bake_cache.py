"""What earlier bakes left: a record is whole or not there, whoever else writes it and whenever that ends."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from repave.bakers.rootfs.cache import BakeCache, LayerRecord
from repave.model.lock import Layer
from repave.model.names import Digest
from repave.registries.layout import LayoutRegistry

INPUTS = Digest(f"sha256:{'1' * 64}")


def record(registry: LayoutRegistry) -> LayerRecord:
    """Of a piece that is in the registry."""
    return LayerRecord(layer=Layer.MACHINE, inputs=INPUTS, digest=registry.add(b"packed"), size_bytes=6, skeleton=None)


def test_equal_pieces_may_be_remembered_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads have each written the same record before either names it into place."""
    registry = LayoutRegistry(tmp_path / "registry")
    cache = BakeCache(folder=tmp_path / "cache", registry=registry)
    made = record(registry)
    both, replace = Barrier(2, timeout=60), Path.replace

    def together(source: Path, target: Path) -> Path:
        both.wait()
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", together)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda _: cache.keep(made, tree=None), range(2))) == [None, None]
    assert cache.find(INPUTS) == made


def test_a_record_that_was_not_finished_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bake that is ended while it writes one leaves it where the next bake removes it."""
    registry = LayoutRegistry(tmp_path / "registry")
    cache = BakeCache(folder=tmp_path / "cache", registry=registry)
    made = record(registry)

    def ended(_: Path, __: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", ended)
    with pytest.raises(KeyboardInterrupt):
        cache.keep(made, tree=None)
    assert list((tmp_path / "cache/layers").iterdir()) == []
    assert cache.leftovers() == list((tmp_path / "cache/work").iterdir())
    assert cache.find(INPUTS) is None
