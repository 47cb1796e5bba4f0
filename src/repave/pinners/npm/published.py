"""What a registry says of all versions of a package, as entries of a package-lock.

Source: npm's registry documentation, "Package Metadata"; package-lock.json(5).
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from repave.pinners.npm.packagelock import Entry, Table, parsed
from repave.ports.errors import Gone
from repave.ports.web import Web

SHORT_FORM = "application/vnd.npm.install-v1+json, application/json;q=0.8"
"""All that an installation needs; registries that lack it send everything."""

LARGEST_BYTES = 128 << 20
"""Of one document; the largest in full have some 60 MiB."""

NEEDS = ("dependencies", "optionalDependencies", "peerDependencies")
COPIED: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys((*NEEDS, "peerDependenciesMeta", "engines"), (dict,)),
    **dict.fromkeys(("os", "cpu", "libc", "bundleDependencies"), (list, str)),
    **dict.fromkeys(("deprecated", "license"), (str,)),
    "bin": (dict, str),
}
"""What a package-lock repeats of a package, and of which kind it is there; what is of another is left out."""

KEPT = ("name", "dev", "optional", "devOptional", "peer")
"""What it says of the place, whatever lies there."""

SCRIPTS = frozenset({"preinstall", "install", "postinstall"})


class PublishedVersions:
    """Asks the registry from which a package was locked."""

    def __init__(self, web: Callable[[], Web]) -> None:
        """``web`` opens the way to servers, when one is asked."""
        self._web = web

    def of(self, entry: Entry) -> Mapping[str, Entry]:
        """By version, what would stand in the entry's place; nothing where there is no registry, or no such package.

        Raises what the web port raises.
        """
        registry = registry_of(entry)
        if not registry:
            return {}
        address = f"{registry}/{quote(entry.name, safe='@')}"
        what = f"read the versions of {entry.name} at {registry}"
        try:
            answer = self._web().ask(address, what=what, most_bytes=LARGEST_BYTES, accept=SHORT_FORM)
        except Gone:
            return {}
        return versions_in(parsed(answer.content, f"what {address} answers"), entry, registry)


def registry_of(entry: Entry) -> str:
    """Where its archive comes from; empty when that is no registry."""
    found = re.fullmatch(rf"(https?://.+)/{re.escape(entry.name)}/-/[^/]+\.tgz", entry.resolved)
    return found[1] if found else ""


def versions_in(document: Table, at: Entry, registry: str) -> Mapping[str, Entry]:
    """By version, what the document of a package says of each that has an integrity, in the place of an entry."""
    versions = document.get("versions")
    tables = versions if isinstance(versions, dict) else {}
    found = ((version, as_entry(at, version, table, registry)) for version, table in tables.items())
    return {version: one for version, one in found if one.integrity}


def as_entry(at: Entry, version: str, published: object, registry: str) -> Entry:
    """A published version in the place of another; without integrity where the registry says none."""
    said = published if isinstance(published, dict) else {}
    dist = said.get("dist")
    integrity = dist.get("integrity") if isinstance(dist, dict) else None
    table: dict[str, Any] = {
        key: said[key] for key, kinds in COPIED.items() if said.get(key) and isinstance(said[key], kinds)
    }
    table |= {
        key: {name: one for name, one in table[key].items() if isinstance(one, str)} for key in NEEDS if key in table
    }
    table |= {key: at.table[key] for key in KEPT if key in at.table}
    table |= {"version": version, "integrity": integrity if isinstance(integrity, str) else ""}
    if "resolved" in at.table:
        table["resolved"] = f"{registry}/{at.name}/-/{at.name.rpartition('/')[2]}-{version}.tgz"
    if isinstance(table.get("bin"), str):
        table["bin"] = {at.name.rpartition("/")[2]: table["bin"]}
    if isinstance(table.get("dependencies"), dict):
        table["dependencies"] = _without(table["dependencies"], table.get("optionalDependencies"))
    scripts = said.get("scripts")
    if said.get("hasInstallScript") is True or (isinstance(scripts, dict) and SCRIPTS & scripts.keys()):
        table["hasInstallScript"] = True
    return Entry(path=at.path, table={key: table[key] for key in sorted(table, key=lambda key: _order(key, table))})


def _without(needed: Table, optional: object) -> Table:
    """Registries name optional packages among those that are needed, too; package-locks do not."""
    spared = optional if isinstance(optional, dict) else {}
    return {name: wanted for name, wanted in needed.items() if name not in spared}


def _order(key: str, table: Table) -> tuple[int, bool, str]:
    """As npm writes an entry: what the package is, words, tables."""
    first = ("name", "version", "resolved", "integrity")
    return first.index(key) if key in first else len(first), isinstance(table[key], dict), key
