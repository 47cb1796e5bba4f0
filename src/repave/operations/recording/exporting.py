"""``repave record export``: the record, or a part of it, as a bundle that anybody can check."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from repave.model.chain import ORIGIN, Recorded, content
from repave.model.names import Digest, ProjectName
from repave.model.record import RELEASE
from repave.model.statement import canonical
from repave.operations.errors import Refused
from repave.operations.placing import placed, refuse_taken
from repave.operations.recording.bundle import event_line, header
from repave.operations.recording.checking import Chain
from repave.operations.recording.keeping import RecordKeys
from repave.operations.recording.sayings import head, signed
from repave.ports.clock import Clock
from repave.ports.errors import Corrupt
from repave.ports.history import History
from repave.ports.progress import Progress, Task
from repave.ports.signatures import Signer, TrustedKey

PAGE = 1000
"""Events that are read at once."""


@dataclass(frozen=True, kw_only=True)
class ExportedRecord:
    """What was written."""

    path: Path
    first: int
    last: int
    hash: str
    """Of the last event."""

    key: str
    """Fingerprint of the key that signed the head."""

    sha256: str
    """Of the file."""

    heads: int
    """Signed heads within the whole record, all of which hold."""

    strange_heads: int
    """Heads within it of keys that are not known: nothing follows from them."""


@dataclass(kw_only=True)
class _Part:
    """The events that are asked for, found in one reading of the whole record."""

    first: int = 0
    last: int = 0
    previous: str = ORIGIN
    hash: str = ORIGIN
    artifacts: set[Digest] = field(default_factory=set)
    heads: int = 0
    strange_heads: int = 0
    """Both of the whole record."""


class Exporting:
    """Checks the whole record before anything of it is signed: what was tampered with is not vouched for."""

    def __init__(
        self,
        *,
        project: ProjectName,
        history: History,
        clock: Clock,
        keys: RecordKeys,
        signed_of: Callable[[Digest], Mapping[str, str]],
    ) -> None:
        """``signed_of``: the digests of what is signed of an artifact, by their kind."""
        self._project = project
        self._history = history
        self._clock = clock
        self._keys = keys
        self._signed_of = signed_of

    def export(
        self, path: Path, *, since: datetime | None, until: datetime | None, progress: Progress
    ) -> ExportedRecord:
        """Write the record, or the events from the first since ``since`` to the last until ``until``, with a new head.

        ``path`` is there whole or not at all. Raises Refused (the path is taken, no key, no event), Corrupt for a
        record that was tampered with, Denied, NoCapacity, and what the signer raises.
        """
        refuse_taken(path)
        signer = self._keys.declared()
        part = self._checked(since, until, signer, progress)
        if not part.first:
            raise Refused("nothing is recorded of that time", hint="every `repave bake` and `repave deploy` is")
        with (
            placed(path) as made,
            progress.task(f"Writing {path.name}", total=part.last) as task,
            made.open("xb") as stream,
        ):
            digest = self._write(stream, part, signer, task)
            stream.flush()
            os.fsync(stream.fileno())
        key = TrustedKey(name="", pem=signer.public).fingerprint
        return ExportedRecord(
            path=path,
            first=part.first,
            last=part.last,
            hash=part.hash,
            key=key,
            sha256=digest,
            heads=part.heads,
            strange_heads=part.strange_heads,
        )

    def _checked(self, since: datetime | None, until: datetime | None, signer: Signer, progress: Progress) -> _Part:
        """Which events are asked for. Raises Corrupt when any event of all does not stand as it was recorded."""
        keys = (TrustedKey(name="the key that signs", pem=signer.public), *self._keys.trusted)
        chain = Chain(project=self._project, first=1, previous=ORIGIN, keys=keys, judges=self._keys.judges)
        part = _Part()
        with progress.task("Checking the record", total=self._history.newest_event()) as task:
            for recorded in self._recorded():
                event, previous = recorded.event, chain.hash
                chain.take(content(event), recorded.hash)
                if not part.first and (since is None or event.at >= since):
                    part.first, part.previous = event.sequence, previous
                if part.first and (until is None or event.at <= until):
                    part.last, part.hash = event.sequence, recorded.hash
                if event.kind == RELEASE:
                    made = event.details.get("artifacts")
                    part.artifacts.update(made.values() if isinstance(made, Mapping) else ())
                task.advance()
        if chain.problems:
            wrong = chain.problems[0]
            raise Corrupt(
                f"the record in the store was tampered with: event {wrong.number}: {wrong.message}",
                hint="restore the store from a backup; what is signed stays as it is",
            )
        part.heads, part.strange_heads = chain.heads, chain.strange_heads
        return part if part.last >= part.first else _Part()

    def _write(self, stream: BinaryIO, part: _Part, signer: Signer, task: Task) -> str:
        """The lines; the SHA-256 of all of them."""
        whole = sha256()

        def write(line: bytes) -> None:
            stream.write(line + b"\n")
            whole.update(line + b"\n")

        artifacts = {digest: self._signed_of(digest) for digest in sorted(part.artifacts)}
        first = header(self._project, part.first, part.previous, artifacts)
        write(first)
        for recorded in self._recorded(part.first - 1, part.last):
            write(event_line(recorded))
            task.advance()
        said = head(
            project=self._project,
            at=self._clock.now(),
            number=part.last,
            hash_=part.hash,
            bundle=sha256(first + b"\n").hexdigest(),
        )
        write(canonical({**signed(said, signer), "pem": signer.public}))
        return whole.hexdigest()

    def _recorded(self, after: int = 0, last: int | None = None) -> Iterator[Recorded]:
        while page := self._history.recorded(after=after, limit=PAGE if last is None else min(PAGE, last - after)):
            yield from page
            after = page[-1].event.sequence
            if last is not None and after >= last:
                return
