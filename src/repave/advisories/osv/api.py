"""OSV's API (https://google.github.io/osv.dev/api/): which records a server names for packages, and those records."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from repave.advisories.osv.matching import Subject
from repave.advisories.osv.records import (
    GIT,
    LARGEST_RECORD_BYTES,
    Moment,
    Name,
    OrNull,
    Record,
    read_record,
)
from repave.ports.errors import Corrupt
from repave.ports.progress import Task
from repave.ports.web import Web

MOST_QUERIES = 1000
"""In one batch: OSV refuses more."""

MOST_PAGES = 200
"""Of one query, each with up to 1,000 records: the kernel has some thousands, a server that never ends more."""

LARGEST_ANSWER_BYTES = 32 * 1024 * 1024
"""OSV's own limit of an answer."""


@dataclass(frozen=True, kw_only=True)
class Named:
    """A record that the server names for a version."""

    id: Name
    modified: Moment | None = None


@dataclass(frozen=True, kw_only=True)
class _Result:
    """What the server says of one query, or a page of it."""

    vulns: Annotated[tuple[Named, ...], OrNull()] = ()
    next_page_token: Annotated[str, OrNull()] = ""


@dataclass(frozen=True, kw_only=True)
class _Batch:
    results: tuple[_Result, ...]


@dataclass(frozen=True, kw_only=True)
class Naming:
    """What a server names for every subject asked about, in their order."""

    named: tuple[tuple[Named, ...], ...]
    at: datetime | None
    """When the oldest of its answers was made; None where it does not say."""


@cache
def _adapter() -> TypeAdapter[_Batch]:
    return TypeAdapter(_Batch)


class OsvApi:
    """One server."""

    def __init__(self, address: str, *, web: Web) -> None:
        self._address = address
        self._web = web

    def name(self, subjects: Sequence[Subject], task: Task) -> Naming:
        """Ask for all, in batches, each to its last page.

        Raises Corrupt (it is no answer by OSV's API, or never ends), and what the web port raises.
        """
        found: list[dict[str, Named]] = [{} for _ in subjects]
        dates: list[datetime] = []
        waiting = [(place, "") for place in range(len(subjects))]
        for _ in range(MOST_PAGES):
            further: list[tuple[int, str]] = []
            for batch in _batches(waiting):
                results, at = self._batch([_query(subjects[place], token) for place, token in batch])
                dates += [at] if at else []
                for (place, token), result in zip(batch, results, strict=True):
                    found[place] |= {one.id: one for one in result.vulns}
                    if result.next_page_token:
                        further.append((place, result.next_page_token))
                    if not token:
                        task.advance()
            if not further:
                return Naming(named=tuple(tuple(one.values()) for one in found), at=min(dates, default=None))
            waiting = further
        raise Corrupt(f"{self._address} answers with more than {MOST_PAGES} pages")

    def record(self, named: Named) -> Record:
        """A record as it is now.

        Raises Corrupt (no record, another one, or an older one than the server named), and what the web port raises.
        """
        address = f"{self._address}/v1/vulns/{quote(named.id, safe='')}"
        answer = self._web.ask(address, what=f"read {named.id} from {self._address}", most_bytes=LARGEST_RECORD_BYTES)
        record = read_record(answer.content, name=f"{named.id} of {self._address}")
        if record.id != named.id:
            raise Corrupt(f"{self._address} gives {record.id} for {named.id}")
        if named.modified is not None and record.modified.replace(microsecond=0) < named.modified.replace(
            microsecond=0
        ):
            raise Corrupt(
                f"{self._address} names {named.id} as of {named.modified:%Y-%m-%d %H:%M}, and gives an older one, of "
                f"{record.modified:%Y-%m-%d %H:%M}"
            )
        return record

    def _batch(self, queries: Sequence[dict[str, object]]) -> tuple[tuple[_Result, ...], datetime | None]:
        answer = self._web.ask(
            f"{self._address}/v1/querybatch",
            what=f"ask {self._address} about {len(queries)} packages",
            most_bytes=LARGEST_ANSWER_BYTES,
            posted=json.dumps({"queries": queries}).encode(),
        )
        try:
            results = _adapter().validate_json(answer.content).results
        except ValidationError as wrong:
            first = wrong.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise Corrupt(
                f"{self._address} does not answer by OSV's API: {place} {first['msg']}".replace("  ", " ")
            ) from wrong
        if len(results) != len(queries):
            raise Corrupt(f"{self._address} answers {len(results)} of {len(queries)} questions")
        return results, answer.at


def _batches(waiting: Sequence[tuple[int, str]]) -> Iterator[Sequence[tuple[int, str]]]:
    for begin in range(0, len(waiting), MOST_QUERIES):
        yield waiting[begin : begin + MOST_QUERIES]


def _query(subject: Subject, token: str) -> dict[str, object]:
    if subject.ecosystem == GIT:
        query: dict[str, object] = {"commit": subject.version}
    else:
        package = {"ecosystem": subject.ecosystem, "name": subject.name}
        query = {"package": package, "version": subject.version}
    return {**query, "page_token": token} if token else query
