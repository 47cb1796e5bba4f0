"""What one artifact is made of, in no format yet."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from repave.model.names import Digest
from repave.model.recipe import ImageKind

DOCUMENT_LIMIT_BYTES = 8 * 1024 * 1024
"""The longest copyright files in Debian have about one MiB; what is longer is not read."""


@dataclass(frozen=True, kw_only=True)
class Licence:
    """One licence that a package declares: an SPDX expression, else a name."""

    spdx: str = ""
    name: str = ""
    """The package's own words, where they map to no expression for certain."""


@dataclass(frozen=True, kw_only=True)
class Supplier:
    """Who stands behind a package."""

    name: str
    email: str = ""


@dataclass(frozen=True, kw_only=True)
class Bundled:
    """npm: a package within the archive of another, by its own word: no file of it was locked by itself."""

    path: str
    """Below the other: ``node_modules/a``."""

    name: str
    version: str
    licences: tuple[Licence, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a package file says of itself: the same file says the same for ever."""

    licences: tuple[Licence, ...] = ()
    licences_of: str = ""
    """deb: the package whose documents it points to, in place of licences of its own."""

    supplier: Supplier | None = None
    summary: str = ""
    homepage: str = ""
    needs: tuple[str, ...] = ()
    """deb: the relations of Pre-Depends and Depends, one by one; PyPI: Requires-Dist."""

    provides: tuple[str, ...] = ()
    """deb: Provides, one by one."""

    built_at: int = 0
    """deb: when it was built, in seconds since 1970; 0 where it does not say."""

    bundled: tuple[Bundled, ...] = ()
    """npm: what its archive brings along, by path."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A package that an image of somebody else says it holds: no file of it was locked, only the layer it is in."""

    ecosystem: str
    """As package URLs name it: ``deb``, ``apk``, ``pypi``."""

    name: str
    version: str
    architecture: str = ""
    source: str = ""
    source_version: str = ""
    facts: Facts = Facts()


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What an image of somebody else says of what is in it."""

    distribution: tuple[str, str, str] | None = None
    """Name, number and name of the release, by its ``os-release``; what it does not say is empty."""

    packages: tuple[Found, ...] = ()
    """Sorted by ecosystem, name and version."""

    python: str = ""
    """Version of the Python it has, as ``3.12``; empty where it has none that wheels could be put beside."""

    built_at: int = 0
    """When the image was built by its own word, in seconds since 1970; 0 where it does not say."""


class PartKind(Enum):
    """What a part is."""

    PACKAGE = "package"
    FILE = "file"
    IMAGE = "image"
    """The image of a registry that is below."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A package or file of the artifact."""

    reference: str
    """Names it within the document: its purl, or ``file:`` and its path."""

    name: str
    version: str
    kind: PartKind
    purl: str = ""
    sha256: str = ""
    """64 hex digits, of the file that was locked; empty where none was."""

    sha512: str = ""
    origin: str = ""
    """The address it was locked from."""

    facts: Facts = Facts()
    properties: tuple[tuple[str, str], ...] = ()
    """What only repave says: name and value."""

    needs: tuple[str, ...] = ()
    """References of the parts it depends on, sorted."""


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """One artifact and all its parts."""

    name: str
    """Project and image."""

    kind: ImageKind
    digest: Digest
    purl: str
    distribution: tuple[str, str] | None
    """What is below: name and number of the release; None where it does not say."""

    parts: tuple[Part, ...]
    """Sorted by reference."""

    roots: tuple[str, ...]
    """References of the parts that the artifact needs first: through them every part is reached. Sorted."""

    as_of: datetime
    """When the newest of its packages was built: a time that is the same for every bake."""

    version: str
    """Of repave, which made it."""
