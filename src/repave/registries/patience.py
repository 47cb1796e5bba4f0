"""How long an unsteady network is borne: one rule for everything that is asked for over HTTP."""

import random
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime

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


def retry_after_seconds(headers: Mapping[str, str]) -> float:
    """What Retry-After asks for (RFC 9110, 10.2.3): seconds, or a date as the server's own clock has it."""
    asked = headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked[:9])
    try:
        return max(0.0, (parsedate_to_datetime(asked) - parsedate_to_datetime(headers.get("Date", ""))).total_seconds())
    except (ValueError, TypeError):
        return 0.0
