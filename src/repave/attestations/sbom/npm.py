"""What an npm package says of itself, and which of an image's packages it means by a name.

Source: package.json(5) and folders(5) of npm; Node.js documentation, "Loading from node_modules folders".
"""

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from repave.archives.entries import Kind
from repave.archives.rules import TREE, Links
from repave.archives.tars import opened_tar
from repave.attestations.sbom.inventory import Facts, Licence, Supplier
from repave.attestations.sbom.licences import LONGEST, expression
from repave.attestations.sbom.people import person
from repave.attestations.sbom.reading import DOCUMENT_LIMIT_BYTES, whole
from repave.model.lock import LockedPackage

MANIFEST = "package.json"
FOLDER = "node_modules"
NEEDS = ("dependencies", "optionalDependencies", "peerDependencies")
"""Tables of what is installed with a package."""

SHA512 = "sha512-"
RULES = replace(TREE, links=Links.ANYWHERE, repeated=True)
"""Only one document is read; nothing is followed or written. Some publishers' tools write files twice."""


def npm_facts(archive: Path, what: str) -> Facts:
    """The facts of one package, by the ``package.json`` in the folder it lies in. Raises Corrupt.

    One that is not there or not JSON says nothing.
    """
    manifest = _manifest(archive, what)
    return Facts(
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
                for path in package.paths
                for name in facts.needs
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


def _manifest(archive: Path, what: str) -> Mapping[str, Any]:
    with opened_tar(archive, name=f"the npm package {what}", rules=RULES) as entries:
        for entry in entries:
            if entry.kind is Kind.FILE and entry.parts[1:] == (MANIFEST,) and entry.size_bytes <= DOCUMENT_LIMIT_BYTES:
                try:
                    return _table(json.loads(whole(entry).decode("utf-8-sig", errors="replace")))
                except (ValueError, RecursionError):
                    return {}
    return {}


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
