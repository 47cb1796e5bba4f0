"""What is particular to the image of a virtual machine."""

import json
from pathlib import Path
from typing import Any

from repave.model.names import Digest
from repave.operations.integrity.parts import hint
from repave.ports.disk_format import (
    ARTIFACT_TYPE,
    DOCUMENT_TYPE,
    FILE_TYPE,
    INITRD_TYPE,
    KERNEL_TYPE,
    DiskConfiguration,
)
from repave.ports.errors import Corrupt, Invalid

ALONE = {KERNEL_TYPE: "the kernel", INITRD_TYPE: "the initrd", DOCUMENT_TYPE: "the bootstrap document"}
"""What a machine has one of, by its media type, for people."""


def is_machine(manifest: dict[str, Any]) -> bool:
    """Whether the manifest is one's."""
    return bool(manifest["artifactType"] == ARTIFACT_TYPE)


def contents(configuration: dict[str, Any], path: Path) -> list[Digest]:
    """Of a virtual machine: the pieces of its disk as they lie there, its kernel, its initrd, what it installs."""
    try:
        machine = DiskConfiguration.parse(json.dumps(configuration).encode(), f"the configuration in {path}")
    except Invalid as error:
        raise Corrupt(error.message, hint=hint(path)) from error
    return [content.digest for content in machine.contents]


def piece_title(number: int, layer: object) -> str:
    """How a part is called for people."""
    kind = layer.get("mediaType") if isinstance(layer, dict) else None
    if kind == FILE_TYPE:
        return f"file {number}"
    return ALONE.get(str(kind), f"piece {number} of the disk")
