"""Writing to registries: blobs first, then the manifests that name them, then the tags.

Source: OCI Distribution Specification 1.1, "Pushing blobs", "Pushing manifests".
"""

import re
from pathlib import Path
from typing import BinaryIO

import httpx

from repave.model.names import Digest
from repave.ports.distribution import Blob, Manifest, Repository
from repave.ports.errors import Gone, Invalid, Unreachable
from repave.ports.progress import Task
from repave.registries.oci.client import RegistryReader
from repave.registries.oci.session import Request, Session

CHUNK_BYTES = 16 * 1024 * 1024
"""What one request carries: above the least that registries over object stores take (5 MiB), and soon sent again."""

RESUMES = 5
"""How often one upload is gone on with before it fails."""

RECEIVED = re.compile(r"(?:bytes=)?0-(\d+)")
OCTETS = {"Content-Type": "application/octet-stream"}


class RegistryWriter(RegistryReader):
    """The distribution port, for those who may write."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session

    def has(self, repository: Repository, digest: Digest) -> bool:
        """Whether the blob is there; see the port."""
        url = f"{self._session.base(repository)}/blobs/{digest}"
        try:
            self._session.ask(Request(method="HEAD", url=url), what=f"ask {repository} what it has")
        except Gone:
            return False
        return True

    def upload(
        self, repository: Repository, blob: Blob, source: Path, *, task: Task, mount: Repository | None = None
    ) -> None:
        """Have the blob there; see the port."""
        if self.has(repository, blob.digest):
            task.advance(blob.size_bytes)
            return
        location = self._begin(repository, blob, mount)
        if location is None:
            task.advance(blob.size_bytes)
            return
        with source.open("rb") as content:
            _Upload(self._session, blob=blob, what=f"upload {blob.digest[:19]} to {repository}", task=task).send(
                content, location
            )

    def put(self, repository: Repository, manifest: Manifest, *, tag: str = "") -> bool:
        """Have the manifest there, by its digest or under a tag; see the port."""
        url = f"{self._session.base(repository)}/manifests/{tag or manifest.digest}"
        request = Request(
            method="PUT", url=url, headers={"Content-Type": manifest.media_type}, content=manifest.content
        )
        answer = self._session.ask(request, what=f"write the manifest {tag or manifest.digest} to {repository}")
        return "OCI-Subject" in answer.headers

    def _begin(self, repository: Repository, blob: Blob, mount: Repository | None) -> str | None:
        """Where to send the content; None when the registry took it from another repository of its own."""
        url = f"{self._session.base(repository)}/blobs/uploads/"
        if mount is not None and mount.registry == repository.registry:
            url += f"?mount={blob.digest}&from={mount.name}"
        answer = self._session.ask(Request(method="POST", url=url), what=f"begin an upload to {repository}")
        if answer.status_code == httpx.codes.CREATED:
            return None
        return self._session.absolute(answer, answer.headers.get("Location", ""))


class _Upload:
    """One blob on its way: whole if it is small, else in chunks, gone on with where a line breaks."""

    def __init__(self, session: Session, *, blob: Blob, what: str, task: Task) -> None:
        self._session = session
        self._blob = blob
        self._what = what
        self._task = task

    def send(self, content: BinaryIO, location: str) -> None:
        """Send all of it, and have the registry verify it by its digest."""
        sent = resumed = 0
        while self._blob.size_bytes - sent > CHUNK_BYTES:
            content.seek(sent)
            try:
                location = self._chunk(content.read(CHUNK_BYTES), sent, location)
                sent += CHUNK_BYTES
                self._task.advance(CHUNK_BYTES)
            except (Unreachable, Invalid):
                # A chunk that was taken though its answer was lost is refused when it comes again.
                resumed += 1
                received = self._received(location) if resumed <= RESUMES else None
                if received is None:
                    raise
                self._task.advance(received - sent)
                sent = received
        content.seek(sent)
        self._close(content.read(), location)
        self._task.advance(self._blob.size_bytes - sent)

    def _chunk(self, chunk: bytes, start: int, location: str) -> str:
        headers = {**OCTETS, "Content-Range": f"{start}-{start + len(chunk) - 1}"}
        request = Request(method="PATCH", url=location, headers=headers, content=chunk)
        answer = self._session.ask(request, what=self._what)
        return self._session.absolute(answer, answer.headers.get("Location", location))

    def _received(self, location: str) -> int | None:
        """How much the registry has; None when it has forgotten the upload."""
        try:
            answer = self._session.ask(Request(method="GET", url=location), what=self._what)
        except (Gone, Invalid):
            return None
        found = RECEIVED.fullmatch(answer.headers.get("Range", ""))
        return int(found[1]) + 1 if found else None

    def _close(self, rest: bytes, location: str) -> None:
        joint = "&" if "?" in location else "?"
        request = Request(
            method="PUT", url=f"{location}{joint}digest={self._blob.digest}", headers=OCTETS, content=rest
        )
        self._session.ask(request, what=self._what)
