"""``package-lock.json``, read: one entry for each place below ``node_modules``.

Source: package-lock.json(5) and package.json(5) of npm.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repave.ports.errors import Invalid
from repave.ports.pinner import Rewritten

VERSIONS = (2, 3)
"""Of the format; version 1, of npm 6 and older, does not say where packages lie."""

LARGEST_BYTES = 64 << 20
"""Of the file: tens of thousands of packages."""

REGISTRY = "https://registry.npmjs.org"

PACKAGE_JSON = "package.json"
FOLDER = "node_modules"
NAME = r"(?:@[A-Za-z0-9~_-][A-Za-z0-9._~-]*/)?[A-Za-z0-9~_-][A-Za-z0-9._~-]*"
PLACE = re.compile(rf"{FOLDER}/{NAME}(?:/{FOLDER}/{NAME})*")
OWN_FOLDER = re.compile(rf"(?!{FOLDER}(?:/|$))[^/\\\0]+(?:/(?!{FOLDER}(?:/|$))[^/\\\0]+)*")
"""Of a workspace, or of a package by ``file:``: where the application keeps it."""

KINDS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
"""The tables of ``package.json`` that the lock repeats."""

Table = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One package in one place."""

    path: str
    """``node_modules/a/node_modules/b``."""

    table: Table

    @property
    def name(self) -> str:
        """Its own, which an alias hides in the path."""
        return self._text("name") or self.path.rpartition(f"{FOLDER}/")[2]

    @property
    def version(self) -> str:
        """Exact."""
        return self._text("version")

    @property
    def resolved(self) -> str:
        """Where its archive is; in npm's own registry where the lock does not say (omit-lockfile-registry-resolved)."""
        return self._text("resolved") or f"{REGISTRY}/{self.name}/-/{self.name.rpartition('/')[2]}-{self.version}.tgz"

    @property
    def integrity(self) -> str:
        """What the archive must be (Subresource Integrity)."""
        return self._text("integrity")

    @property
    def installed(self) -> bool:
        """Whether it is more than a tool for developing."""
        return not (self.flag("dev") or self.flag("extraneous"))

    @property
    def own_folder(self) -> bool:
        """Whether it is a folder of the application, which a place below ``node_modules`` links to."""
        return FOLDER not in self.path.split("/")

    @property
    def of_registry(self) -> bool:
        """Whether its archive comes from a server, by its version."""
        elsewhere = self.own_folder or self.flag("link")
        return not elsewhere and self.resolved.startswith(("http://", "https://"))

    @property
    def link(self) -> str:
        """The folder of the application that it links to; empty for what is a package itself."""
        return self._text("resolved") if self.flag("link") else ""

    @property
    def bundled(self) -> bool:
        """Whether it comes within the archive of the package above it."""
        return self.flag("inBundle")

    @property
    def optional(self) -> bool:
        """Whether the application does without it where it does not fit."""
        return self.flag("optional")

    def flag(self, key: str) -> bool:
        """Whether a flag is set."""
        return self.table.get(key) is True

    def names(self, key: str) -> frozenset[str]:
        """The names in one of its tables of dependencies."""
        table = self.table.get(key)
        return frozenset(table) if isinstance(table, dict) else frozenset()

    def range(self, kind: str, name: str) -> str:
        """The range of a name in one of those tables; empty, which is any version, for what is no text."""
        table = self.table.get(kind)
        wanted = table.get(name) if isinstance(table, dict) else None
        return wanted if isinstance(wanted, str) else ""

    def words(self, key: str) -> tuple[str, ...]:
        """A list of words, which may be a single one."""
        value = self.table.get(key)
        words = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return tuple(word for word in words if isinstance(word, str))

    def engine(self, name: str) -> str:
        """The range of versions of an engine that it wants; empty when any will do."""
        engines = self.table.get("engines")
        wanted = engines.get(name) if isinstance(engines, dict) else None
        return wanted if isinstance(wanted, str) else ""

    def _text(self, key: str) -> str:
        value = self.table.get(key)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, kw_only=True)
class PackageLock:
    """The file, whole."""

    file: str
    """For people: where it is, from the project's folder."""

    content: bytes
    """Of the file."""

    manifests: Mapping[str, bytes]
    """Of the ``package.json`` beside it (by the empty name) and of those in the application's own folders, by these."""

    root: Entry
    """The application itself."""

    entries: Mapping[str, Entry]
    """By place."""

    @property
    def own(self) -> tuple[Entry, ...]:
        """The application itself, and its own folders."""
        return (self.root, *(entry for entry in self.entries.values() if entry.own_folder))

    def found_from(self, entry: Entry, name: str) -> Entry | None:
        """The package that ``name`` means for one that needs it: the nearest one upwards, as Node looks for it."""
        place = entry.path
        while True:
            found = self.entries.get(f"{place}/{FOLDER}/{name}" if place else f"{FOLDER}/{name}")
            if found is not None and found.link:
                return self.entries.get(found.link)
            if found is not None or not place:
                return found
            place = place.rpartition(FOLDER)[0].rstrip("/")


