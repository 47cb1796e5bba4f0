"""Published disks: verified, put together in a sparse file, and never written to by a machine that runs from them."""

import json
import os
import platform
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import BinaryIO

from repave.archives.compression import Compression, unpacked
from repave.archives.entries import Readable
from repave.archives.errors import BadArchive
from repave.archives.rules import ROOT_FILESYSTEM
from repave.model.artifact import ARCHITECTURES, Artifact
from repave.model.names import Digest
from repave.ports.disk_format import Content, DiskConfiguration, DiskManifest
from repave.ports.errors import Corrupt, Gone, Invalid
from repave.ports.image_format import Descriptor
from repave.ports.progress import Progress
from repave.ports.registry import Registry
from repave.providers.local.errors import mapped
from repave.providers.local.hashed import CHUNK_BYTES, Hashed
from repave.providers.local.locks import locked
from repave.providers.local.places import Places
from repave.providers.local.qemu.files_disk import write_files_disk
from repave.providers.local.qemu.machine import Boot
from repave.providers.local.seals import broken, made_sealed
from repave.scratch.whole import flush

RUNNABLE = "amd64"
"""The one architecture that is started here; tried on no other machine."""

AGAIN = "bake the image again"


@dataclass(frozen=True, kw_only=True)
class _Stored:
    """One artifact, as its documents describe it."""

    digest: Digest
    manifest: DiskManifest
    configuration: DiskConfiguration


