"""Installs what a manifest names, to the byte, or says why it cannot; run by a machine itself, at its first start.

It travels in the machine's document, so it stands alone: nothing of repave is there, and Python may be 3.9. A file
comes from the disk with the locked files, else from the mirror, else from where it was locked; it is used only if it
has the sha256 that the manifest gives, wherever it came from.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import termios
import urllib.request
from contextlib import contextmanager
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

CONSOLE = "/dev/console"
DATABASE = "var/lib/dpkg"
CACHE = "var/cache/repave"
ASK_SECONDS = 60
OPTIONS = ("--force-unsafe-io", "--abort-after=100000")
"""Of dpkg: no flush after each file, for a machine that does not get ready is replaced; all errors, not the first."""

CHUNK_BYTES = 1 << 20
POLICY = "usr/sbin/policy-rc.d"
NO_SERVICES = "#!/bin/sh\n# Nothing is started before all of it is there (invoke-rc.d(8)).\nexit 101\n"

TOLD_CHARACTERS = 800
"""Of what a program says that fails: its end."""

ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/root",
    "DEBIAN_FRONTEND": "noninteractive",
}


class Failed(Exception):
    """The machine cannot become what the manifest says."""


class Shelf:
    """Where files come from: ``disk`` is the folder that has them, ``mirror`` an address; either may be missing."""

    def __init__(self, root: Path, *, disk: Path | None = None, mirror: str = "") -> None:
        self._cache = root / CACHE
        self._disk = disk
        self._mirror = mirror

    def path(self, file: dict[str, Any]) -> Path:
        """A place at which the file has the bytes that it must have. Raises Failed, with what was tried."""
        told = []
        for name, had in self._tried(file):
            try:
                place = had()
                found = digest_of(place)
            except (OSError, HTTPException, ValueError) as error:  # the last of an address that is none
                told.append(f"{name}: {error}")
                continue
            if found == file["sha256"]:
                return place
            told.append(f"{name}: it has the sha256 {found}")
        raise Failed(f"{file['name']} (sha256 {file['sha256']}) cannot be had: {'; '.join(told) or 'from nowhere'}")

    def empty(self) -> None:
        """Remove what was fetched."""
        shutil.rmtree(self._cache, ignore_errors=True)

    def _tried(self, file: dict[str, Any]) -> Iterator[tuple[str, Callable[[], Path]]]:
        disk, sha256 = self._disk, file["sha256"]
        if disk is not None:
            yield "the disk", partial(Path, disk, sha256)
        mirrored = f"{self._mirror.rstrip('/')}/{sha256}" if self._mirror else ""
        for url in (mirrored, file["url"]):
            if url:
                yield url, partial(self._fetched, url, file)

    def _fetched(self, url: str, file: dict[str, Any]) -> Path:
        """The file in the cache; no more of it is taken than it must have."""
        self._cache.mkdir(parents=True, exist_ok=True)
        place = self._cache / str(file["sha256"])
        left = int(file["size"])
        # Whatever the address names: it is used only if its bytes are the ones that were locked.
        with urllib.request.urlopen(url, timeout=ASK_SECONDS) as answer, place.open("wb") as target:  # noqa: S310 - see above
            while chunk := answer.read(min(CHUNK_BYTES, left + 1)):
                left -= len(chunk)
                if left < 0:
                    raise OSError(f"it is longer than {file['size']} bytes")
                target.write(chunk)
        return place


def digest_of(place: Path) -> str:
    """Its sha256, in hex digits."""
    found = hashlib.sha256()
    with place.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            found.update(chunk)
    return found.hexdigest()


def install(manifest: dict[str, Any], root: Path, shelf: Shelf) -> None:
    """Make of the root what the manifest says. Nothing is installed before all of it is there. Raises Failed."""
    packages = [shelf.path(file) for file in manifest["packages"]]
    layers = [shelf.path(file) for file in manifest["layers"]]
    for path, text in manifest["files"].items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        place.chmod(0o644)
    with _without_services(root):
        _install_packages(packages, manifest["installed"], root)
    _check_accounts(manifest["accounts"], root)
    for layer in layers:
        run("tar", "--extract", "--file", layer, "--directory", root, *manifest["tar"])
    # The links say that all the rest is there: they must not outlast it when the power fails.
    os.sync()
    for path, target in manifest["links"]:
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        # A package may have laid it already, and the base leaves units out by a link of their name.
        place.unlink(missing_ok=True)
        place.symlink_to(target)
    shelf.empty()


@contextmanager
def _without_services(root: Path) -> Iterator[None]:
    """No package's own service is started in the block: it would serve before anything is compared or configured."""
    policy = root / POLICY
    policy.parent.mkdir(parents=True, exist_ok=True)
    policy.write_text(NO_SERVICES, encoding="ascii")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


