"""An artifact is made again beside the first; where they part is named."""

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from repave.model.artifact import Artifact, ArtifactLayer
from repave.model.lock import Layer
from repave.model.names import Digest, ImageName
from repave.model.recipe import Base, Image, ImageKind
from repave.operations.reproduction import Difference, Reproducing, Reproduction
from repave.ports.baker import BakeRequest
from repave.ports.progress import Progress, Silent
from repave.ports.provider import Proven
from repave.ports.registry import Registry
from repave.registries.layout import LayoutRegistry

WEB = ImageName("web")
IMAGE = Image(
    name=WEB, kind=ImageKind.CONTAINER, base=Base(distribution="debian", release="bookworm", suites=("bookworm",))
)
REQUEST = BakeRequest(image=IMAGE, packages=(), files=())


@dataclass
class Moody:
    """Bakes one file per layer; what it bakes again is ``again``."""

    registry: Registry
    first: dict[Layer, bytes]
    again: dict[Layer, bytes]
    users: tuple[str, str] = ("33:33", "33:33")
    kind: ImageKind = ImageKind.CONTAINER
    rebaked: list[Registry] = field(default_factory=list)

    def describe(self) -> tuple[Proven, ...]:
        """It needs nothing."""
        return ()

    def cached_bytes(self) -> int:
        """It keeps nothing."""
        return 0

    def clear_cache(self) -> None:
        """Nothing is there."""

    def bake(self, request: BakeRequest, *, progress: Progress) -> Artifact:
        """As the first time."""
        del request, progress
        return artifact(self.registry, self.first, self.users[0])

    def rebake(self, request: BakeRequest, *, registry: Registry, progress: Progress) -> Artifact:
        """In the mood of the second."""
        del request, progress
        self.rebaked.append(registry)
        return artifact(registry, self.again, self.users[1])


def artifact(registry: Registry, contents: dict[Layer, bytes], user: str) -> Artifact:
    """A manifest, a configuration and the layers, each with the file ``data``."""
    layers = []
    for layer, content in contents.items():
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
            entry = tarfile.TarInfo("data")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        digest = registry.add(stream.getvalue())
        layers.append(ArtifactLayer(layer=layer, digest=digest, size_bytes=1, inputs=digest, cached=False))
    configuration = registry.add(json.dumps({"config": {"User": user}}).encode())
    listed = [{"digest": layer.digest} for layer in layers]
    manifest = registry.add(json.dumps({"config": {"digest": configuration}, "layers": listed}).encode())
    return Artifact(image=WEB, kind=ImageKind.CONTAINER, digest=manifest, size_bytes=1, layers=tuple(layers))


def reproduced(folder: Path, baker: Moody) -> Reproduction:
    """What comes of it."""

    @contextmanager
    def scratch() -> Iterator[Registry]:
        yield LayoutRegistry(folder / "scratch")

    first = baker.bake(REQUEST, progress=Silent())
    reproducing = Reproducing(bakers={baker.kind: baker}, registry=baker.registry, scratch=scratch)
    return reproducing.reproduce(REQUEST, first, Silent())


@pytest.fixture
def registry(tmp_path: Path) -> LayoutRegistry:
    """Where the first one is."""
    return LayoutRegistry(tmp_path / "registry")


def test_the_same_again_is_the_same(tmp_path: Path, registry: LayoutRegistry) -> None:
    """It was baked elsewhere, and nothing differs."""
    baker = Moody(registry, {Layer.BASE: b"a"}, {Layer.BASE: b"a"})
    found = reproduced(tmp_path, baker)
    assert found.same
    assert found.difference is None
    assert baker.rebaked != [registry]


def test_the_lowest_layer_that_differs_is_named(tmp_path: Path, registry: LayoutRegistry) -> None:
    """With the path, the field, and both values."""
    first = {Layer.BASE: b"a", Layer.PYTHON: b"b", Layer.APPLICATION: b"c"}
    again = {Layer.BASE: b"a", Layer.PYTHON: b"B", Layer.APPLICATION: b"C"}
    found = reproduced(tmp_path, Moody(registry, first, again))
    assert not found.same
    assert found.difference == Difference(
        layer=Layer.PYTHON, path="data", field="content", first="from byte 0: b'b'", second="from byte 0: b'B'"
    )


@pytest.mark.parametrize(
    ("again", "path", "first", "second"),
    [
        ({Layer.BASE: b"a", Layer.APPLICATION: b"c"}, "", "python", "application"),
        ({Layer.BASE: b"a"}, "layers", "2 layers", "1 layers"),
    ],
)
def test_another_set_of_layers_is_named(
    tmp_path: Path, registry: LayoutRegistry, again: dict[Layer, bytes], path: str, first: str, second: str
) -> None:
    """Another one at a place, or one more."""
    found = reproduced(tmp_path, Moody(registry, {Layer.BASE: b"a", Layer.PYTHON: b"b"}, again)).difference
    assert found is not None
    assert (found.path, found.first, found.second) == (path, first, second)


def test_equal_layers_under_another_configuration_are_told_by_its_key(tmp_path: Path, registry: LayoutRegistry) -> None:
    """No layer is to blame."""
    same = {Layer.BASE: b"a"}
    found = reproduced(tmp_path, Moody(registry, same, same, users=("33:33", "0:0")))
    assert found.difference == Difference(
        layer=None, path="configuration.config.User", field="value", first='"33:33"', second='"0:0"'
    )


def test_bytes_that_were_damaged_since_are_said_to_be(tmp_path: Path, registry: LayoutRegistry) -> None:
    """The digest that the layer was named by is not that of its bytes any more."""
    baker = Moody(registry, {Layer.BASE: b"a"}, {Layer.BASE: b"b"})
    place = registry.path(baker.bake(REQUEST, progress=Silent()).layers[0].digest)
    again = LayoutRegistry(tmp_path / "scratch")
    bytes_of_the_second = again.path(baker.rebake(REQUEST, registry=again, progress=Silent()).layers[0].digest)
    place.chmod(0o644)
    place.write_bytes(bytes_of_the_second.read_bytes())
    found = reproduced(tmp_path, baker).difference
    assert found is not None
    assert "damaged" in found.first
    assert Digest(found.second) in {digest for digest, _ in again.blobs()}
