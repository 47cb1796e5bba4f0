"""Debian packages without their compression: read twice per bake (extract, then unpack), decompressed once per boot.

Source: deb(5).
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from repave.archives.closure import first_names
from repave.archives.control import paragraphs
from repave.archives.packages import HEADER_BYTES, MAGIC, content, control_file, members
from repave.archives.rules import GIB, TREE
from repave.bakers.rootfs.layertar import CHUNK_BYTES, Verified

if TYPE_CHECKING:
    # The words of a lock take 50 ms to load, and what runs inside needs none of them.
    from repave.model.lock import LockedPackage
    from repave.ports.vault import Vault

WORKERS = 4
"""Threads that decompress; xz and sha256 work without the interpreter's lock, more than four cores are rarely idle."""


RULES = replace(TREE, total_bytes=32 * GIB)
"""Of packages in a lock, whose archive was signed: the largest are debug symbols and games."""


def prepare(packages: "Sequence[LockedPackage]", vault: "Vault", folder: Path) -> None:
    """Have each package in ``folder`` by its sha256, verified and uncompressed.

    Raises Gone (not in the vault), Corrupt, Invalid (a compression that this Python cannot read).
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [package for package in packages if not place(folder, package.sha256).exists()]
    # The largest first, or one thread ends with all of it while the others are idle.
    missing.sort(key=lambda package: (-package.size_bytes, package.sha256))
    sources = [vault.path(package.sha256) for package in missing]
    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in pool.map(lambda package, source: _prepare(package, source, folder), missing, sources):
            continue


def place(folder: Path, sha256: str) -> Path:
    """Where the uncompressed package of that sha256 is, or will be."""
    return folder / f"{sha256}.deb"


def laid_out(folder: Path) -> Iterator[tuple[str, Path]]:
    """Each uncompressed package there, by its sha256."""
    for path in sorted(folder.glob("*.deb")):
        yield path.stem, path


def newest_build(folder: Path, packages: "Sequence[LockedPackage]") -> int:
    """When the newest of the packages was built: no file that came in a package is newer (deb(5), dpkg-deb(1))."""
    newest = 0
    for package in packages:
        with place(folder, package.sha256).open("rb") as stream:
            newest = max(newest, *(member.time for member in members(stream, package.filename)))
    return newest


def first(folder: Path, packages: "Sequence[LockedPackage]") -> frozenset[str]:
    """The sha256 of those that are to lie in a root before dpkg can unpack the others; see ``first_names``."""
    files = {package.name: place(folder, package.sha256) for package in packages}
    texts = {name: control_file(file, name)[0] for name, file in files.items()}
    names = first_names({name: next(paragraphs(text)) for name, text in texts.items()})
    return frozenset(package.sha256 for package in packages if package.name in names)


def _prepare(package: "LockedPackage", source: Path, folder: Path) -> None:
    target = place(folder, package.sha256)
    partial = target.with_suffix(".partial")
    try:
        with source.open("rb") as stream, partial.open("wb") as out:
            verified = Verified(stream, package.sha256, package.filename)
            verified.finish()
            _uncompress(stream, out, package.filename)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _uncompress(stream: BinaryIO, out: BinaryIO, name: str) -> None:
    out.write(MAGIC)
    for member in members(stream, name):
        base, plain = content(stream, member, name=name, rules=RULES)
        start = out.tell()
        out.write(bytes(HEADER_BYTES))
        size = 0
        while chunk := plain.read(CHUNK_BYTES):
            size += out.write(chunk)
        out.write(b"\n" * (size % 2))
        out.seek(start)
        out.write(f"{base:<16}{member.time:<12}{0:<6}{0:<6}{'100644':<8}{size:<10}`\n".encode("ascii"))
        out.seek(0, os.SEEK_END)
