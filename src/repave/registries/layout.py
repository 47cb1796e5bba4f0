"""An OCI image layout on this disk: blobs by digest, names in ``index.json``; skopeo reads it as ``oci:FOLDER:NAME``.

Source: OCI Image Layout Specification 1.0 and Image Index Specification 1.0.
"""

import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from repave.model.names import Digest
from repave.ports.attachments import Attached, Attachment
from repave.ports.errors import Corrupt, Gone, Invalid, NoCapacity, WorldError
from repave.registries import attachments
from repave.registries.durable import keep_durably, no_room, rename_durably

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
SCHEMA = 2
"""Of every index and manifest there is, by the specification."""

REFERENCE_NAME = "org.opencontainers.image.ref.name"
DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
NAME = re.compile(r"[A-Za-z0-9]+((--|[-._:@+/])[A-Za-z0-9]+)*")
"""What the image layout specification allows as a reference name."""


INDEX_HINT = "remove index.json: `repave bake` names again what it bakes, and no blob is lost"


class LayoutRegistry:
    """The registry port over one folder. Usable from several threads and processes at once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._blobs = root / "blobs" / "sha256"
        self._incoming = root / "incoming"

    def has(self, digest: Digest) -> bool:
        """Whether the blob or manifest is here."""
        return self._place(digest).is_file()

    def path(self, digest: Digest) -> Path:
        """Where the blob can be read; see the port."""
        place = self._place(digest)
        if not place.is_file():
            raise Gone(f"{digest} is not in the registry {self._root}", hint="bake it again")
        return place

    def read(self, digest: Digest) -> bytes:
        """A small blob, verified; see the port."""
        content = self.path(digest).read_bytes()
        found = sha256(content).hexdigest()
        if found != digest.removeprefix("sha256:"):
            raise Corrupt(
                f"{digest} in the registry {self._root} holds other bytes (sha256:{found})",
                hint="remove that blob and bake again",
            )
        return content

    def add(self, content: bytes) -> Digest:
        """Keep a small blob; see the port."""
        digest = Digest(f"sha256:{sha256(content).hexdigest()}")
        if not self.has(digest):
            with self._room():
                keep_durably(content, self._place(digest), self._incoming)
        return digest

    def adopt(self, source: Path) -> Digest:
        """Move a finished file in; see the port."""
        with source.open("rb") as stream:
            digest = Digest(f"sha256:{file_digest(stream, 'sha256').hexdigest()}")
        if self.has(digest):
            source.unlink()
            return digest
        with self._room():
            try:
                rename_durably(source, self._place(digest))
            except OSError as error:
                if no_room(error):
                    raise
                self._copy(source, digest)
                source.unlink()
        return digest

    def tag(self, name: str, manifest: Digest) -> None:
        """Let the name point to the manifest; see the port."""
        if not NAME.fullmatch(name):
            raise Invalid(
                f"{name!r} cannot name an artifact",
                hint="letters and digits, parted by one of `-._:@+/`, as shop-web:r3",
            )
        size = self.path(manifest).stat().st_size
        descriptor = {
            "mediaType": MANIFEST_TYPE,
            "digest": manifest,
            "size": size,
            "annotations": {REFERENCE_NAME: name},
        }
        with self._index() as manifests:
            manifests[:] = [*(entry for entry in manifests if _name_of(entry) != name), descriptor]

    def tags(self) -> tuple[tuple[str, Digest], ...]:
        """Every name and the manifest it points to, sorted."""
        named = ((_name_of(entry), Digest(entry["digest"])) for entry in self._read_index())
        return tuple(sorted((name, digest) for name, digest in named if name))

    def resolve(self, name: str) -> Digest:
        """The manifest a name points to; see the port."""
        entries = [entry for entry in self._read_index() if _name_of(entry) == name]
        if not entries:
            raise Gone(f"nothing is named {name} in the registry {self._root}", hint="`repave bake` names it again")
        place, entry = self._root / "index.json", entries[0]
        digest, size = entry.get("digest"), entry.get("size")
        if len(entries) > 1:
            raise Corrupt(f"{place} names {name} {len(entries)} times", hint=INDEX_HINT)
        if not isinstance(digest, str) or not DIGEST.fullmatch(digest) or entry.get("mediaType") != MANIFEST_TYPE:
            raise Corrupt(f"what {place} says of {name} names no manifest", hint=INDEX_HINT)
        found = self.path(Digest(digest)).stat().st_size
        if found != size:
            raise Corrupt(f"{place} says that {name} has {size} bytes; {digest} has {found}", hint=INDEX_HINT)
        return Digest(digest)

    def untag(self, name: str) -> None:
        """Forget a name; what is not here is no error."""
        if any(known == name for known, _ in self.tags()):
            with self._index() as manifests:
                manifests[:] = [entry for entry in manifests if _name_of(entry) != name]

    def attach(self, attachment: Attachment) -> Attached:
        """Keep a document beside its artifact; see the port ``Attachments``."""
        content = attachments.manifest(
            attachment,
            subject_size=self.path(attachment.subject).stat().st_size,
            empty=self.add(attachments.EMPTY),
            content=self.add(attachment.content),
        )
        entry = attachments.entry(attachment, digest=self.add(content), size=len(content))
        if entry not in self._read_index():
            with self._index() as manifests:
                manifests[:] = [*(known for known in manifests if not _lists(known, entry["digest"])), entry]
        return Attached(
            subject=attachment.subject,
            manifest=entry["digest"],
            media_type=attachment.media_type,
            annotations=attachment.annotations,
        )

    def attached(self, subject: Digest | None = None) -> tuple[Attached, ...]:
        """What is kept about one artifact, or about all; see the port ``Attachments``."""
        listed = (one for entry in self._read_index() if (one := attachments.attached(entry)) is not None)
        wanted = (one for one in listed if subject in (None, one.subject))
        return tuple(sorted(wanted, key=lambda one: (one.subject, one.manifest)))

    def document(self, attached: Attached) -> bytes:
        """The document, verified from its manifest down; see the port ``Attachments``."""
        digest, size = attachments.content_of(self.read(attached.manifest), attached)
        content = self.read(digest)
        if len(content) != size:
            raise Corrupt(f"{digest} has {len(content)} bytes, not {size} as {attached.manifest} says")
        return content

    def detach(self, manifest: Digest) -> None:
        """List a document no longer; what is not listed is no error."""
        if any(one.manifest == manifest for one in self.attached()):
            with self._index() as manifests:
                manifests[:] = [entry for entry in manifests if not _lists(entry, manifest)]

    def blobs(self) -> Iterable[tuple[Digest, int]]:
        """Every blob here: digest and size in bytes."""
        if not self._blobs.is_dir():
            return
        for place in sorted(self._blobs.iterdir()):
            yield Digest(f"sha256:{place.name}"), place.stat().st_size

    def remove(self, digest: Digest) -> None:
        """Forget a blob; what is not here is no error."""
        self._place(digest).unlink(missing_ok=True)

    def _place(self, digest: Digest) -> Path:
        match = DIGEST.fullmatch(digest)
        if match is None:
            raise Invalid(f"{digest!r} is no digest", hint="a digest is sha256: and 64 hex digits")
        return self._blobs / match[1]

    @contextmanager
    def _room(self) -> Iterator[None]:
        """The folders exist while the block writes; a full disk is said as such."""
        try:
            self._incoming.mkdir(parents=True, exist_ok=True)
            with self._writing():
                self._prepare()
                yield
        except OSError as error:
            if no_room(error):
                raise NoCapacity(
                    f"no room left on the disk of the registry {self._root}", hint="free some, or run `repave gc`"
                ) from error
            raise WorldError(f"cannot write to the registry {self._root}: {error.strerror}") from error

    def _prepare(self) -> None:
        self._blobs.mkdir(parents=True, exist_ok=True)
        marker = self._root / "oci-layout"
        if not marker.exists():
            keep_durably(b'{"imageLayoutVersion":"1.0.0"}', marker, self._incoming)
        index = self._root / "index.json"
        if not index.exists():
            with self._locked():
                if not index.exists():
                    self._write_index([])

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Be one of the writers. Whoever finds no other removes what killed ones left half-written."""
        with (self._root / ".writers").open("ab") as writers:
            try:
                fcntl.flock(writers, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                fcntl.flock(writers, fcntl.LOCK_SH)
            else:
                for left in self._incoming.iterdir():
                    left.unlink(missing_ok=True)
                fcntl.flock(writers, fcntl.LOCK_SH)
            yield

    def _copy(self, source: Path, digest: Digest) -> None:
        """Bring the file from another file system, verified again on the way."""
        handle, name = tempfile.mkstemp(dir=self._incoming)
        copy = Path(name)
        try:
            with os.fdopen(handle, "wb") as target, source.open("rb") as stream:
                shutil.copyfileobj(stream, target, 1 << 20)
            with copy.open("rb") as stream:
                if Digest(f"sha256:{file_digest(stream, 'sha256').hexdigest()}") != digest:
                    raise Corrupt(f"{source} changed while it was copied into the registry", hint="bake it again")
            rename_durably(copy, self._place(digest))
        finally:
            copy.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._root / ".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _index(self) -> Iterator[list[dict[str, Any]]]:
        """The manifests of the index, written back when the block ends well; one writer at a time."""
        with self._room(), self._locked():
            manifests = self._read_index()
            yield manifests
            self._write_index(manifests)

    def _read_index(self) -> list[dict[str, Any]]:
        place = self._root / "index.json"
        try:
            index = json.loads(place.read_bytes())
        except FileNotFoundError:
            return []
        except ValueError as error:
            raise Corrupt(f"{place} is no JSON: {error}", hint=INDEX_HINT) from error
        manifests = index.get("manifests") if isinstance(index, dict) and index.get("schemaVersion") == SCHEMA else None
        if not isinstance(manifests, list) or not all(_is_entry(entry) for entry in manifests):
            raise Corrupt(f"{place} is no index of an image layout", hint=INDEX_HINT)
        return manifests

    def _write_index(self, manifests: list[dict[str, Any]]) -> None:
        ordered = sorted(manifests, key=lambda entry: (not _name_of(entry), _name_of(entry), entry["digest"]))
        index = {"schemaVersion": SCHEMA, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": ordered}
        keep_durably(json.dumps(index, indent=1).encode(), self._root / "index.json", self._incoming)


def _lists(entry: dict[str, Any], manifest: Digest) -> bool:
    """Whether an entry lists just this document."""
    found = attachments.attached(entry)
    return found is not None and found.manifest == manifest


def _is_entry(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("digest"), str)


def _name_of(descriptor: dict[str, Any]) -> str:
    annotations = descriptor.get("annotations")
    return str(annotations.get(REFERENCE_NAME, "")) if isinstance(annotations, dict) else ""
