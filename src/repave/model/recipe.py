"""What an image is made of, as declared: ranges and names, no versions yet."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote

from repave.model.guards import Guards
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
    """What is below an image: a distribution, from which packages may come, or an image of a registry."""

    distribution: str = ""
    """Empty where ``image`` is given; so are release and suites."""

    release: str = ""
    suites: tuple[str, ...] = ()
    architecture: str = "amd64"
    mirror: str | None = None
    """Base address of the archive; None means the distribution's own."""

    keyring: str = ""
    """Path of the keys that sign the archive, on the machine that locks; empty means the distribution's own."""

    image: str = ""
    """Name of an OCI image, with its registry, by digest or by tag: ``docker.io/library/debian@sha256:...``."""


UNIT_KINDS = ("service", "socket", "timer", "path", "mount", "target")
"""Kinds of units of systemd that a virtual machine may be told to start."""


def template_of(unit: str) -> str:
    """The name of the file that a unit for one thing is made of; its own for one that stands alone."""
    name, at, rest = unit.partition("@")
    return f"{name}@.{rest.rpartition('.')[2]}" if at else unit


LEFT_OUT = frozenset({"__pycache__", ".git", ".venv", ".repave", "repave.lock"})
"""What machines write beside an application: never part of it, and different on every one, or of each lock."""

NODE_MODULES = "node_modules"
"""What `npm` installs beside a Node application: the image gets it from the lock, in a layer of its own."""


@dataclass(frozen=True, kw_only=True)
class FileMapping:
    """Files of the project that go into the image: a file, or a folder with all below it."""

    source: str
    """Relative to the folder of ``repave.yaml``; a trailing slash means the folder's content."""

    target: str
    """Absolute path in the image."""

    @property
    def plain_source(self) -> str:
        """The source as locked files name where they come from: `./app/` is `app`, the whole project is empty."""
        return "/".join(part for part in self.source.split("/") if part not in {"", "."})

    def takes(self, origin: str) -> bool:
        """Whether a file of the project is its source, or lies below it."""
        source = self.plain_source
        return not source or origin == source or origin.startswith(f"{source}/")

    def is_folder(self, origins: Iterable[str]) -> bool:
        """Whether its source is a folder: it says so, or of the locked files some come from below it."""
        source = self.plain_source
        return not source or self.source.endswith("/") or any(origin.startswith(f"{source}/") for origin in origins)


@dataclass(frozen=True, kw_only=True)
class NodeApplication:
    """A Node application, whose packages its own ``package-lock.json`` pins."""

    lock: str
    """The package-lock, relative to the folder of ``repave.yaml``."""

    into: str
    """Absolute folder in the image: ``node_modules`` is made in it."""


def name_in(url: str) -> str:
    """The last part of an address's path, without what is asked of the server; may be empty."""
    return url.partition("?")[0].rpartition("/")[2]


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file that is had by its address."""

    url: str
    into: str
    """Absolute path in the image; with a trailing slash the folder in which it keeps its name, or is unpacked."""

    sha256: str = ""
    """64 hex digits; empty: the lock pins what is found first."""

    mode: int = 0o644
    unpack: bool = False
    """True lays out the archive's members below ``into`` instead."""

    @property
    def name(self) -> str:
        """The file's own name, as its address has it."""
        return name_in(self.url)

    @property
    def target(self) -> str:
        """Absolute path of the file, or of the folder in which it is unpacked."""
        return f"{self.into}{self.name}" if self.into.endswith("/") and not self.unpack else self.into


@dataclass(frozen=True, kw_only=True)
class GitSource:
    """Files of a git repository, as they are in one commit."""

    url: str
    into: str
    """Absolute folder in the image."""

    commit: str = ""
    """40 hex digits; empty where ``reference`` is given."""

    reference: str = ""
    """A tag or branch in full, as ``refs/tags/v1.2``: the lock pins the commit it names."""

    path: str = ""
    """The part of the repository that is taken; empty means all."""

    @property
    def archive(self) -> str:
        """What the archive of its files is called: another for each name, commit and part of one repository."""
        repository = name_in(self.url.rstrip("/")).removesuffix(".git")
        parts = (repository, self.reference.removeprefix("refs/") or self.commit, self.path)
        return ",".join(quote(part, safe="") for part in parts if part) + ".tar"


@dataclass(frozen=True, kw_only=True)
class BuildLimits:
    """What the commands of ``build`` may take, all together."""

    time_seconds: float = 600.0
    memory_bytes: int = 1 << 30
    processes: int = 256
    """With their threads: compilers start a few for each core."""

    output_bytes: int = 512 << 20
    """The application's folders with what is in them already, and /tmp."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """A recipe: base, platform (packages, python, node, fetch, git) and application (files, build, command, user)."""

    name: ImageName
    kind: ImageKind
    base: Base
    boot: Boot | None = None
    disk_bytes: int = 0
    """vm: size of the whole disk; 0 of what has none."""

    packages: tuple[str, ...] = ()
    python: tuple[str, ...] = ()
    """PEP 508 requirements."""

    node: NodeApplication | None = None
    fetch: tuple[RemoteFile, ...] = ()
    git: tuple[GitSource, ...] = ()
    files: tuple[FileMapping, ...] = ()
    build: tuple[tuple[str, ...], ...] = ()
    """Commands that change the application's folders while it is baked, each an argument list."""

    build_limits: BuildLimits = field(default_factory=BuildLimits)
    run: tuple[str, ...] = ()
    """The command as an argument list: no shell interprets it."""

    user: str = "nobody"
    units: tuple[str, ...] = ()
    """vm: units of systemd that are started beside the command, or instead of it."""

    data: tuple[str, ...] = ()
    """Absolute paths at which the application keeps data; only an ephemeral image may have any."""

    ephemeral: bool = False
    guards: Guards = field(default_factory=Guards)
    """What is done about what must not go in; it decides nothing of the bytes."""
