"""Bringing one file from its origin, with patience for an unsteady network and none for wrong bytes."""

import errno
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

import httpx

from repave.model.errors import RepaveError
from repave.ports.errors import Corrupt, Denied, Gone, Invalid, NoCapacity, Unreachable
from repave.ports.progress import Task
from repave.ports.vault import Fetch

CHUNK_BYTES = 256 * 1024

TRIES = 5
"""With the waits below about 8 s in all: longer than a mirror's hiccup, shorter than a person's patience."""

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
"""A server may ask for more by Retry-After; we would rather fail and be asked again."""

TIMEOUT = httpx.Timeout(30.0, connect=15.0)
"""Of one read or connect, never of the whole file: a slow line is no error."""

TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
FULL_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Stopped(RepaveError):
    """Another file of the same request failed, so that this one is not worth going on with."""


def new_client(connections: int) -> httpx.Client:
    """A client for many downloads; proxies and certificates come from the environment, as everywhere."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx.Client(follow_redirects=True, timeout=TIMEOUT, limits=limits)


class Download:
    """One file on its way: each try writes it whole, or not at all."""

    def __init__(self, file: Fetch, *, client: httpx.Client, task: Task, stop: Event) -> None:
        self._file = file
        self._client = client
        self._task = task
        self._stop = stop

    def write(self, target: BinaryIO) -> None:
        """Write the verified content to ``target``.

        Raises Corrupt, Gone, Denied, Invalid, Unreachable, NoCapacity (no room for it), Stopped.
        """
        wait_seconds = FIRST_WAIT_SECONDS
        for remaining in reversed(range(TRIES)):
            try:
                self._try_once(target)
            except _Transient as trouble:
                if not remaining:
                    raise Unreachable(
                        f"could not download {self._file.name} from {self._file.url}: {trouble}",
                        hint="check the network and the proxy variables, then ask again: what is here stays here",
                    ) from trouble
                self._wait(min(max(wait_seconds, trouble.after_seconds), LONGEST_WAIT_SECONDS))
                wait_seconds *= 2
            else:
                return

    def _try_once(self, target: BinaryIO) -> None:
        target.seek(0)
        target.truncate()
        hashed, size = hashlib.sha256(), 0
        try:
            for chunk in self._chunks():
                size += len(chunk)
                if size > self._file.size_bytes:
                    raise self._corrupt(f"is longer than the {self._file.size_bytes} bytes it must have")
                hashed.update(chunk)
                target.write(chunk)
                self._task.advance(len(chunk))
            if hashed.hexdigest() != self._file.sha256:
                raise self._corrupt(f"has sha256 {hashed.hexdigest()}, not {self._file.sha256}")
        except _Transient:
            self._task.advance(-size)
            raise

    def _chunks(self) -> Iterator[bytes]:
        url = urlsplit(self._file.url)
        chunks = self._remote() if url.scheme in {"http", "https"} else self._local(url.scheme, url.path)
        for chunk in chunks:
            if self._stop.is_set():
                raise Stopped(f"{self._file.name} was not finished")
            yield chunk

    def _remote(self) -> Iterator[bytes]:
        try:
            with self._client.stream("GET", self._file.url, headers={"Accept-Encoding": "identity"}) as answer:
                self._judge(answer.status_code, answer.headers)
                yield from answer.iter_bytes(CHUNK_BYTES)
        except httpx.TransportError as trouble:
            raise _Transient(str(trouble) or type(trouble).__name__) from trouble
        except (httpx.InvalidURL, httpx.TooManyRedirects) as trouble:
            raise Invalid(f"{self._file.url} cannot be read as an address: {trouble}") from trouble

    def _judge(self, status: int, headers: Mapping[str, str]) -> None:
        what = f"{self._file.name} from {self._file.url}: the server answered {status}"
        if status in TRANSIENT_STATUS:
            after = headers.get("Retry-After", "")
            raise _Transient(f"the server answered {status}", after_seconds=float(after) if after.isdigit() else 0.0)
        if status in {404, 410}:
            raise Gone(
                f"could not download {what}",
                hint="the origin no longer has this version: `repave lock --upgrade-package` moves to a newer one",
            )
        if status in {401, 403, 407}:
            raise Denied(f"could not download {what}", hint="check the proxy's and the mirror's permissions")
        if status != httpx.codes.OK:
            raise Unreachable(f"could not download {what}")

    def _local(self, scheme: str, path: str) -> Iterator[bytes]:
        if scheme not in {"", "file", "copy"}:
            raise Invalid(f"{self._file.url} has no scheme that can be read", hint="use http, https or file")
        try:
            with Path(unquote(path) if scheme else self._file.url).open("rb") as source:
                while chunk := source.read(CHUNK_BYTES):
                    yield chunk
        except (FileNotFoundError, IsADirectoryError) as trouble:
            raise Gone(f"{self._file.name} is not at {self._file.url} (any more)") from trouble

    def _wait(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Stopped(f"{self._file.name} was not finished")

    def _corrupt(self, why: str) -> Corrupt:
        return Corrupt(
            f"{self._file.name} from {self._file.url} {why}: nothing of it was kept",
            hint="a mirror or proxy may hand out wrong files; if the origin is right, the lock is not: "
            "lock the package again and look at the difference",
        )


def no_room(name: str, folder: Path, cause: OSError) -> NoCapacity | None:
    """The error for a full disk; None when ``cause`` is something else."""
    if cause.errno not in FULL_DISK:
        return None
    return NoCapacity(
        f"could not keep {name} in {folder}: {cause.strerror}; nothing half-written is left",
        hint="make room on that file system (`repave gc` removes what nothing refers to), then ask again",
    )


class _Transient(Exception):
    """Worth another try."""

    def __init__(self, why: str, *, after_seconds: float = 0.0) -> None:
        super().__init__(why)
        self.after_seconds = after_seconds
