"""What an image of a registry, below ours, says of what is in it: the records of its package managers.

Its layers are locked, what they were made from is not: so this is what somebody else wrote down, and no more. Read are
dpkg's and apk's records, METADATA of Python packages, and ``os-release``, as they are when all layers are stacked.
"""

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from repave.archives.base_images import CONFIGURATION, LockedBase, locked_base, read_layers
from repave.archives.stacks import LayerStack
from repave.attestations.sbom.apk import installed
from repave.attestations.sbom.copyright import licences
from repave.attestations.sbom.debian import control_fields, facts_of_fields
from repave.attestations.sbom.facts import read_facts
from repave.attestations.sbom.inventory import Contents, Facts, Found
from repave.attestations.sbom.wheels import facts_of_metadata, read_metadata
from repave.model.lock import LockedPackage
from repave.ports.image_python import image_python
from repave.ports.progress import Progress
from repave.ports.vault import Vault

READING = 1
"""Counted up when this module changes what it answers."""

DPKG = re.compile(r"var/lib/dpkg/(?:status|status\.d/[^/]+)")
APK = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
RELEASE = ("etc/os-release", "usr/lib/os-release")
DEBIAN = "etc/debian_version"
PYTHON = re.compile(r"(?:.+/)?(?:site|dist)-packages/[^/]+\.(?:dist-info/METADATA|egg-info/PKG-INFO)")
COPYRIGHT = re.compile(r"usr/share/doc/[^/]+/copyright")
SOURCE = re.compile(r"(\S+)(?:\s+\(([^)]+)\))?")


class BelowReader:
    """Reads bases in the vault once, and keeps what they say."""

    def __init__(self, *, vault: Vault, folder: Path) -> None:
        self._vault = vault
        self._folder = folder / f"below-{READING}"

    def of(self, packages: Iterable[LockedPackage], *, progress: Progress) -> Contents | None:
        """What is in the base; None where there is none. Raises Gone, Corrupt, Invalid."""
        base = locked_base(packages, self._vault)
        if base is None:
            return None
        place = self._folder / f"{base.name.rpartition(':')[2]}.json"
        try:
            return _read(json.loads(place.read_bytes()))
        except (FileNotFoundError, ValueError):
            pass  # what a power cut has torn is read again
        with progress.task(f"reading what {base.name} says of itself"):
            stack = read_layers(base, self._vault, _matters)
        contents = Contents(
            distribution=_distribution(stack),
            packages=_packages(stack),
            python=_python(base, stack),
            built_at=self._built_at(packages),
        )
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = place.with_name(f".{uuid4().hex}")
        partial.write_text(json.dumps(asdict(contents)), encoding="utf-8")
        partial.replace(place)
        return contents

    def _built_at(self, packages: Iterable[LockedPackage]) -> int:
        """What the configuration says of the day; 0 where it says none."""
        configuration = next(package for package in packages if package.filename == CONFIGURATION)
        said = json.loads(self._vault.path(configuration.sha256).read_bytes()).get("created")
        try:
            return max(0, int(datetime.fromisoformat(said).timestamp()))
        except (ValueError, TypeError, OverflowError):
            return 0


def _matters(path: str) -> bool:
    plain = path in APK or path in RELEASE or path == DEBIAN
    return plain or any(pattern.fullmatch(path) for pattern in (DPKG, PYTHON, COPYRIGHT))


def _packages(stack: LayerStack) -> tuple[Found, ...]:
    texts = {path: content.decode("utf-8", errors="replace") for path, content in stack.files.items()}
    found = {package for path, text in texts.items() if DPKG.fullmatch(path) for package in _debian(text, stack)}
    found |= {package for path in APK if path in texts for package in installed(texts[path])}
    found |= {package for path in texts if PYTHON.fullmatch(path) for package in _wheel(stack.files[path])}
    return tuple(sorted(found, key=lambda one: (one.ecosystem, one.name, one.version, one.architecture)))


def _debian(text: str, stack: LayerStack) -> Iterator[Found]:
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
            facts=_with_licences(facts_of_fields(fields), name, stack),
        )


def _with_licences(facts: Facts, name: str, stack: LayerStack) -> Facts:
    """By its own documents, or those that a link of theirs leads to; many an image has none at all."""
    content = stack.file(f"usr/share/doc/{name}/copyright")
    text = (content or b"").decode("utf-8", errors="replace")
    return replace(facts, licences=licences(text, name) if text else ())


def _wheel(content: bytes) -> Iterator[Found]:
    metadata = read_metadata(content)
    name, version = metadata.get("name", ""), metadata.get("version", "")
    if name and version:
        yield Found(ecosystem="pypi", name=name, version=version, facts=facts_of_metadata(metadata))


def _python(base: LockedBase, stack: LayerStack) -> str:
    path = base.configuration.environment.get("PATH", "")
    found = image_python(stack.links, search_path=path, debian=stack.file(DEBIAN) is not None)
    return found.version if found else ""


def _distribution(stack: LayerStack) -> tuple[str, str, str] | None:
    content = next((found for path in RELEASE if (found := stack.file(path)) is not None), b"")
    lines = (line.partition("=") for line in content.decode("utf-8", errors="replace").splitlines())
    said = {key: _unquoted(value) for key, equals, value in lines if equals}
    return (said["ID"], said.get("VERSION_ID", ""), said.get("VERSION_CODENAME", "")) if said.get("ID") else None


def _unquoted(value: str) -> str:
    """As os-release(5) has it: shell quotes."""
    try:
        return "".join(shlex.split(value))
    except ValueError:
        return value


def _read(content: Mapping[str, Any]) -> Contents:
    """Contents as they were kept."""
    distribution = content["distribution"]
    packages = (Found(**{**one, "facts": read_facts(one["facts"])}) for one in content["packages"])
    return Contents(
        distribution=None if distribution is None else tuple(distribution),
        packages=tuple(packages),
        python=content["python"],
        built_at=content["built_at"],
    )
