"""Facts of locked packages, read once: what a file says of itself stays true as long as its bytes do.

A Debian package must be unpacked up to its copyright file, which takes some seconds for an image's hundred; so it is
read as a bake has left it, without its compression, where one has. What was read is kept by the file's sha256, beside
the version of this reading. All of it may be removed at any time.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

from repave.attestations.sbom.inventory import Bundled, Facts, Licence, Supplier
from repave.model.lock import Ecosystem, LockedPackage
from repave.ports.progress import Progress
from repave.ports.vault import Vault

TOLD = frozenset({Ecosystem.DEB, Ecosystem.PYPI, Ecosystem.NPM})
"""Whose packages say something of themselves."""

READING = 2
"""Counted up when the readers change what they answer."""

Plain = Callable[[str], Path | None]
"""Where a Debian package lies uncompressed, by the sha256 of its file; whoever has laid it there has verified it."""


class FactsReader:
    """Reads packages in the vault, and keeps what they say."""

    def __init__(self, *, vault: Vault, folder: Path, plain: Plain = lambda _: None) -> None:
        self._vault = vault
        self._folder = folder / f"facts-{READING}"
        self._plain = plain

    def of(self, packages: Iterable[LockedPackage], *, progress: Progress) -> Mapping[LockedPackage, Facts]:
        """The facts of each. Raises Gone, Corrupt."""
        found = {package: self._kept(package) for package in packages}
        missing = [package for package, facts in found.items() if facts is None]
        if missing:
            self._folder.mkdir(parents=True, exist_ok=True)
            with (
                progress.task("reading what packages say of themselves", total=len(missing)) as task,
                ThreadPoolExecutor(max_workers=os.cpu_count()) as pool,  # unpacking lets other threads run
            ):
                for package, facts in zip(missing, pool.map(self._read, missing), strict=True):
                    found[package] = facts
                    task.advance()
        return {package: facts or Facts() for package, facts in found.items()}

    def _read(self, package: LockedPackage) -> Facts:
        self._vault.verify(package.sha256)
        path = self._vault.path(package.sha256)
        match package.ecosystem:
            case Ecosystem.DEB:
                facts = self._debian(path, package)
            case Ecosystem.PYPI:
                from repave.attestations.sbom.wheels import wheel_facts  # noqa: PLC0415 - the same

                facts = wheel_facts(path, package.filename)
            case Ecosystem.NPM:
                from repave.attestations.sbom.npm import npm_facts  # noqa: PLC0415 - the same

                facts = npm_facts(path, package)
            case _:
                return Facts()
        self._keep(package, facts)
        return facts

    def _debian(self, path: Path, package: LockedPackage) -> Facts:
        from repave.attestations.sbom.debian import debian_facts  # noqa: PLC0415 - what is known already need not be read

        plain = self._plain(package.sha256)
        if plain is not None:
            with suppress(FileNotFoundError):  # another bake has put it away meanwhile
                return debian_facts(plain, package.name)
        return debian_facts(path, package.name)

    def _keep(self, package: LockedPackage, facts: Facts) -> None:
        place = self._place(package)
        partial = place.with_name(f".{uuid4().hex}")
        partial.write_text(json.dumps(asdict(facts)), encoding="utf-8")
        partial.replace(place)

    def _kept(self, package: LockedPackage) -> Facts | None:
        if package.ecosystem not in TOLD:
            return Facts()
        try:
            content = json.loads(self._place(package).read_bytes())
        except (FileNotFoundError, ValueError):
            return None  # what a power cut has torn is read again
        return read_facts(content)

    def _place(self, package: LockedPackage) -> Path:
        return self._folder / f"{package.sha256}.json"


def read_facts(content: Mapping[str, Any]) -> Facts:
    """Facts as they were kept."""
    lists = {name: tuple(content[name]) for name in ("needs", "provides")}
    supplier = content["supplier"] and Supplier(**content["supplier"])
    bundled = tuple(Bundled(**{**one, "licences": _licences(one)}) for one in content["bundled"])
    return Facts(**{**content, **lists, "supplier": supplier, "licences": _licences(content), "bundled": bundled})


def _licences(content: Mapping[str, Any]) -> tuple[Licence, ...]:
    return tuple(Licence(**licence) for licence in content["licences"])
