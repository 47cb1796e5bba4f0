"""Reading from registries: manifests, blobs, tags, every byte by its digest."""

import hashlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from threading import Event

from repave.model.names import Digest
from repave.ports.distribution import DIGEST, Blob, Manifest, Reference, Repository
from repave.ports.errors import Corrupt, Gone, Invalid
from repave.ports.progress import Progress, Silent, Task
from repave.ports.vault import Fetch
from repave.registries.download import Download, Stopped
from repave.registries.durable import room_wanted
from repave.registries.oci.session import Request, Session

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    INDEX_TYPE,
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)

LARGEST_MANIFEST_BYTES = 4 * 1024 * 1024
"""What registries must take at least (distribution specification, "Pushing manifests"), and rarely take more."""

LARGEST_READ_BYTES = 32 * 1024 * 1024
"""Configurations and SBOMs stay far below; layers are fetched to files."""

MOST_PAGES = 1000
PARALLEL_BLOBS = 4
"""Blobs are large and few: more would only share one line."""

NEXT_PAGE = re.compile(r'<([^>]+)>\s*;\s*rel="?next"?')


class RegistryReader:
    """The distribution port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def manifest(self, reference: Reference) -> Manifest:
        """One manifest or index; see the port."""
        url = f"{self._session.base(reference.repository)}/manifests/{reference.name}"
        request = Request(method="GET", url=url, headers={"Accept": ", ".join(MANIFEST_TYPES)})
        answer = self._session.ask(request, what=f"read the manifest {reference}")
        content = answer.content
        if len(content) > LARGEST_MANIFEST_BYTES:
            raise Invalid(f"the manifest {reference} has {len(content)} bytes: too many to be one")
        found = Digest(f"sha256:{hashlib.sha256(content).hexdigest()}")
        for said in (reference.digest, answer.headers.get("Docker-Content-Digest")):
            if said is not None and DIGEST.fullmatch(said) and said != found:
                raise Corrupt(
                    f"the manifest {reference} holds other bytes ({found}, not {said})",
                    hint="the registry, or a proxy before it, hands out what was not asked for",
                )
        media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        return Manifest(content=content, media_type=media_type, digest=found)

    def read(self, repository: Repository, blob: Blob) -> bytes:
        """A small blob, verified; see the port."""
        if blob.size_bytes > LARGEST_READ_BYTES:
            raise Invalid(f"{blob.digest} of {repository} has {blob.size_bytes} bytes: too many to be read at once")
        with tempfile.TemporaryFile() as target:
            self._download(repository, blob).write(target)
            target.seek(0)
            return target.read()

    def fetch(self, repository: Repository, blobs: Sequence[tuple[Blob, Path]], *, progress: Progress) -> None:
        """Blobs to files; see the port."""
        stop = Event()
        total = sum(blob.size_bytes for blob, _ in blobs)
        with (
            progress.task(f"Pulling from {repository}", total=total, unit="B") as task,
            ThreadPoolExecutor(max_workers=PARALLEL_BLOBS, thread_name_prefix="pull") as threads,
        ):
            running = [
                threads.submit(self._to_file, self._download(repository, blob, task=task, stop=stop), path)
                for blob, path in blobs
            ]
            try:
                for done in as_completed(running):
                    with suppress(Stopped):
                        done.result()
            except BaseException:
                stop.set()
                raise

    def referrers(self, repository: Repository, subject: Digest) -> Manifest | None:
        """The index of what is about a subject; see the port.

        Source: OCI Distribution Specification 1.1, "Listing Referrers".
        """
        url = f"{self._session.base(repository)}/referrers/{subject}"
        request = Request(method="GET", url=url, headers={"Accept": INDEX_TYPE})
        try:
            answer = self._session.ask(request, what=f"list what is about {subject} in {repository}")
        except (Gone, Invalid):
            return None
        content, kind = answer.content, answer.headers.get("Content-Type", "").partition(";")[0].strip()
        if kind != INDEX_TYPE or len(content) > LARGEST_MANIFEST_BYTES:
            return None
        digest = Digest(f"sha256:{hashlib.sha256(content).hexdigest()}")
        return Manifest(content=content, media_type=kind, digest=digest)

    def tags(self, repository: Repository) -> tuple[str, ...]:
        """Every tag, sorted; see the port."""
        try:
            return tuple(sorted(set(self._tags(repository))))
        except Gone:
            return ()

    def _tags(self, repository: Repository) -> Iterator[str]:
        url = f"{self._session.base(repository)}/tags/list"
        for _ in range(MOST_PAGES):
            answer = self._session.ask(Request(method="GET", url=url), what=f"list the tags of {repository}")
            try:
                named = answer.json().get("tags") or []
            except (ValueError, AttributeError) as broken:
                raise Invalid(f"the registry lists the tags of {repository} in no form that is known") from broken
            yield from (str(tag) for tag in named)
            further = NEXT_PAGE.search(answer.headers.get("Link", ""))
            if further is None:
                return
            url = self._session.absolute(answer, further[1])
        raise Invalid(f"the registry lists the tags of {repository} without an end")

    def _download(
        self, repository: Repository, blob: Blob, *, task: Task | None = None, stop: Event | None = None
    ) -> Download:
        if not DIGEST.fullmatch(blob.digest):
            raise Invalid(f"{blob.digest!r} is no digest that can be verified", hint="only sha256 is")
        wanted = Fetch(
            url=repository.blob(blob.digest),
            sha256=blob.digest.removeprefix("sha256:"),
            size_bytes=blob.size_bytes,
            name=f"{blob.digest[:19]} of {repository}",
        )
        with Silent().task("") as silent:
            return Download(wanted, line=self._session, task=task or silent, stop=stop or Event())

    def _to_file(self, download: Download, path: Path) -> None:
        try:
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as target:
                try:
                    download.write(target)  # type: ignore[arg-type] # a named temporary file is a BinaryIO
                    target.flush()
                    Path(target.name).replace(path)
                finally:
                    Path(target.name).unlink(missing_ok=True)
        except OSError as cause:
            full = room_wanted(path.name, path.parent, cause)
            if full is None:
                raise
            raise full from cause
