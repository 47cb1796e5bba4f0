"""dpkg's own database, by its files: what is installed, whose each file is, and what it was (dpkg(1), FILES)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from repave.archives.control import groups, paragraphs
from repave.ports.server import is_plain

STATUS = "/var/lib/dpkg/status"
EXTENDED = "/var/lib/apt/extended_states"
DIVERSIONS = "/var/lib/dpkg/diversions"
INFO = "/var/lib/dpkg/info/"

BASE_PRIORITIES = frozenset({"required", "important"})
"""What every installer puts on: nobody asked for it (Debian policy 2.5)."""

CONFFILE = re.compile(r"^ (/.+) ([0-9a-f]{32})( obsolete)?$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Installed:
    """One installed package."""

    name: str
    version: str
    architecture: str
    essential: bool
    priority: str
    held: bool
    needs: tuple[tuple[str, ...], ...]
    """What it depends on: for each, the names of its alternatives."""

    provides: tuple[str, ...]
    conffiles: Mapping[str, str]
    """MD5 by path, as the package brought them; a path that leads upwards is none that dpkg keeps."""

    @property
    def is_base(self) -> bool:
        """Whether every installation of the distribution has it."""
        return self.essential or self.priority in BASE_PRIORITIES


@dataclass(frozen=True, kw_only=True)
class Database:
    """What is installed, and whose each file is."""

    packages: Mapping[str, Installed]
    automatic: frozenset[str]
    """Pulled in by others, as apt remembers it."""

    owners: Mapping[str, str]
    """The package of each path."""

    originals: Mapping[str, str]
    """MD5 by path of what packages brought: files and conffiles."""

    @property
    def by_hand(self) -> tuple[str, ...]:
        """Packages that somebody asked for, sorted; what every installation has is none."""
        asked = (one for one in self.packages.values() if one.name not in self.automatic and not one.is_base)
        return tuple(sorted(one.name for one in asked))

    def closure(self, names: Iterable[str]) -> frozenset[str]:
        """Installed packages that these need, with themselves and the essential ones."""
        providers: dict[str, list[str]] = {}
        for package in self.packages.values():
            for virtual in package.provides:
                providers.setdefault(virtual, []).append(package.name)
        reached: set[str] = set()
        waiting = [*names, *(one.name for one in self.packages.values() if one.essential)]
        while waiting:
            name = waiting.pop()
            if name in reached or name not in self.packages:
                continue
            reached.add(name)
            for alternatives in self.packages[name].needs:
                there = [one for one in alternatives if one in self.packages]
                waiting += there[:1] or [one for wanted in alternatives for one in providers.get(wanted, ())]
        return frozenset(reached)


def database(files: Mapping[str, str], folders: Mapping[str, str]) -> Database:
    """The database out of its files by path; ``folders`` are links of the root to folders, as ``/lib`` to ``/usr/lib``.

    What belongs to no package that is installed now is nobody's.
    """
    packages = {one.name: one for one in _installed(files.get(STATUS, ""))}
    owners: dict[str, str] = {}
    originals: dict[str, str] = {}
    for path, text in files.items():
        name, _, kind = path.removeprefix(INFO).rpartition(".")
        package = name.partition(":")[0]
        if not path.startswith(INFO) or package not in packages:
            continue
        if kind == "list":
            owners |= {real(line, folders): package for line in text.splitlines()}
        elif kind == "md5sums":
            lines = (line.partition("  ") for line in text.splitlines())
            originals |= {real(f"/{place}", folders): digest for digest, _, place in lines}
    for one in packages.values():
        originals |= {real(path, folders): digest for path, digest in one.conffiles.items()}
    for path, aside, package in _diversions(files.get(DIVERSIONS, ""), folders):
        owner = owners.get(path, package)
        owners.setdefault(aside, owner)
        if path in originals:
            originals[aside] = originals.pop(path)
    return Database(
        packages=packages, automatic=_automatic(files.get(EXTENDED, "")), owners=owners, originals=originals
    )


def real(path: str, folders: Mapping[str, str]) -> str:
    """The path without links among the folders of the root."""
    first, slash, rest = path.lstrip("/").partition("/")
    return f"{folders[f'/{first}']}/{rest}" if slash and f"/{first}" in folders else path


def _installed(text: str) -> Iterator[Installed]:
    for fields in paragraphs(text):
        selection, _, state = fields.get("Status", "").partition(" ")
        if state.split(" ")[-1] == "installed" and fields.get("Package"):
            yield Installed(
                name=fields["Package"],
                version=fields.get("Version", ""),
                architecture=fields.get("Architecture", ""),
                essential=fields.get("Essential") == "yes",
                priority=fields.get("Priority", ""),
                held=selection == "hold",
                needs=tuple(groups(fields, "Pre-Depends", "Depends")),
                provides=tuple(name for group in groups(fields, "Provides") for name in group),
                conffiles={
                    path: digest
                    for path, digest, obsolete in CONFFILE.findall(fields.get("Conffiles", ""))
                    if not obsolete and is_plain(path)
                },
            )


def _automatic(text: str) -> frozenset[str]:
    return frozenset(
        fields["Package"] for fields in paragraphs(text) if fields.get("Auto-Installed") == "1" and "Package" in fields
    )


def _diversions(text: str, folders: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Path, where it was put aside, and for whom."""
    lines = text.splitlines()
    for path, aside, package in zip(lines[0::3], lines[1::3], lines[2::3], strict=False):
        yield real(path, folders), real(aside, folders), package
