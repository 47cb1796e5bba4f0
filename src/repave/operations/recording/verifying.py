"""``repave verify BUNDLE``: everything that a stranger can find out about a record with a public key alone."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from repave.model.record import SIGHTING
from repave.operations.errors import Refused
from repave.operations.recording.bundle import BUNDLE_TYPE, NO_BUNDLE, as_written, lines
from repave.operations.recording.checking import Chain, Problem
from repave.operations.recording.sayings import HEAD_TYPE, content_of, said_by
from repave.ports.progress import Progress
from repave.ports.signatures import Judges, TrustedKey


@dataclass(frozen=True, kw_only=True)
class Ran:
    """One instance, by what was observed of it within the bundle."""

    fleet: str
    instance: str
    release: int
    artifact: str | None
    """None: no record explains it."""

    since: str
    until: str | None
    """When a complete list first lacked it; None while it is there."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a bundle is worth."""

    project: str
    first: int
    last: int
    events: int
    signed_by: str
    """Name of the trusted key that signed the head; empty when none did."""

    signed_at: str
    heads: int
    """Signed heads within the record that hold too."""

    ran: tuple[Ran, ...]
    """What ran where, from when to when; those that no record explains first, then the oldest. None where anything is
    wrong."""

    problems: tuple[Problem, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify_bundle(path: Path, keys: Collection[TrustedKey], judges: Judges, progress: Progress) -> Verdict:
    """Read it from its first line to its last. Raises Refused for what is no bundle, and Denied."""
    standing = lines(path)
    first_line, header = next(standing, (b"", {}))
    if header.get("type") != BUNDLE_TYPE:
        raise Refused(f"{path} is no record that this repave can check", hint=NO_BUNDLE)
    first, project = header.get("first"), _text(header.get("project"))
    chain = Chain(
        project=project,
        first=first if isinstance(first, int) else 1,
        previous=_text(header.get("previous")),
        keys=keys,
        judges=judges,
    )
    if not as_written(first_line, header):
        chain.problems.append(Problem(number=None, message="the first line is not as it was written"))
    reading = _Reading(chain, digest=sha256(first_line).hexdigest())
    with progress.task(f"Reading {path.name}", total=path.stat().st_size, unit="B") as task:
        for line, document in standing:
            reading.take(line, document)
            task.advance(len(line))
    return reading.end(project, first if isinstance(first, int) else 1)


class _Reading:
    def __init__(self, chain: Chain, *, digest: str) -> None:
        self._chain = chain
        self._digest = digest
        self._saying: Mapping[str, object] | None = None
        self._sightings: list[Mapping[str, Any]] = []

    def take(self, line: bytes, document: Mapping[str, object]) -> None:
        chain = self._chain
        event, kept = document.get("event"), document.get("hash")
        if self._saying is not None:
            chain.problems.append(Problem(number=_number(event), message="it stands behind the signed head"))
        elif not as_written(line, document):
            after = f"what stands after event {chain.number} is not as it was written"
            chain.problems.append(Problem(number=_number(event), message=after))
        elif "said" in document:
            self._saying = document
        elif isinstance(event, dict) and isinstance(kept, str):
            chain.take(event, kept)
            if event.get("kind") == SIGHTING:
                self._sightings.append(event)
        else:
            after = f"what stands after event {chain.number} is neither an event nor a head"
            chain.problems.append(Problem(number=None, message=after))

    def end(self, project: str, first: int) -> Verdict:
        chain, saying = self._chain, self._saying or {}
        said, who = content_of(saying, HEAD_TYPE), said_by(saying, chain.judge)
        chain.problems += self._wrong_with_head(project, said, who)
        return Verdict(
            project=project,
            first=first,
            last=chain.number,
            events=chain.events,
            signed_by=who,
            signed_at=str(said.get("at", "")),
            heads=chain.heads,
            ran=() if chain.problems else _lives(self._sightings),
            problems=tuple(chain.problems),
        )

    def _wrong_with_head(self, project: str, said: Mapping[str, object], who: str) -> Iterator[Problem]:
        chain, covered = self._chain, said.get("number")
        number, message = None, ""
        if self._saying is None:
            message = "the signed head is missing: nobody can tell whether events are missing at the end"
        elif not said or not who:
            message = "no key that counts signed the head"
        elif covered != chain.number:
            number = chain.number + 1
            message = f"the head was signed over events to {covered}, and the last here is {chain.number}"
        elif said.get("hash") != chain.hash:
            message = f"the head was signed over another event {covered}: it, or events before it, were made anew"
        elif said.get("bundle") != self._digest or said.get("project") != project:
            message = "the head was signed over another first line"
        if message:
            yield Problem(number=number, message=message)


def _text(value: object) -> str:
    """As text that can be written: half of a letter becomes a question mark."""
    return str(value).encode("utf-8", "replace").decode()


def _number(event: object) -> int | None:
    number = event.get("number") if isinstance(event, Mapping) else None
    return number if isinstance(number, int) else None


def _lives(sightings: Collection[Mapping[str, Any]]) -> tuple[Ran, ...]:
    return tuple(sorted(_each_life(sightings), key=lambda one: (one.artifact is not None, one.since, one.instance)))


def _each_life(sightings: Collection[Mapping[str, Any]]) -> Iterator[Ran]:
    """From sight to absence; an instance that is seen again after its absence lives a second time."""
    living: dict[tuple[str, str], Mapping[str, Any]] = {}
    for sighting in sightings:
        fleet, at, details = sighting["fleet"], sighting["at"], sighting["details"]
        for instance in details["ended"]:
            began = living.pop((fleet, instance), None)
            if began is not None:
                # Dated by a clock that was ahead where it would begin after its end.
                yield _ran(fleet, {**began, "since": min(began["since"], at)}, until=at)
        for began in details["began"]:
            living[fleet, began["instance"]] = {**began, "since": at}
    for (fleet, _), began in living.items():
        yield _ran(fleet, began, until=None)


def _ran(fleet: str, began: Mapping[str, Any], *, until: str | None) -> Ran:
    return Ran(
        fleet=fleet,
        instance=began["instance"],
        release=began["release"],
        artifact=began["artifact"],
        since=began["since"],
        until=until,
    )
