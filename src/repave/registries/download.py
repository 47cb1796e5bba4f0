"""Bringing one file from its origin, with patience for an unsteady network and none for wrong bytes."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Event
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

import httpx

from repave.model.errors import RepaveError
from repave.ports.errors import Corrupt, Denied, Gone, Invalid, Throttled, Unreachable, WorldError
from repave.ports.progress import Task
from repave.ports.vault import Found, Sought
from repave.registries.measuring import Measure, Mismatch, Wanted
from repave.registries.patience import (
    LONGEST_WAIT_SECONDS,
    TRANSIENT_STATUS,
    Transient,
    retry_after_seconds,
    waits,
)

CHUNK_BYTES = 256 * 1024
LOCAL_SCHEMES = frozenset({"", "file", "copy"})
PARTIAL = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")


class Stopped(RepaveError):
    """Another file of the same request failed, so that this one is not worth going on with."""


class Line(Protocol):
    """How a file is reached: what stands in for its origin, and who we are there."""

    def addresses(self, file: Wanted) -> tuple[str, ...]:
        """Where to ask, in order; at least one."""
        ...

    def get(self, address: str, headers: dict[str, str]) -> AbstractContextManager[httpx.Response]:
        """Ask, and answer before the body is read."""
        ...


class Download:
    """One file on its way: written whole, or not at all."""

    def __init__(
        self, file: Wanted, *, line: Line, task: Task, stop: Event, unreachable: set[str] | None = None
    ) -> None:
        """``unreachable``: hosts that stood in for others and were not reached, for all downloads that go together."""
        self._file = file
        self._unreachable = set() if unreachable is None else unreachable
        self._line = line
        self._task = task
        self._stop = stop

    def write(self, target: BinaryIO) -> Found:
        """Write the verified content to ``target``, from the first address that has it; answer what it is.

        Raises Corrupt, Gone, Denied, Invalid, Unreachable, Throttled, NoCapacity (no room for it), Stopped.
        """
        *stand_ins, last = self._line.addresses(self._file)
        passed_over: list[str] = []
        for address in stand_ins:
            host = urlsplit(address).netloc
            if host in self._unreachable:
                continue
            try:
                return self._bring(address, target)
            except WorldError as failure:
                passed_over.append(failure.message)
                if host and isinstance(failure, Unreachable):
                    self._unreachable.add(host)
        try:
            return self._bring(last, target)
        except WorldError as failure:
            if passed_over:
                failure.message = "; ".join((*passed_over, failure.message))
                failure.args = (failure.message,)
            raise

    def _bring(self, address: str, target: BinaryIO) -> Found:
        attempt = _Attempt(file=self._file, address=address, target=target, task=self._task)
        further = waits()
        while True:
            try:
                self._go_on(attempt)
                return attempt.finish()
            except Transient as trouble:
                self._wait(attempt, trouble, next(further, None))
            except BaseException:
                attempt.restart()
                raise

    def _go_on(self, attempt: "_Attempt") -> None:
        url = urlsplit(attempt.address)
        if url.scheme in LOCAL_SCHEMES:
            attempt.restart()
            for chunk in self._local(attempt.address, url.scheme, url.path):
                self._take(attempt, chunk)
            return
        try:
            with self._line.get(attempt.address, attempt.headers()) as answer:
                self._judge(attempt.address, answer)
                attempt.begin(answer)
                for chunk in answer.iter_bytes(CHUNK_BYTES):
                    self._take(attempt, chunk)
                attempt.ended(answer)
        except httpx.TransportError as trouble:
            raise Transient(str(trouble) or type(trouble).__name__) from trouble
        except (httpx.InvalidURL, httpx.TooManyRedirects) as trouble:
            raise Invalid(f"{attempt.address} cannot be read as an address: {trouble}") from trouble

    def _take(self, attempt: "_Attempt", chunk: bytes) -> None:
        if self._stop.is_set():
            raise Stopped(f"{self._file.name} was not finished")
        attempt.take(chunk)

    def _wait(self, attempt: "_Attempt", trouble: Transient, seconds: float | None) -> None:
        what = f"could not download {self._file.name} from {attempt.address}: {trouble}"
        if trouble.after_seconds > LONGEST_WAIT_SECONDS:
            attempt.restart()
            raise Throttled(
                what,
                after_seconds=trouble.after_seconds,
                hint=f"the server asks for {trouble.after_seconds:.0f} s of rest: ask again then",
            ) from trouble
        if seconds is None:
            attempt.restart()
            raise Unreachable(
                what, hint="check the network and the proxy variables, then ask again: what is here stays here"
            ) from trouble
        if self._stop.wait(max(seconds, trouble.after_seconds)):
            raise Stopped(f"{self._file.name} was not finished")

    def _judge(self, address: str, answer: httpx.Response) -> None:
        status = answer.status_code
        what = f"{self._file.name} from {address}: the server answered {status}"
        if status in TRANSIENT_STATUS:
            raise Transient(f"the server answered {status}", after_seconds=retry_after_seconds(answer.headers))
        if status in {404, 410}:
            raise Gone(
                f"could not download {what}",
                hint="check the address"
                if isinstance(self._file, Sought)
                else "the origin no longer has this version: `repave lock --upgrade-package` moves to a newer one",
            )
        if status in {401, 403, 407}:
            raise Denied(
                f"could not download {what}",
                hint="check the permissions at the proxy and the mirror, and `credentials` under `origins`",
            )
        if status not in {httpx.codes.OK, httpx.codes.PARTIAL_CONTENT, httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE}:
            raise Unreachable(f"could not download {what}")

    def _local(self, address: str, scheme: str, path: str) -> Iterator[bytes]:
        try:
            with Path(unquote(path) if scheme else address).open("rb") as source:
                while chunk := source.read(CHUNK_BYTES):
                    yield chunk
        except (FileNotFoundError, IsADirectoryError) as trouble:
            raise Gone(f"{self._file.name} is not at {address} (any more)") from trouble


class _Attempt:
    """What has arrived from one address so far, over however many tries."""

    def __init__(self, *, file: Wanted, address: str, target: BinaryIO, task: Task) -> None:
        self.address = address
        self._file = file
        self._target = target
        self._task = task
        self._measure = Measure(file)
        self._validator = ""
        self._start()

    def headers(self) -> dict[str, str]:
        """Ask for the rest where the server can say that it is still the same file (RFC 9110, 13.1.5)."""
        headers = {"Accept-Encoding": "identity"}
        if self._measure.size and self._validator:
            headers |= {"Range": f"bytes={self._measure.size}-", "If-Range": self._validator}
        return headers

    def begin(self, answer: httpx.Response) -> None:
        """Go on where the server does, else from the start."""
        if answer.status_code == httpx.codes.PARTIAL_CONTENT:
            goes_on = PARTIAL.match(answer.headers.get("Content-Range", ""))
            if goes_on and int(goes_on[1]) == self._measure.size:
                return
        self.restart()
        if answer.status_code != httpx.codes.OK:
            raise Transient("the server does not go on where it broke off")
        etag = answer.headers.get("ETag", "")
        # A weak tag does not promise the same bytes.
        self._validator = etag if etag.startswith('"') else answer.headers.get("Last-Modified", "")
        length = answer.headers.get("Content-Length", "")
        if length.isdigit():
            with self._told():
                self._measure.check_length(int(length))
        elif self._measure.blind and "chunked" not in answer.headers.get("Transfer-Encoding", "").lower():
            raise Invalid(
                f"{self._file.name} cannot be pinned: its server does not say how long it is, so it may come cut short",
                hint="give its `sha256`",
            )

    def take(self, chunk: bytes) -> None:
        """Write some more."""
        with self._told():
            self._measure.take(chunk)
        self._target.write(chunk)
        self._task.advance(len(chunk))

    def ended(self, answer: httpx.Response) -> None:
        """Tell an answer that was cut from one that is short: only a counted one is known to be whole."""
        if self._measure.short and "Content-Length" not in answer.headers:
            raise Transient(f"it broke off after {self._measure.size} of {self._measure.largest_bytes} bytes")

    def finish(self) -> Found:
        """Verify the whole. Raises Corrupt."""
        with self._told():
            return self._measure.finish()

    def restart(self) -> None:
        """Forget what has arrived."""
        self._task.advance(-self._measure.size)
        self._start()

    def _start(self) -> None:
        self._target.seek(0)
        self._target.truncate()
        self._measure.restart()
        self._validator = ""

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Bytes that are not the right ones, by the name of the file and its address."""
        try:
            yield
        except Mismatch as differs:
            raise Corrupt(
                f"{self._file.name} from {self.address} {differs}: nothing of it was kept",
                hint="a mirror or proxy may hand out wrong files; if the origin is right, "
                + (
                    "what was expected is not: find out which before you change it"
                    if isinstance(self._file, Sought)
                    else "the lock is not: lock the package again and look at the difference"
                ),
            ) from differs
