"""What an image of a registry, below ours, says of what is in it: the records of its package managers.

Its layers are locked, what they were made from is not: so this is what somebody else wrote down, and no more. Read are
dpkg's and apk's records, METADATA of Python packages, and ``os-release``, as they are when all layers are stacked.
"""

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from repave.archives.entries import Entry, Kind
from repave.archives.rules import ROOT_FILESYSTEM
from repave.archives.tars import opened_tar
from repave.archives.whiteouts import OPAQUE, WHITEOUT
from repave.attestations.sbom.apk import installed
from repave.attestations.sbom.copyright import licences
from repave.attestations.sbom.debian import control_fields, facts_of_fields, linked_documents
from repave.attestations.sbom.facts import read_facts
from repave.attestations.sbom.inventory import Contents, Facts, Found
from repave.attestations.sbom.reading import whole
from repave.attestations.sbom.wheels import facts_of_metadata, read_metadata
from repave.model.lock import Ecosystem, LockedPackage
from repave.ports.progress import Progress
from repave.ports.vault import Vault

READING = 1
"""Counted up when this module changes what it answers."""

MANIFEST, CONFIGURATION = "manifest.json", "config.json"
LAYER = re.compile(r"layer-\d+(?:\..+)?")
"""What the lock calls the parts of a base."""

DPKG = re.compile(r"var/lib/dpkg/(?:status|status\.d/[^/]+)")
APK = frozenset({"lib/apk/db/installed", "usr/lib/apk/db/installed"})
RELEASE = ("etc/os-release", "usr/lib/os-release")
PYTHON = re.compile(r"(?:.+/)?(?:site|dist)-packages/[^/]+\.(?:dist-info/METADATA|egg-info/PKG-INFO)")
DOCUMENTS = re.compile(r"usr/share/doc/([^/]+)(?:/copyright)?")
SOURCE = re.compile(r"(\S+)(?:\s+\(([^)]+)\))?")
LARGEST_BYTES = 32 * 1024 * 1024
"""Of one record; dpkg's status of a whole desktop has some MiB."""

MOST_BYTES = 256 * 1024 * 1024
"""Of all records together, which are held in memory."""


class BelowReader:
    """Reads bases in the vault once, and keeps what they say."""

    def __init__(self, *, vault: Vault, folder: Path) -> None:
        self._vault = vault
        self._folder = folder / f"below-{READING}"

    def of(self, packages: Iterable[LockedPackage], *, progress: Progress) -> Contents | None:
        """What is in the base; None where there is none. Raises Gone, Corrupt."""
        parts = [package for package in packages if package.ecosystem is Ecosystem.OCI]
        manifest = next((package for package in parts if package.filename == MANIFEST), None)
        if manifest is None:
            return None
        place = self._folder / f"{manifest.sha256}.json"
        try:
            return _read(json.loads(place.read_bytes()))
        except (FileNotFoundError, ValueError):
            pass  # what a power cut has torn is read again
        layers = sorted((part for part in parts if LAYER.fullmatch(part.filename)), key=lambda part: part.filename)
        records = _Records()
        with progress.task(f"reading what {manifest.name} says of itself", total=len(layers)) as task:
            for layer in layers:
                self._vault.verify(layer.sha256)
                records.lay(self._vault.path(layer.sha256), f"{layer.filename} of {layer.name}")
                task.advance()
        contents = Contents(
            distribution=_distribution(records.files),
            packages=tuple(_packages(records)),
            built_at=self._built_at(parts),
        )
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = place.with_name(f".{uuid4().hex}")
        partial.write_text(json.dumps(asdict(contents)), encoding="utf-8")
        partial.replace(place)
        return contents

    def _built_at(self, parts: Iterable[LockedPackage]) -> int:
        """What the configuration says of the day; 0 where it says none."""
        for part in parts:
            if part.filename == CONFIGURATION:
                self._vault.verify(part.sha256)
                try:
                    said = json.loads(self._vault.path(part.sha256).read_bytes()).get("created", "")
                    return max(0, int(datetime.fromisoformat(said).timestamp()))
                except (ValueError, TypeError, AttributeError, RecursionError, OverflowError):
                    return 0
        return 0