def read_package_lock(folder: Path, file: str, rewritten: Iterable[Rewritten] = ()) -> PackageLock:
    """Read the lock and the ``package.json`` beside it. Raises Invalid for what `npm ci` would not take either."""
    instead = {one.path: one.content for one in rewritten}
    content = instead.get(file) or _content(folder, file, hint="`npm install --package-lock-only` makes it; commit it")
    data = parsed(content, file)
    version = data.get("lockfileVersion")
    packages = data.get("packages")
    if version not in VERSIONS or not isinstance(packages, dict):
        raise Invalid(
            f"{file} is of version {version!r}, and version 2 or 3 is expected",
            hint="npm 7 and newer write these: `npm install --package-lock-only`",
        )
    tables = {path: table for path, table in packages.items() if isinstance(table, dict)}
    own = [path for path in tables if path and Entry(path=path, table={}).own_folder]
    for path in own:
        _check_own_folder(path, file)
    lock = PackageLock(
        file=file,
        content=content,
        manifests={
            path: _content(folder, manifest_of(file, path), hint="each package has its own, and one is beside the lock")
            for path in ("", *sorted(own))
        },
        root=Entry(path="", table=tables.get("", {})),
        entries={path: Entry(path=path, table=table) for path, table in sorted(tables.items()) if path},
    )
    for one in lock.own:
        _check_agreement(lock, one)
    for entry in lock.entries.values():
        _check_place(lock, entry)
    return lock


def manifest_of(file: str, own_folder: str = "") -> str:
    """The ``package.json`` beside a lock, or in one of the application's own folders; from the project's folder."""
    return "/".join(part for part in (file.rpartition("/")[0], own_folder, PACKAGE_JSON) if part)


def _content(folder: Path, file: str, *, hint: str) -> bytes:
    path = folder / file
    if not path.resolve().is_relative_to(folder.resolve()):
        raise Invalid(f"{file} leads out of the project to {path.resolve()}", hint="keep it in the project")
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise Invalid(f"{file} has more than {LARGEST_BYTES} bytes", hint="is it the right file?")
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError) as missing:
        raise Invalid(f"there is no {file} in {folder}", hint=hint) from missing


def parsed(content: bytes, file: str) -> dict[str, Any]:
    """The object in a file of JSON. Raises Invalid."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as wrong:
        raise Invalid(
            f"{file} is no JSON: {wrong}", hint="take either side of a merge, then run `npm install`"
        ) from wrong
    if not isinstance(data, dict):
        raise Invalid(f"{file} holds no object", hint="is it the right file?")
    return data


def _check_agreement(lock: PackageLock, own: Entry) -> None:
    """Both must ask for the same, or what is installed is not what is declared."""
    file = manifest_of(lock.file, own.path)
    manifest = parsed(lock.manifests[own.path], file)
    differing = [name for kind in KINDS for name in _differing(own.table.get(kind), manifest.get(kind))]
    if differing:
        raise Invalid(
            f"{lock.file} does not match {file}: they differ about {', '.join(sorted(set(differing))[:5])}",
            hint="`npm install --package-lock-only` brings it up; commit both",
        )


def _differing(locked: object, declared: object) -> Iterator[str]:
    one = locked if isinstance(locked, dict) else {}
    other = declared if isinstance(declared, dict) else {}
    return (str(name) for name in {*one, *other} if one.get(name) != other.get(name))


def _check_own_folder(path: str, file: str) -> None:
    if ".." in path.split("/") or path.startswith("/"):
        raise Invalid(
            f"{file} has a package in {path}, above its own folder",
            hint="keep the package below it: what is above does not go into the image with it",
        )
    if OWN_FOLDER.fullmatch(path) is None or "." in path.split("/"):
        raise Invalid(f"{path!r} in {file} is no place of a package", hint="run `npm install` again")


def _check_place(lock: PackageLock, entry: Entry) -> None:
    if entry.flag("link") and entry.link not in lock.manifests:
        raise Invalid(
            f"{entry.path} of {lock.file} links to {entry.link or 'nothing'}, which the lock does not describe",
            hint="run `npm install` again",
        )
    own = next((path for path in lock.manifests if path and entry.path.startswith(f"{path}/")), "")
    place = entry.path.removeprefix(f"{own}/") if own else entry.path
    if not entry.own_folder and PLACE.fullmatch(place) is None:
        raise Invalid(f"{entry.path!r} in {lock.file} is no place of a package", hint="run `npm install` again")
