"""The distribution of a server, and where its packages come from (sources.list(5), os-release(5))."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from repave.archives.control import paragraphs

OS_RELEASE = ("/usr/lib/os-release", "/etc/os-release")
LISTS = "/var/lib/apt/lists/"
KNOWN = frozenset({"debian", "ubuntu"})
POCKETS = ("", "-updates", "-security", "-backports", "-proposed", "-proposed-updates")
COMPONENTS = frozenset({"main", "contrib", "non-free", "non-free-firmware", "universe", "multiverse", "restricted"})


@dataclass(frozen=True, kw_only=True)
class Source:
    """One archive and suite that apt asks."""

    address: str
    suite: str
    components: tuple[str, ...]
    keyring: str
    """The file of its keys; empty where it names none, or holds them itself."""

    file: str

    @property
    def line(self) -> str:
        """As a person writes it."""
        key = f"[signed-by={self.keyring}] " if self.keyring else ""
        return f"deb {key}{self.address} {self.suite} {' '.join(self.components)}".rstrip()

    @property
    def list_prefix(self) -> str:
        """How the names of its files below ``/var/lib/apt/lists`` begin."""
        place = re.sub(r"^[a-z+]+://", "", self.address).rstrip("/")
        return f"{place}/dists/{self.suite}".replace("_", "%5f").replace("/", "_") + "_"


@dataclass(frozen=True, kw_only=True)
class Release:
    """The distribution and its release; empty where the server does not say."""

    distribution: str
    name: str


def release(files: Mapping[str, str]) -> Release:
    """Which distribution it is."""
    said: dict[str, str] = {}
    for path in OS_RELEASE:
        said |= dict(re.findall(r"^([A-Z_]+)=\"?([^\"\n]*)\"?$", files.get(path, ""), re.MULTILINE))
    return Release(distribution=said.get("ID", ""), name=said.get("VERSION_CODENAME", ""))


def sources(files: Mapping[str, str]) -> tuple[Source, ...]:
    """Every source of packages, out of apt's files by path, in their order."""
    found = [
        one
        for path, text in sorted(files.items())
        for one in (_deb822(path, text) if path.endswith(".sources") else _lines(path, text))
        if path == "/etc/apt/sources.list" or path.startswith("/etc/apt/sources.list.d/")
    ]
    return tuple(dict.fromkeys(found))


def is_own(source: Source, of: Release, origins: Mapping[str, str]) -> bool:
    """Whether it is the distribution's own archive; ``origins`` is what signed lists say, by ``list_prefix``."""
    said = origins.get(source.list_prefix)
    if said is not None:
        return said.lower() == of.distribution
    pockets = {f"{of.name}{pocket}" for pocket in POCKETS} | {f"{of.name}/updates"}
    return source.suite in pockets and bool(COMPONENTS & set(source.components)) and of.distribution in source.address


def _lines(path: str, text: str) -> Iterator[Source]:
    for line in text.splitlines():
        match = re.match(r"^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*([^#]*)", line)
        if match and path.endswith(".list"):
            keys = re.search(r"signed-by=(/[^\s,]+)", match[1] or "", re.IGNORECASE)
            yield Source(
                address=match[2],
                suite=match[3],
                components=tuple(match[4].split()),
                keyring=keys[1] if keys else "",
                file=path,
            )


def _deb822(path: str, text: str) -> Iterator[Source]:
    bare = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for fields in paragraphs(bare):
        named = {name.lower(): value for name, value in fields.items()}
        if "deb" not in named.get("types", "").split() or named.get("enabled", "yes").lower() == "no":
            continue
        keyring = named.get("signed-by", "")
        for address in named.get("uris", "").split():
            for suite in named.get("suites", "").split():
                yield Source(
                    address=address,
                    suite=suite,
                    components=tuple(named.get("components", "").split()),
                    keyring=keyring if keyring.startswith("/") else "",
                    file=path,
                )
