"""Questions to apt about some suites of one base, and its answers."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote, unquote

from repave.archives.control import Fields, paragraphs, source_of
from repave.pinners.debian import sources
from repave.pinners.debian.complaints import unknown_name, unsatisfiable
from repave.pinners.debian.workspace import Situation, Workspace
from repave.ports.errors import CommandFailed, Corrupt, WorldError

ESSENTIAL = "?essential"
URI_LINE = re.compile(r"^'[^']+' (\S+)_(\S+)_([a-z0-9-]+)\.deb \d+")
POLICY_LINES = re.compile(r"^(\S+):\n  Installed: .*\n  Candidate: (\S+)$", re.MULTILINE)
MADISON_LINE = re.compile(r"\s*(\S+) \|\s+(\S+) \| (.+) ([^\s/]+)/\S+ \S+ Packages")


class Key(NamedTuple):
    """One version of one binary package."""

    name: str
    version: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One version of one binary package, as verified indexes list it."""

    key: Key
    fields: Fields
    suites: tuple[str, ...]
    """Where it is listed, in the order the base names them."""

    url: str

    @property
    def source(self) -> tuple[str, str]:
        """Source package and its version."""
        return source_of(self.fields)


class UnknownPackage(WorldError):
    """Apt knows no installable package of this name; whoever asked says it to the person."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the package {name} is in none of the suites")
        self.name = name


class Unsatisfiable(WorldError):
    """Apt finds no way to install these together; the message is its own reason."""


class Index:
    """Refreshed and verified; the answers do not change while it is used."""

    def __init__(self, workspace: Workspace, suites: tuple[str, ...], *, newest: bool) -> None:
        """``newest``: whether the archive was asked for them just now."""
        self._workspace = workspace
        self.suites = suites
        self.newest = newest

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where the suites' packages are had from."""
        return tuple(sources.address(self._workspace.base, suite) for suite in self.suites)

    def as_of(self) -> datetime:
        """When the oldest of the indexes was published."""
        return self._workspace.published_at(self.suites)

    def resolve(self, wanted: Iterable[str], situation: Situation) -> tuple[Key, ...]:
        """What apt would install for ``wanted`` (names, or ``name=version``), sorted.

        Raises UnknownPackage, Unsatisfiable.
        """
        arguments = ("apt-get", "install", "-q", "--print-uris", "--fix-broken", *wanted)
        done = self._workspace.resolve(arguments, self.suites, situation)
        output = f"{done.stdout.decode(errors='replace')}\n{done.stderr}"
        if done.exit_code != 0:
            name = unknown_name(output)
            raise Unsatisfiable(unsatisfiable(output)) if name is None else UnknownPackage(name)
        found = (URI_LINE.match(line) for line in output.splitlines())
        return tuple(sorted(Key(match[1], unquote(match[2])) for match in found if match))

    def entries(self, names: Iterable[str]) -> Mapping[Key, Entry]:
        """Every version of each name that the suites list; unknown names are left out."""
        asked = sorted(set(names))
        if not asked:
            return {}
        shown = self._read("show", asked)
        places = self._places(asked)
        entries = (self._entry(fields, places) for fields in paragraphs(shown) if fields.get("Package") in set(asked))
        return {entry.key: entry for entry in entries if entry is not None}

    def candidates(self, names: Iterable[str]) -> Mapping[str, str]:
        """The version of each name that apt would take if it takes it at all; unknown names are left out."""
        found = POLICY_LINES.findall(self._read("policy", sorted(names)))
        return {name: version for name, version in found if version != "(none)"}

    def names(self) -> frozenset[str]:
        """Every package name, for saying which is nearest."""
        return frozenset(self._read("pkgnames", []).split())

    def _places(self, names: list[str]) -> Mapping[Key, list[tuple[str, str]]]:
        places: dict[Key, list[tuple[str, str]]] = {}
        for line in self._read("madison", names).splitlines():
            if match := MADISON_LINE.fullmatch(line):
                places.setdefault(Key(match[1], match[2]), []).append((match[4], match[3]))
        return places

    def _entry(self, fields: Fields, places: Mapping[Key, list[tuple[str, str]]]) -> Entry | None:
        key = Key(fields["Package"], fields["Version"])
        listed = {suite for suite, _ in places.get(key, ())}
        suites = tuple(suite for suite in self.suites if suite in listed)
        if not suites:
            return None
        for field in ("SHA256", "Size", "Filename"):
            if field not in fields:
                raise Corrupt(f"the index of {suites[0]} lists {key.name} {key.version} without {field}")
        address = sources.address(self._workspace.base, self._origin(fields["Filename"], suites))
        return Entry(key=key, fields=fields, suites=suites, url=f"{address}/{quote(fields['Filename'], safe='/~')}")

    def _origin(self, filename: str, suites: tuple[str, ...]) -> str:
        """The suite whose archive holds the file: security's pool has a folder of its own, ``pool/updates``."""
        security = set(sources.security_suites(self._workspace.base))
        updates = filename.startswith("pool/updates/")
        return next((suite for suite in suites if (suite in security) == updates), suites[0])

    def _read(self, verb: str, names: list[str]) -> str:
        done = self._workspace.ask(("apt-cache", verb, *names), self.suites, Situation())
        if done.exit_code != 0 and "No packages found" not in done.stderr:
            raise CommandFailed(("apt-cache", verb), exit_code=done.exit_code, stderr=done.stderr)
        return done.stdout.decode(errors="replace")