def _install_packages(packages: Sequence[Path], wanted: Sequence[str], root: Path) -> None:
    """By dpkg, as often as it gets further: it refuses what must wait until others are configured."""
    said = ""
    before, found = None, installed(root)
    while packages and found not in (before, wanted):
        finished = started(["dpkg", f"--root={root}", *OPTIONS, "--install", *map(os.fspath, packages)])
        said = f"; dpkg says: {_end(finished)}" if finished.returncode else ""
        before, found = found, installed(root)
    if found != wanted:
        missing = ", ".join(sorted({*wanted}.difference(found))) or "none"
        strange = ", ".join(sorted({*found}.difference(wanted))) or "none"
        raise Failed(f"the packages are not the locked ones: missing {missing}; not locked {strange}{said}")
    audit = run("dpkg", f"--root={root}", "--audit")
    if audit:
        raise Failed(f"dpkg finds packages that are not whole: {audit[-TOLD_CHARACTERS:]}")


def installed(root: Path) -> list[str]:
    """Every package that is there: name, architecture and version, and how far it is if it is not whole; sorted."""
    form = "${db:Status-Abbrev}\t${Package} ${Architecture} ${Version}\n"
    said = run("dpkg-query", f"--admindir={root / DATABASE}", "--show", f"--showformat={form}")
    pairs = [line.split("\t") for line in said.splitlines()]
    return sorted(name if state.strip() == "ii" else f"{name} ({state.strip()})" for state, name in pairs)


def _check_accounts(wanted: dict[str, list[int]], root: Path) -> None:
    """Files of the layers belong to users by number: each name must have the number that it had when they were made."""
    found = {}
    for line in (root / "etc/passwd").read_text(encoding="utf-8").splitlines():
        name, _, user, group = line.split(":")[:4]
        found[name] = [int(user), int(group)]
    for name, numbers in wanted.items():
        if found.get(name) != numbers:
            raise Failed(f"the user {name} has the numbers {found.get(name)}, and {numbers} in the image")


def run(*arguments: str | os.PathLike[str]) -> str:
    """What a program prints. Raises Failed when it fails."""
    finished = started([os.fspath(argument) for argument in arguments])
    if finished.returncode:
        raise Failed(f"{arguments[0]!s} ended with {finished.returncode}: {_end(finished)}")
    return finished.stdout.decode(errors="replace")


def started(arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    """A program that has ended; what it says of errors is with what it prints."""
    return subprocess.run(
        arguments,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


def _end(finished: subprocess.CompletedProcess[bytes]) -> str:
    return finished.stdout.decode(errors="replace").strip()[-TOLD_CHARACTERS:].replace("\n", " | ")


def tell(words: str) -> None:
    """On the console, which who runs the machine keeps; all of it is there at the end."""
    with Path(CONSOLE).open("w", encoding="utf-8") as console:
        console.write(f"repave: {words}\n")
        console.flush()
        termios.tcdrain(console)


@contextmanager
def shelf_here(manifest: dict[str, Any], folder: Path) -> Iterator[Shelf]:
    """Where this machine's files come from; the disk's are seen below ``folder`` in the block."""
    disk, device, mirror = None, Path("/dev/disk/by-label", manifest["label"]), Path(manifest["mirror"])
    if device.exists():
        disk = folder / "files"
        disk.mkdir(exist_ok=True)
        run("mount", "-t", "iso9660", "-o", "ro,nodev,nosuid,noexec", device, disk)
    said = mirror.read_text(encoding="utf-8").strip() if mirror.exists() else ""
    try:
        yield Shelf(Path("/"), disk=disk, mirror=said)
    finally:
        if disk is not None:
            run("umount", disk)


def main(place: Path) -> None:
    """Install and start it all; else say why not, and switch the machine off: it never serves half done."""
    try:
        manifest = json.loads(place.read_text(encoding="utf-8"))
        with shelf_here(manifest, place.parent) as shelf:
            install(manifest, Path("/"), shelf)
        run("systemctl", "daemon-reload")
        run("systemctl", "start", "--no-block", manifest["start"])
    except (Failed, OSError, ValueError) as error:
        try:
            tell(f"bootstrap failed: {error}")
        finally:
            # At once: what services say as they end would hide the reason, and what they wrote is lost anyhow.
            run("systemctl", "poweroff", "--force", "--force")
    else:
        tell(f"bootstrap is done: {len(manifest['installed'])} packages, all as locked")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
