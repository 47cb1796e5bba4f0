"""What an npm package says of itself, and which of an image's packages it means by a name.

Source: package.json(5) and folders(5) of npm; Node.js documentation, "Loading from node_modules folders".
"""

import json
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from repave.archives.entries import Kind
from repave.archives.rules import TREE, Links
from repave.archives.tars import opened_tar
from repave.attestations.sbom.inventory import DOCUMENT_LIMIT_BYTES, Bundled, Facts, Licence, Supplier
from repave.attestations.sbom.licences import LONGEST, expression
from repave.attestations.sbom.people import person
from repave.model.lock import LockedPackage

MANIFEST = "package.json"
FOLDER = "node_modules"
BUNDLES = ("bundleDependencies", "bundledDependencies")
BUNDLED = re.compile(rf"(?:{FOLDER}/(?:@[^/]+/)?[^/@][^/]*(?:/(?={FOLDER}/)|$))*")
"""Where a bundled package lies, and nowhere for the package itself."""

NEEDS = ("dependencies", "optionalDependencies", "peerDependencies")
"""Tables of what is installed with a package."""

SHA512 = "sha512-"
RULES = replace(TREE, links=Links.ANYWHERE, repeated=True)
"""Only one document is read; nothing is followed or written. Some publishers' tools write files twice."""


def npm_facts(file: Path, package: LockedPackage) -> Facts:
    """The facts of one package, by its ``package.json``, and of those that its archive brings along. Raises Corrupt.

    One that is not there or not JSON says nothing.
    """
    manifests = _manifests(file, package)
    manifest = manifests.pop("", {})
    return Facts(
        bundled=tuple(_bundled(manifests)) if any(manifest.get(key) for key in BUNDLES) else (),
        licences=tuple(dict.fromkeys(_licences(manifest))),
        supplier=_supplier(manifest.get("author")),
        summary=_text(manifest.get("description")).partition("\n")[0],
        homepage=_homepage(manifest),
        needs=tuple(sorted({name for key in NEEDS for name in _table(manifest.get(key))})),
    )


def npm_needs(packages: Mapping[LockedPackage, Facts]) -> Mapping[LockedPackage, tuple[LockedPackage, ...]]:
    """What each package gets for the names it needs: from each of its places, the nearest one upwards."""
    places = {path: package for package in packages for path in package.paths}
    return {
        package: tuple(
            dict.fromkeys(
                found
                for path in _lookups(package, places)
                for name in sorted({*facts.needs} - _brought(facts))
                if (found := _nearest(path, name, places)) is not None
            )
        )
        for package, facts in packages.items()
    }


def sha512(integrity: str) -> str:
    """The hex digits in a Subresource Integrity; empty where it has no sha512."""
    for word in integrity.split():
        if word.startswith(SHA512):
            try:
                return b64decode(word.removeprefix(SHA512).partition("?")[0], validate=True).hex()
            except ValueError:  # no ASCII, or no base64
                return ""
    return ""


def _nearest(place: str, name: str, places: Mapping[str, LockedPackage]) -> LockedPackage | None:
    while True:
        found = places.get(f"{place}/{FOLDER}/{name}" if place else f"{FOLDER}/{name}")
        if found is not None or not place:
            return found
        place = place.rpartition(FOLDER)[0].rstrip("/")


def _manifests(file: Path, package: LockedPackage) -> dict[str, Mapping[str, Any]]:
    """What the package says of itself, by the empty name, and those below it, by their paths."""
    if package.linked_folder:
        return {"": _parsed(file.read_bytes())}
    found: dict[str, Mapping[str, Any]] = {}
    depth = 0 if package.of_commit else 1
    with opened_tar(file, name=f"the npm package {package.name} {package.version}", rules=RULES) as entries:
        for entry in entries:
            *above, name = entry.parts[depth:] or ("",)
            place = "/".join(above)
            wanted = name == MANIFEST and entry.kind is Kind.FILE and BUNDLED.fullmatch(place)
            if wanted and entry.size_bytes <= DOCUMENT_LIMIT_BYTES:
                found[place] = _parsed(entry.whole())
    return found


def _parsed(content: bytes) -> Mapping[str, Any]:
    try:
        return _table(json.loads(content.decode("utf-8-sig", errors="replace")))
    except (ValueError, RecursionError):
        return {}


def _bundled(manifests: Mapping[str, Mapping[str, Any]]) -> Iterator[Bundled]:
    for path, manifest in sorted(manifests.items()):
        name, version = (" ".join(_text(manifest.get(key)).split()) for key in ("name", "version"))
        if name and version:
            yield Bundled(path=path, name=name, version=version, licences=tuple(dict.fromkeys(_licences(manifest))))


def _lookups(package: LockedPackage, places: Iterable[str]) -> tuple[str, ...]:
    """From where a package looks for what it needs; a folder of the application from itself, wherever it is linked.

    The lock knows that folder from the project's, and places from the application's, which is somewhere below.
    """
    if not package.linked_folder:
        return package.paths
    parts = package.linked_folder.split("/")
    folders = ("/".join(parts[begin:]) for begin in range(len(parts)))
    within = next((one for one in folders if any(place.startswith(f"{one}/{FOLDER}/") for place in places)), "")
    return (within,)


def _brought(facts: Facts) -> frozenset[str]:
    """What it finds within its own archive."""
    return frozenset(one.path.removeprefix(f"{FOLDER}/") for one in facts.bundled)


def _licences(manifest: Mapping[str, Any]) -> Iterator[Licence]:
    """An expression; older packages have an object, or a list of them."""
    said = manifest.get("license") or manifest.get("licenses")
    for one in said if isinstance(said, list) else [said]:
        words = " ".join(_text(one.get("type") if isinstance(one, dict) else one).split())
        if words and len(words) <= LONGEST:
            exact = expression(words)
            yield Licence(spdx=exact, name="" if exact else words)


def _supplier(author: object) -> Supplier | None:
    """``Name <address> (page)``, or an object."""
    if isinstance(author, dict):
        name = _text(author.get("name"))
        return Supplier(name=name, email=_text(author.get("email"))) if name else None
    return person(_text(author).partition("(")[0])


def _homepage(manifest: Mapping[str, Any]) -> str:
    repository = manifest.get("repository")
    address = repository.get("url") if isinstance(repository, dict) else repository
    pages = (_text(manifest.get("homepage")), _text(address).removeprefix("git+"))
    return next((page for page in pages if page.startswith(("https://", "http://"))), "")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
