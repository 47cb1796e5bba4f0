"""Packages of a Node application: pinned by its own package-lock, brought into the vault by what that says they are."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from repave.model.lock import Ecosystem, Layer, Lock, LockedPackage
from repave.model.recipe import NodeApplication
from repave.pinners.npm.packagelock import Entry, read_package_lock
from repave.ports.errors import Invalid
from repave.ports.pinner import PinRequest, Pins
from repave.ports.progress import Progress
from repave.ports.vault import Found, Sought, Vault

LARGEST_BYTES = 1 << 30
"""Of one package; the largest of the registry have some 200 MiB."""

STRONG = {"sha512": 64, "sha384": 48, "sha256": 32}
"""Bytes of each digest, the strongest first (Subresource Integrity, W3C); sha1 can be forged."""

SHOWN = 8
"""Names told in one sentence."""


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """One archive, and every place in which it is laid out."""

    name: str
    version: str
    integrity: str
    origin: str
    paths: tuple[str, ...]


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
        wanted = tuple(_wanted(entries, application))
        known = _known(request.previous)
        new = [one for one in wanted if one.integrity not in known]
        found = self._vault.seek([_sought(one, application) for one in new], progress=progress)
        known = {**known, **{one.integrity: what for one, what in zip(new, found, strict=True)}}
        return Pins(
            packages=tuple(_locked(one, known[one.integrity], request) for one in wanted),
            remarks=tuple(_remarks(entries, application)),
        )

    def differs(self, request: PinRequest) -> tuple[str, ...]:
        """What the package-lock says and the lock in the request does not, or the other way round."""
        application = request.image.node
        if application is None:
            return ()
        wanted = set(_wanted(_installed(request, application), application))
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


def _installed(request: PinRequest, application: NodeApplication) -> tuple[Entry, ...]:
    from repave.pinners.npm.fitting import installed, machine  # noqa: PLC0415 - most images are no Node application

    pinned = request.pinned or request.previous.packages_of(request.image.name)
    return installed(
        read_package_lock(request.folder, application.lock, request.rewritten), machine(request.image.base, pinned)
    )


def _wanted(entries: Iterable[Entry], application: NodeApplication) -> Iterator[_Wanted]:
    """Each archive once; what is bundled comes within another's."""
    places: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        if not entry.bundled:
            _check(entry, application)
            places.setdefault((entry.name, entry.version), []).append(entry)
    for (name, version), alike in sorted(places.items()):
        if len({entry.integrity for entry in alike}) > 1:
            raise Invalid(
                f"{application.lock} has two different archives of {name} {version}",
                hint="they come from two registries: take it from one, then `npm install`",
            )
        yield _Wanted(
            name=name,
            version=version,
            integrity=alike[0].integrity,
            origin=min(entry.resolved for entry in alike),
            paths=tuple(sorted(entry.path for entry in alike)),
        )


def _check(entry: Entry, application: NodeApplication) -> None:
    """Refuse what no hash vouches for."""
    title = f"{entry.path} of {application.lock}"
    address = urlsplit(entry.resolved)
    if not (entry.version and entry.integrity):
        missing = "integrity" if entry.version else "version"
        raise Invalid(
            f"{title} has no `{missing}`, so it cannot be locked"
            + (f" (it comes from {entry.resolved})" if missing == "integrity" else ""),
            hint="only packages of a registry have it: publish it there, or map its files into the image",
        )
    if address.scheme not in {"http", "https"} or "@" in address.netloc:
        raise Invalid(
            f"{title} comes from {address.scheme}://{address.hostname or ''}, which cannot be fetched here",
            hint="only http and https addresses without credentials are",
        )


def _sought(wanted: _Wanted, application: NodeApplication) -> Sought:
    return Sought(
        url=wanted.origin,
        name=f"{wanted.name} {wanted.version}",
        largest_bytes=LARGEST_BYTES,
        hashes=(_strongest(wanted, application),),
    )


def _strongest(wanted: _Wanted, application: NodeApplication) -> tuple[str, str]:
    """The strongest digest of an integrity, by ``hashlib``'s name and in hex digits."""
    given = dict(part.partition("?")[0].split("-", 1) for part in wanted.integrity.split() if "-" in part)
    for algorithm, size in STRONG.items():
        try:
            digest = base64.b64decode(given.get(algorithm, ""), validate=True)
        except ValueError:  # no ASCII, or no base64
            continue
        if len(digest) == size:
            return algorithm, digest.hex()
    raise Invalid(
        f"the integrity of {wanted.name} {wanted.version} in {application.lock} holds no digest that counts: "
        f"{wanted.integrity[:100]}",
        hint=f"{', '.join(STRONG)} do: remove the entry and run `npm install --package-lock-only`",
    )


def _known(previous: Lock) -> Mapping[str, Found]:
    """What is locked for any image, by its integrity."""
    return {
        package.integrity: Found(sha256=package.sha256, size_bytes=package.size_bytes)
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
        filename=f"{wanted.name.rpartition('/')[2]}-{wanted.version}.tgz",
        layer=Layer.NODE,
        images=(request.image.name,),
        integrity=wanted.integrity,
        paths=wanted.paths,
    )


def _remarks(entries: Iterable[Entry], application: NodeApplication) -> Iterator[str]:
    scripted = sorted({f"{entry.name} {entry.version}" for entry in entries if entry.flag("hasInstallScript")})
    if scripted:
        more = f" and {len(scripted) - SHOWN} more" if len(scripted) > SHOWN else ""
        yield (
            f"no install script of {application.lock} is run; those that have one, and may lack what it makes: "
            f"{', '.join(scripted[:SHOWN])}{more}"
        )
