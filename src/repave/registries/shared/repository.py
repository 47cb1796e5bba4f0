"""A shared vault as a repository of any OCI registry: one artifact per lock, whose layers are the files it names.

A registry removes blobs that no manifest names; the lock's manifest keeps its files as long as its tag is there.
Source: OCI Image Specification 1.1, "Guidelines for Artifact Usage".
"""

import hashlib
import json
import tempfile
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from repave.model.names import Digest
from repave.ports.distribution import Blob, Distribution, Manifest, Repository
from repave.ports.progress import Progress
from repave.ports.shared_vault import SharedFile, SharedLock

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
LOCK_TYPE = "application/vnd.repave.lock.v1+toml"
FILE_TYPE = "application/octet-stream"
TITLE = "org.opencontainers.image.title"
EMPTY = b"{}"

PARALLEL = 4
"""Uploads at once: enough to hide latency."""


class RepositoryVault:
    """The shared vault port over one repository."""

    def __init__(self, place: str, *, distribution: Distribution) -> None:
        """``place``: ``oci://registry.example/vault/shop``. Raises Invalid."""
        self._place = place
        self._repository = Repository.parse(place)
        self._distribution = distribution

    @property
    def place(self) -> str:
        """Its address."""
        return self._place

    def missing(self, files: Collection[SharedFile]) -> frozenset[str]:
        """What is not there; see the port."""
        with ThreadPoolExecutor(PARALLEL, thread_name_prefix="shared") as threads:
            there = threads.map(lambda file: self._distribution.has(self._repository, _digest(file.sha256)), files)
            return frozenset(file.sha256 for file, has in zip(files, there, strict=True) if not has)

    def keep(self, lock: SharedLock, *, progress: Progress) -> None:
        """Have all of it there; see the port."""
        with tempfile.TemporaryDirectory(prefix="repave-lock-") as place:
            text, empty = Path(place) / "repave.lock", Path(place) / "empty.json"
            text.write_bytes(lock.text.encode())
            empty.write_bytes(EMPTY)
            own = [_shared(text, "repave.lock"), _shared(empty, "")]
            files = list({file.sha256: file for file in (*own, *lock.files)}.values())
            total = sum(file.size_bytes for file in files)
            with (
                progress.task(f"Sending to {self._repository}", total=total, unit="B") as task,
                ThreadPoolExecutor(PARALLEL, thread_name_prefix="shared") as threads,
            ):
                sent = [
                    threads.submit(self._distribution.upload, self._repository, _blob(file), file.path, task=task)
                    for file in files
                ]
                for upload in sent:
                    upload.result()
            manifest = _manifest(own[0], own[1], lock.files)
            tag = f"lock-{lock.digest.removeprefix('sha256:')}"
            self._distribution.put(self._repository, manifest, tag=tag)


def _manifest(text: SharedFile, empty: SharedFile, files: Collection[SharedFile]) -> Manifest:
    content = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": LOCK_TYPE,
        "config": {"mediaType": EMPTY_TYPE, "digest": _digest(empty.sha256), "size": empty.size_bytes},
        "layers": [_layer(text, LOCK_TYPE), *_layers(files)],
    }
    raw = json.dumps(content, separators=(",", ":"), sort_keys=True).encode()
    digest = _digest(hashlib.sha256(raw).hexdigest())
    return Manifest(content=raw, media_type=MANIFEST_TYPE, digest=digest)


def _layers(files: Collection[SharedFile]) -> Iterator[dict[str, object]]:
    for file in sorted(files, key=lambda one: one.sha256):
        yield _layer(file, FILE_TYPE)


def _layer(file: SharedFile, media_type: str) -> dict[str, object]:
    described: dict[str, object] = {
        "mediaType": media_type,
        "digest": _digest(file.sha256),
        "size": file.size_bytes,
    }
    return described | ({"annotations": {TITLE: file.name}} if file.name else {})


def _shared(path: Path, name: str) -> SharedFile:
    content = path.read_bytes()
    return SharedFile(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content), path=path, name=name)


def _blob(file: SharedFile) -> Blob:
    return Blob(digest=_digest(file.sha256), size_bytes=file.size_bytes)


def _digest(sha256: str) -> Digest:
    return Digest(f"sha256:{sha256}")
