"""Packages of a Node application: pinned by its own package-lock, brought into the vault by what that says they are."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from repave.model.lock import GIT_ADDRESS, Ecosystem, Layer, Lock, LockedPackage, project_path
from repave.model.recipe import Image, NodeApplication
from repave.pinners.npm.archives import origin_of, strongest
from repave.pinners.npm.packagelock import Entry, read_package_lock
from repave.ports.errors import Corrupt, Invalid
from repave.ports.pinner import PinRequest, Pins
from repave.ports.progress import Progress
from repave.ports.vault import Found, Sought, Vault

LARGEST_BYTES = 1 << 30
"""Of one package; the largest of the registry have some 200 MiB."""

UNVERSIONED = "0.0.0"
"""Of a folder of the application that names no version."""

SHOWN = 8
"""Names told in one sentence."""


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """One package, and every place in which it is laid out."""

    name: str
    version: str
    integrity: str
    origin: str
    paths: tuple[str, ...]

    @property
    def key(self) -> str:
        """By what its content is known: an integrity, or a commit."""
        return self.integrity or self.origin

    @property
    def project_path(self) -> str:
        """Of a file of the project; empty for what has an address."""
        return project_path(self.origin)


class NpmPinner:
    """The pinner port for npm; also tells without the network how a package-lock and a lock differ."""

    def __init__(self, *, vault: Vault) -> None:
        self._vault = vault

    def pin(self, request: PinRequest, *, progress: Progress) -> Pins:
        """Every package that the application is installed with; see the port.

        The package-lock is the truth: no refresh moves what it says. What is new is fetched, verified by its integrity.
        """
        application = request.image.node
        if application is None:
            return Pins()
        entries = _installed(request, application)
        wanted = tuple(_wanted(entries, application, request.image))
        known = _known(request.previous)
        known |= {one.key: self._taken(one, request.folder, application) for one in wanted if one.project_path}
        new = [one for one in wanted if one.key not in known]
        found = self._vault.seek([_sought(one, application) for one in new], progress=progress)
        known |= {one.key: what for one, what in zip(new, found, strict=True)}
        return Pins(
            packages=tuple(_locked(one, known[one.key], request) for one in wanted),
            remarks=tuple(_remarks(entries, application)),
        )

    def differs(self, request: PinRequest) -> tuple[str, ...]:
        """What the package-lock says and the lock in the request does not, or the other way round."""
        application = request.image.node
        if application is None:
            return ()
        wanted = set(_wanted(_installed(request, application), application, request.image))
        locked = {
            _Wanted(
                name=package.name,
                version=package.version,
                integrity=package.integrity,
                origin=package.origin,
                paths=package.paths,
            )
            for package in request.previous.packages_of(request.image.name)
            if package.ecosystem is Ecosystem.NPM
        }
        said = (
            (wanted - locked, f"as {application.lock} has it is not locked"),
            (
                {one for one in locked if one.name not in {each.name for each in wanted}},
                f"is not in {application.lock}",
            ),
        )
        return tuple(
            f"npm package `{one.name} {one.version}` {words}"
            for differing, words in said
            for one in sorted(differing, key=lambda one: (one.name, one.version))
        )

    def _taken(self, wanted: _Wanted, folder: Path, application: NodeApplication) -> Found:
        """An archive in the project, verified, or the ``package.json`` of a folder of it."""
        source = folder / wanted.project_path
        if not source.is_file() or not source.resolve().is_relative_to(folder.resolve()):
            raise Invalid(
                f"{wanted.project_path}, which {application.lock} names, is no file of the project",
                hint="bring it there, or run `npm install` again",
            )
        if wanted.integrity:
            algorithm, digest = strongest(wanted.integrity, f"{wanted.name} in {application.lock}")
            with source.open("rb") as content:
                found = hashlib.file_digest(content, algorithm).hexdigest()
            if found != digest:
                raise Corrupt(
                    f"{wanted.project_path} has {algorithm} {found}, and {application.lock} says {digest}",
                    hint="it changed since: `npm install` takes it as it is now",
                )
        sha256 = self._vault.add(source)
        return Found(sha256=sha256, size_bytes=self._vault.path(sha256).stat().st_size)


def _installed(request: PinRequest, application: NodeApplication) -> tuple[Entry, ...]:
    from repave.pinners.npm.fitting import installed, machine  # noqa: PLC0415 - most images are no Node application

    pinned = request.pinned or request.previous.packages_of(request.image.name)
    return installed(
        read_package_lock(request.folder, application.lock, request.rewritten), machine(request.image.base, pinned)
    )


def _wanted(entries: Sequence[Entry], application: NodeApplication, image: Image) -> Iterator[_Wanted]:
    """Each package once; what is bundled comes within another's archive, and own folders by the links to them."""
    places: dict[tuple[str, str], list[tuple[Entry, str]]] = {}
    versions = {entry.path: entry.version for entry in entries if entry.own_folder}
    for entry in entries:
        if not entry.bundled and not entry.own_folder:
            version = versions.get(entry.link, "") or UNVERSIONED if entry.link else entry.version
            places.setdefault((entry.name, version), []).append((entry, origin_of(entry, application, image)))
    for (name, version), alike in sorted(places.items()):
        sources = {entry.integrity if entry.of_registry else origin for entry, origin in alike}
        if len(sources) > 1:
            raise Invalid(
                f"{application.lock} has two different archives of {name} {version}",
                hint="they come from two places: take it from one, then `npm install`",
            )
        origin = min(origin for _, origin in alike)
        yield _Wanted(
            name=name,
            version=version,
            # Of a commit npm hashes an archive of its own making.
            integrity="" if origin.startswith(GIT_ADDRESS) else alike[0][0].integrity,
            origin=origin,
            paths=tuple(sorted(entry.path for entry, _ in alike)),
        )