class Disks:
    """Publishes disks from the registry, each in a folder of its own with its kernel."""

    def __init__(self, *, places: Places, registry: Registry) -> None:
        self._places = places
        self._registry = registry

    def publish(self, artifact: Artifact, *, used: Collection[Digest], progress: Progress) -> None:
        """Put together what is not here yet; it is published once all of it is verified and in place.

        One that has changed since is put together again, unless a machine runs from it: then Corrupt is raised.
        """
        digest = artifact.digest
        with locked(self._places.lock("artifacts")), mapped(f"publishing {artifact.image} {digest}"):
            if self._seal(digest).exists():
                changed = broken(self._places.disk(digest), self._seal(digest))
                if changed is None:
                    return
                if digest in used:
                    raise _changed_since(digest, changed)
            self._drop(digest)
            self._places.root.mkdir(parents=True, exist_ok=True)
            # A disk holds all that the machine is: nobody else of this machine may reach it.
            self._places.root.chmod(0o700)
            stored = self._read(digest)
            size = sum(piece.size for piece in stored.configuration.pieces)
            with progress.task(f"unpack {artifact.image}", total=size, unit="B") as task:
                self._put_together(stored, task.advance)

    def withdraw(self, digest: Digest) -> None:
        """Forget the disk."""
        with locked(self._places.lock("artifacts")), mapped(f"withdrawing {digest}"):
            self._drop(digest)

    def boot(self, digest: Digest) -> Boot:
        """What it is started by. Raises Invalid where it is not published, Corrupt where it has changed since."""
        folder = self._places.disk(digest)
        if not self._seal(digest).exists():
            raise Invalid(f"the artifact {digest} is not published on this machine", hint="publish it before launching")
        with mapped(f"looking at the artifact {digest}"):
            changed = broken(folder, self._seal(digest))
            if changed is not None:
                raise _changed_since(digest, changed)
            said = json.loads((folder / "boot.json").read_bytes())
            return Boot(
                disk=folder / "disk",
                kernel=folder / "kernel",
                initrd=_if_there(folder / "initrd"),
                document=_if_there(folder / "document"),
                files=_if_there(folder / "files"),
                arguments=said["arguments"],
                takes_environment=said.get("takes_environment", False),
                needs_cloud_init=said.get("needs_cloud_init", False),
                starts_cold=said.get("starts_cold"),
            )

    def _read(self, digest: Digest) -> _Stored:
        """Both documents. Raises Corrupt, and Invalid for a disk that cannot be started on this machine."""
        what = f"the artifact {digest}"
        try:
            manifest = DiskManifest.parse(self._registry.read(digest), what)
            configuration = DiskConfiguration.parse(self._registry.read(manifest.configuration.digest), what)
        except Invalid as error:
            raise Corrupt(f"{what} cannot be started: {error.message}", hint=AGAIN) from error
        except Gone as error:
            raise Corrupt(f"{what} is incomplete: {error.message}", hint=AGAIN) from error
        beside = configuration.bootstrap
        named = (len(manifest.pieces), manifest.initrd is None, manifest.document is None, len(manifest.files))
        said = (
            len(configuration.pieces),
            configuration.initrd is None,
            beside is None,
            len(beside.files) if beside else 0,
        )
        if named != said:
            raise Corrupt(f"{what} has other parts than its configuration says", hint=AGAIN)
        here = ARCHITECTURES.get(platform.machine(), platform.machine())
        if configuration.architecture != here or here != RUNNABLE:
            raise Invalid(
                f"{what} is for {configuration.architecture}, this machine is {here}",
                hint=f"virtual machines are started here for {RUNNABLE} on {RUNNABLE} alone",
            )
        return _Stored(digest=digest, manifest=manifest, configuration=configuration)

    def _put_together(self, stored: _Stored, advance: Callable[[int], None]) -> None:
        manifest, configuration = stored.manifest, stored.configuration
        folder = self._places.disk(stored.digest)
        with made_sealed(folder, self._seal(stored.digest)) as temporary:
            disk = temporary / "disk"
            disk.touch()
            os.truncate(disk, configuration.disk_bytes)
            for blob, piece in zip(manifest.pieces, configuration.pieces, strict=True):
                self._write(blob, piece, disk, offset=piece.offset)
                advance(piece.size)
            self._write(manifest.kernel, configuration.kernel, temporary / "kernel")
            if manifest.initrd is not None and configuration.initrd is not None:
                self._write(manifest.initrd, configuration.initrd, temporary / "initrd")
            if configuration.bootstrap is not None and manifest.document is not None:
                self._write(manifest.document, configuration.bootstrap.document, temporary / "document")
                self._write_files(manifest.files, configuration.bootstrap.files, temporary / "files")
            said = {
                "arguments": configuration.arguments,
                "takes_environment": configuration.takes_environment,
                "needs_cloud_init": configuration.needs_cloud_init,
                "starts_cold": configuration.starts_cold,
            }
            (temporary / "boot.json").write_text(json.dumps(said))
            for path in (*temporary.iterdir(), temporary):
                flush(path)

    def _write_files(self, blobs: Sequence[Descriptor], contents: Sequence[Content], target: Path) -> None:
        """The disk with what the machine installs, each file verified; none where there is nothing."""
        for blob, content in zip(blobs, contents, strict=True):
            with self._blob(blob.digest).open("rb") as file:
                found = Digest(f"sha256:{file_digest(file, 'sha256').hexdigest()}")
            for wanted in (blob.digest, content.digest):
                _check(f"the file {blob.digest}", wanted, found)
        if blobs:
            places = {blob.digest.removeprefix("sha256:"): self._blob(blob.digest) for blob in blobs}
            write_files_disk(target, places)

    def _write(self, blob: Descriptor, content: Content, target: Path, *, offset: int = 0) -> None:
        """Unpack one blob into the file; raises Corrupt for other bytes than promised."""
        kind = Compression.ZSTD if blob.media_type.endswith("+zstd") else Compression.NONE
        name = f"the part {blob.digest}"
        target.touch()
        with self._blob(blob.digest).open("rb") as file, target.open("r+b") as into:
            stored = Hashed(file, lambda _: None)
            plain = Hashed(unpacked(stored, kind, name=name, rules=ROOT_FILESYSTEM), lambda _: None)
            into.seek(offset)
            _copy(plain, into, content.size, name)
        for wanted, found in ((blob.digest, stored.digest), (content.digest, plain.digest)):
            _check(name, wanted, found)

    def _blob(self, digest: Digest) -> Path:
        try:
            return self._registry.path(digest)
        except Gone as error:
            raise Corrupt(f"the artifact is incomplete: {error.message}", hint=AGAIN) from error

    def _drop(self, digest: Digest) -> None:
        """First the seal, which makes it count as published: a crash then leaves only what is made anew."""
        self._seal(digest).unlink(missing_ok=True)
        if self._places.disk(digest).is_dir():
            shutil.rmtree(self._places.disk(digest))

    def _seal(self, digest: Digest) -> Path:
        return self._places.disk(digest).with_suffix(".seal")


def _copy(source: Readable, target: BinaryIO, size: int, name: str) -> None:
    """All of the source, which must be just so long: nothing is written beyond what it may fill."""
    left = size
    try:
        while chunk := source.read(CHUNK_BYTES):
            if len(chunk) > left:
                raise Corrupt(f"{name} is refused: it is longer than {size} bytes", hint=AGAIN)
            target.write(chunk)
            left -= len(chunk)
    except BadArchive as bad:
        raise Corrupt(bad.message, hint=AGAIN) from bad


def _check(name: str, wanted: Digest, found: Digest) -> None:
    if wanted != found:
        raise Corrupt(f"{name} is refused: its bytes have the digest {found}, not {wanted}", hint=AGAIN)


def _if_there(place: Path) -> Path | None:
    return place if place.exists() else None


def _changed_since(digest: Digest, path: str) -> Corrupt:
    return Corrupt(
        f"the disk of {digest} has changed since it was verified: {path}",
        hint="nothing is started from it; end what runs from it (`repave destroy ENVIRONMENT`) and deploy: "
        "then it is unpacked anew",
    )
