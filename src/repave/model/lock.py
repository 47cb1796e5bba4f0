"""The lock: every byte an image is made of, by exact version, sha256 and origin."""

from dataclasses import dataclass
from enum import StrEnum

from repave.model.names import Digest, ImageName
from repave.model.recipe import Base, ImageKind

PROJECT = "project:"
GIT_ADDRESS = "git+"
NPM_MANIFEST = "package.json"


def project_path(origin: str) -> str:
    """The path that an origin names in the project; empty for an address."""
    return origin.removeprefix(PROJECT) if origin.startswith(PROJECT) else ""


class Ecosystem(StrEnum):
    """Who names and versions a package."""

    DEB = "deb"
    PYPI = "pypi"
    NPM = "npm"
    URL = "url"
    """Nobody: a file is named by its address and versioned by its sha256."""

    GIT = "git"
    """A repository by its address; a version is a commit."""

    OCI = "oci"
    """A repository of a container registry; a version is a manifest's digest."""


class Layer(StrEnum):
    """Which layer of an image a package belongs to; layers stack in this order."""

    BASE = "base"
    PLATFORM = "platform"
    PYTHON = "python"
    NODE = "node"
    SOURCES = "sources"
    """Files fetched by address, and trees of git repositories."""

    APPLICATION = "application"
    BUILD = "build"
    """What the recipe's own commands make of the application; no package belongs to it."""

    BOOT = "boot"
    """What starts a machine and is not among its files: boot loaders, and what writes them and the disk."""

    MACHINE = "machine"
    """What makes a machine of the files: its units and mounts, and the disk; no package belongs to it."""


@dataclass(frozen=True, kw_only=True)
class LockedPackage:
    """One package file, pinned: what the vault keeps and a baker unpacks."""

    ecosystem: Ecosystem
    name: str
    version: str
    sha256: str
    """64 hex digits of the file itself."""

    size_bytes: int
    origin: str
    """The address it was locked from; ``project:`` and a path for a file of the project itself."""

    filename: str
    layer: Layer
    images: tuple[ImageName, ...]
    """Which images want it, sorted."""

    architecture: str = ""
    """deb: ``amd64``, ``arm64`` or ``all``; PyPI: empty, the wheel's name says it."""

    suite: str = ""
    """deb: the suite whose index pinned it."""

    source: str = ""
    """deb: the source package, by which distributions publish fixes."""

    source_version: str = ""

    integrity: str = ""
    """npm: what the package-lock itself pins, as ``sha512-`` and base64 (Subresource Integrity, W3C)."""

    paths: tuple[str, ...] = ()
    """npm: where the package lies, as ``node_modules/a/node_modules/b`` below the application's folder; sorted."""

    reference: str = ""
    """git: the tag or branch that the commit was found by; OCI: the tag that the digest was."""

    @property
    def project_path(self) -> str:
        """npm: the file of the project that was locked, by its path; empty for what has an address."""
        return project_path(self.origin)

    @property
    def linked_folder(self) -> str:
        """npm: the folder of the project that its places link to, whose ``package.json`` was locked; else empty."""
        folder, _, name = self.project_path.rpartition("/")
        return folder if name == NPM_MANIFEST else ""

    @property
    def of_commit(self) -> bool:
        """Whether it is the files of a commit, in no folder of their own."""
        return self.origin.startswith(GIT_ADDRESS)

    @property
    def identity(self) -> tuple[str, ...]:
        """By what one image holds it once: npm lays several versions of a package beside each other."""
        match self.ecosystem:
            case Ecosystem.NPM:
                return (self.ecosystem.value, self.name, self.version)
            case Ecosystem.GIT | Ecosystem.OCI:
                return (self.ecosystem.value, self.name, self.version, self.filename)
            case _:
                return (self.ecosystem.value, self.name)


@dataclass(frozen=True, kw_only=True)
class LockedFile:
    """One file of the application, pinned by content."""

    target: str
    """Absolute path in the image."""

    sha256: str
    size_bytes: int
    mode: int
    """Permission bits: 0o644, or 0o755 when the owner may execute it."""

    origin: str
    """Path relative to the project, with forward slashes."""

    images: tuple[ImageName, ...]


@dataclass(frozen=True, kw_only=True)
class LockedImage:
    """What the lock was made for, so that a changed recipe is noticed."""

    name: ImageName
    kind: ImageKind
    base: Base
    recipe: Digest
    """Digest of the declared recipe."""


@dataclass(frozen=True, kw_only=True)
class Lock:
    """The whole of ``repave.lock``; every tuple is sorted."""

    images: tuple[LockedImage, ...] = ()
    packages: tuple[LockedPackage, ...] = ()
    files: tuple[LockedFile, ...] = ()

    def packages_of(self, image: ImageName) -> tuple[LockedPackage, ...]:
        """The packages that ``image`` wants."""
        return tuple(package for package in self.packages if image in package.images)

    def files_of(self, image: ImageName) -> tuple[LockedFile, ...]:
        """The application files that ``image`` wants."""
        return tuple(file for file in self.files if image in file.images)
