"""One image in a registry, read from the manifest down: every blob by its digest and size.

Source: OCI Image Format Specification 1.1 (descriptors, manifest, configuration).
"""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from repave.model.names import Digest
from repave.operations.integrity.parts import ImageParts, Part, hint, other_bytes
from repave.ports.errors import Corrupt, Gone
from repave.ports.registry import Registry

Contents = Callable[[dict[str, Any], Path], list[Digest]]
"""From a configuration, and where it is, to the digest of what is in each layer."""

Title = Callable[[int, object], str]
"""From a layer's number, and what the manifest says of it, to its name for people."""

LARGEST_DOCUMENT_BYTES = 4 * 1024 * 1024
"""Of a manifest or configuration; see the registries' own limit."""


class ImageReader:
    """Reads images of one registry. All raise Gone and Corrupt, whose words name the part and its file."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def parts(self, manifest: Digest) -> ImageParts:
        """Manifest and configuration, verified; the layers are there and have their size."""
        path = self._path("the manifest", manifest)
        document = self._document("the manifest", manifest, path)
        named = document.get("config"), document.get("layers")
        if document.get("schemaVersion") != 2 or not isinstance(named[1], list):  # noqa: PLR2004 - the specification's
            raise Corrupt(f"the manifest {manifest} is no image's", hint=hint(path))
        configuration = _part("the configuration", named[0], path)
        place = self.place(configuration)
        told = self._document("the configuration", configuration.digest, place)
        contents, title = _readers(document)
        differences = contents(told, place)
        if len(differences) != len(named[1]):
            raise Corrupt(
                f"the configuration {configuration.digest} has {len(differences)} layers, "
                f"the manifest {manifest} {len(named[1])}",
                hint=hint(place),
            )
        layers = tuple(
            _part(title(number, layer), layer, path, difference)
            for number, (layer, difference) in enumerate(zip(named[1], differences, strict=True), 1)
        )
        for layer in layers:
            self.place(layer)
        return ImageParts(configuration=configuration, layers=layers)

    def place(self, part: Part) -> Path:
        """The file of a part, which has its size."""
        path = self._path(part.what, part.digest)
        size = path.stat().st_size
        if size != part.size_bytes:
            told = f"{part.what} {part.digest} has {size} bytes, not {part.size_bytes} as the manifest says"
            raise Corrupt(told, hint=hint(path))
        return path

    def _path(self, what: str, digest: Digest) -> Path:
        try:
            return self._registry.path(digest)
        except Gone as error:
            raise Gone(f"{what} {error.message}", hint="bake it again from its lock: the same lock gives it") from error

    def _document(self, what: str, digest: Digest, path: Path) -> dict[str, Any]:
        if path.stat().st_size > LARGEST_DOCUMENT_BYTES:
            raise Corrupt(f"{what} {digest} has {path.stat().st_size} bytes: too many to be one", hint=hint(path))
        content = path.read_bytes()
        found = Digest(f"sha256:{sha256(content).hexdigest()}")
        if found != digest:
            raise other_bytes(what, digest, found, path)
        try:
            document = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise Corrupt(f"{what} {digest} is no JSON: {error}", hint=hint(path)) from error
        if not isinstance(document, dict):
            raise Corrupt(f"{what} {digest} is no JSON object", hint=hint(path))
        return document


def _part(what: str, said: object, path: Path, difference: Digest | None = None) -> Part:
    if isinstance(said, dict):
        digest, size, kind = said.get("digest"), said.get("size"), said.get("mediaType")
        if isinstance(digest, str) and isinstance(size, int) and isinstance(kind, str):
            return Part(what=what, digest=Digest(digest), size_bytes=size, media_type=kind, difference=difference)
    raise Corrupt(f"the manifest in {path} does not say what {what} is", hint=hint(path))


def _readers(manifest: dict[str, Any]) -> tuple[Contents, Title]:
    """What is in the layers of such an image, and how they are called."""
    if "artifactType" in manifest:
        # No container says it: where only they run, nothing of disks is read.
        from repave.operations.integrity.disk import contents, is_machine, piece_title  # noqa: PLC0415 - see above

        if is_machine(manifest):
            return contents, piece_title
    return _differences, _title


def _differences(configuration: dict[str, Any], path: Path) -> list[Digest]:
    files = configuration.get("rootfs")
    named = files.get("diff_ids") if isinstance(files, dict) else None
    if not isinstance(named, list) or not all(isinstance(digest, str) for digest in named):
        raise Corrupt(f"the configuration in {path} does not say which layers it has", hint=hint(path))
    return [Digest(digest) for digest in named]


def _title(number: int, layer: object) -> str:
    annotations = layer.get("annotations") if isinstance(layer, dict) else None
    name = annotations.get("repave.layer") if isinstance(annotations, dict) else None
    return f"layer {number} ({name})" if isinstance(name, str) else f"layer {number}"
