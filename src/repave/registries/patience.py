"""How long an unsteady network is borne: one rule for everything that is asked for over HTTP."""

import random
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from threading import Event
from typing import TypeVar

from repave.ports.errors import Throttled, Unreachable

T = TypeVar("T")

TRIES = 5
"""With the waits below about 8 s in all: longer than a mirror's hiccup, shorter than a person's patience."""

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
"""A server may ask for more by Retry-After; we would rather fail and be asked again."""

TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


class Transient(Exception):
    """Worth another try."""

    def __init__(self, why: str, *, after_seconds: float = 0.0) -> None:
        super().__init__(why)
        self.after_seconds = after_seconds


def waits() -> Iterator[float]:
    """How long to wait before each further try: doubling, and a little off, so that many do not beat in step."""
    for attempt in range(TRIES - 1):
        yield FIRST_WAIT_SECONDS * 2**attempt * random.uniform(0.75, 1.25)  # noqa: S311 - no secret hangs on it


def patiently(attempt: Callable[[], T], *, what: str) -> T:
    """Attempt until it is worth no further try; ``what`` is for people: what was attempted, on what.

    Raises Throttled, Unreachable, and whatever ``attempt`` raises beside Transient.
    """
    further = waits()
    while True:
        try:
            return attempt()
        except Transient as trouble:
            wait = next(further, None)
            if trouble.after_seconds > LONGEST_WAIT_SECONDS:
                raise Throttled(
                    f"could not {what}: {trouble}",
                    after_seconds=trouble.after_seconds,
                    hint=f"the server asks for {trouble.after_seconds:.0f} s of rest: ask again then",
                ) from trouble
            if wait is None:
                raise Unreachable(
                    f"could not {what}: {trouble}", hint="check the network and the proxy variables, then ask again"
                ) from trouble
            Event().wait(max(wait, trouble.after_seconds))


def retry_after_seconds(headers: Mapping[str, str]) -> float:
    """What Retry-After asks for (RFC 9110, 10.2.3): seconds, or a date as the server's own clock has it."""
    asked = headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked[:9])
    try:
        return max(0.0, (parsedate_to_datetime(asked) - parsedate_to_datetime(headers.get("Date", ""))).total_seconds())
    except (ValueError, TypeError):
        return 0.0
