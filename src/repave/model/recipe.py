"""What an image is made of, as declared: ranges and names, no versions yet."""

from dataclasses import dataclass
from enum import StrEnum

from repave.model.names import ImageName


class ImageKind(StrEnum):
    """What baking an image yields."""

    VM = "vm"
    CONTAINER = "container"
    FUNCTION = "function"


class Boot(StrEnum):
    """How a virtual machine gets its content: baked into the disk, or by a document at first start."""

    GOLDEN = "golden"
    BOOTSTRAP = "bootstrap"


@dataclass(frozen=True, kw_only=True)
class Base:
    """The distribution below an image: where its packages may come from."""

    distribution: str
    release: str
    suites: tuple[str, ...]
    architecture: str = "amd64"
    mirror: str | None = None
    """Base address of the archive; None means the distribution's own."""


@dataclass(frozen=True, kw_only=True)
class FileMapping:
    """Files of the project that go into the image: a file, or a folder with all below it."""

    source: str
    """Relative to the folder of ``repave.yaml``; a trailing slash means the folder's content."""

    target: str
    """Absolute path in the image."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """A recipe: base, platform (packages, python) and application (files, command, user)."""

    name: ImageName
    kind: ImageKind
    base: Base
    boot: Boot | None = None
    packages: tuple[str, ...] = ()
    python: tuple[str, ...] = ()
    """PEP 508 requirements."""

    files: tuple[FileMapping, ...] = ()
    run: tuple[str, ...] = ()
    """The command as an argument list: no shell interprets it."""

    user: str = "nobody"
    ephemeral: bool = False