class _Records:
    """The files that matter, as upper layers leave them."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.links: dict[str, str] = {}
        """Folders of documents that are links to others'."""

    def lay(self, layer: Path, name: str) -> None:
        """One more layer on top."""
        files: dict[str, bytes] = {}
        links: dict[str, str] = {}
        with opened_tar(layer, name=name, rules=ROOT_FILESYSTEM) as entries:
            for entry in entries:
                self._take(entry, files, links)
        # A whiteout speaks of the layers below its own only, so what this one brings comes last.
        self.files |= files
        self.links |= links

    def _take(self, entry: Entry, files: dict[str, bytes], links: dict[str, str]) -> None:
        folder, _, last = entry.name.rpartition("/")
        if last == OPAQUE:
            self._remove(folder, itself=False)
        elif last.startswith(WHITEOUT):
            self._remove(f"{folder}/{last.removeprefix(WHITEOUT)}".lstrip("/"), itself=True)
        elif entry.kind is Kind.SYMLINK and DOCUMENTS.fullmatch(entry.name):
            links[entry.name] = entry.link
        elif entry.kind is Kind.FILE and _matters(entry.name):
            room = MOST_BYTES - sum(map(len, self.files.values())) - sum(map(len, files.values()))
            if entry.size_bytes <= min(LARGEST_BYTES, room):
                files[entry.name] = whole(entry)

    def _remove(self, path: str, *, itself: bool) -> None:
        """What lower layers have at a path, or below it."""
        for known in [*self.files, *self.links]:
            if (itself and known == path) or known.startswith(f"{path}/" if path else ""):
                self.files.pop(known, None)
                self.links.pop(known, None)


def _matters(path: str) -> bool:
    return bool(
        path in APK or path in RELEASE or DPKG.fullmatch(path) or PYTHON.fullmatch(path) or DOCUMENTS.fullmatch(path)
    )


def _packages(records: _Records) -> list[Found]:
    texts = {path: content.decode("utf-8", errors="replace") for path, content in records.files.items()}
    found = {package for path, text in texts.items() if DPKG.fullmatch(path) for package in _debian(text, records)}
    found |= {package for path in APK & texts.keys() for package in installed(texts[path])}
    found |= {package for path in texts if PYTHON.fullmatch(path) for package in _python(records.files[path])}
    return sorted(found, key=lambda one: (one.ecosystem, one.name, one.version, one.architecture))


def _debian(text: str, records: _Records) -> Iterator[Found]:
    for paragraph in re.split(r"\n[ \t]*\n", text):
        fields = control_fields(paragraph)
        name, version = fields.get("package", ""), fields.get("version", "")
        removed = not fields.get("status", "install ok installed").endswith(" installed")
        if not name or not version or removed:
            continue
        source = SOURCE.fullmatch(fields.get("source", ""))
        yield Found(
            ecosystem="deb",
            name=name,
            version=version,
            architecture=fields.get("architecture", ""),
            source=source[1] if source else name,
            source_version=(source[2] if source else "") or version,
            facts=_with_licences(facts_of_fields(fields), name, records),
        )


def _with_licences(facts: Facts, name: str, records: _Records) -> Facts:
    folder = f"usr/share/doc/{name}"
    link = records.links.get(folder) or records.links.get(f"{folder}/copyright", "")
    elsewhere = linked_documents(link, name) if link else ""
    text = records.files.get(f"{folder}/copyright", b"").decode("utf-8", errors="replace")
    declared = licences(text, name) if text and not elsewhere else ()
    return Facts(**{**vars(facts), "licences": declared, "licences_of": elsewhere})


def _python(content: bytes) -> Iterator[Found]:
    metadata = read_metadata(content)
    name, version = metadata.get("name", ""), metadata.get("version", "")
    if name and version:
        yield Found(ecosystem="pypi", name=name, version=version, facts=facts_of_metadata(metadata))


def _distribution(files: dict[str, bytes]) -> tuple[str, str, str] | None:
    text = next((files[path] for path in RELEASE if path in files), b"").decode("utf-8", errors="replace")
    said = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            said[key] = _unquoted(value)
    return (said["ID"], said.get("VERSION_ID", ""), said.get("VERSION_CODENAME", "")) if said.get("ID") else None


def _unquoted(value: str) -> str:
    """As os-release(5) has it: shell quotes."""
    try:
        return "".join(shlex.split(value))
    except ValueError:
        return value


def _read(content: dict[str, object]) -> Contents:
    """Contents as they were kept."""
    distribution, packages = content["distribution"], content["packages"]
    if not isinstance(packages, list):
        raise ValueError("no list of packages")  # noqa: TRY004 - the caller takes it for a torn file
    return Contents(
        distribution=tuple(distribution) if isinstance(distribution, list) else None,
        packages=tuple(Found(**{**one, "facts": read_facts(one["facts"])}) for one in packages),
        built_at=int(str(content["built_at"])),
    )