def _sought(wanted: _Wanted, application: NodeApplication) -> Sought:
    title = f"{wanted.name} {wanted.version}"
    by_commit = wanted.origin.startswith(GIT_ADDRESS)
    hashes = () if by_commit else (strongest(wanted.integrity, f"{title} in {application.lock}"),)
    return Sought(url=wanted.origin, name=title, largest_bytes=LARGEST_BYTES, hashes=hashes)


def _known(previous: Lock) -> dict[str, Found]:
    """What is locked for any image, by its integrity or commit."""
    return {
        package.integrity or package.origin: Found(sha256=package.sha256, size_bytes=package.size_bytes)
        for package in previous.packages
        if package.ecosystem is Ecosystem.NPM
    }


def _locked(wanted: _Wanted, found: Found, request: PinRequest) -> LockedPackage:
    return LockedPackage(
        ecosystem=Ecosystem.NPM,
        name=wanted.name,
        version=wanted.version,
        sha256=found.sha256,
        size_bytes=found.size_bytes,
        origin=wanted.origin,
        filename=_filename(wanted),
        layer=Layer.NODE,
        images=(request.image.name,),
        integrity=wanted.integrity,
        paths=wanted.paths,
    )


def _filename(wanted: _Wanted) -> str:
    if wanted.project_path:
        return wanted.project_path.rpartition("/")[2]
    ending = "tar" if wanted.origin.startswith(GIT_ADDRESS) else "tgz"
    return f"{wanted.name.rpartition('/')[2]}-{wanted.version}.{ending}"


def _remarks(entries: Iterable[Entry], application: NodeApplication) -> Iterator[str]:
    scripted = sorted({f"{entry.name} {entry.version}" for entry in entries if entry.flag("hasInstallScript")})
    if scripted:
        yield (
            f"no install script of {application.lock} is run; those that have one, and may lack what it makes: "
            f"{_some(scripted)}"
        )
    by_commit = sorted({f"{entry.name} {entry.version}" for entry in entries if entry.resolved.startswith(GIT_ADDRESS)})
    if by_commit:
        yield (
            "packages of git repositories are taken as they are committed, and what their `prepare` would make is "
            f"missing: {_some(by_commit)}"
        )


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
