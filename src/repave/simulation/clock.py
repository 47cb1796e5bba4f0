"""A clock that jumps, with an agenda: what is written there happens on the way."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count

BEGINNING = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class SimulatedClock:
    """The clock port: sleeping makes time jump, from one thing on the agenda to the next."""

    def __init__(self, at: datetime = BEGINNING) -> None:
        self._at = at
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = count()

    def now(self) -> datetime:
        """The simulated time."""
        return self._at

    def sleep(self, seconds: float) -> None:
        """Jump; what is on the agenda until then is done, each at its own time."""
        until = self._at + timedelta(seconds=max(0.0, seconds))
        while self._agenda and self._agenda[0][0] <= until:
            at, _, deed = heappop(self._agenda)
            self._at = max(self._at, at)
            deed()
        self._at = max(self._at, until)

    def put(self, at: datetime, deed: Callable[[], None]) -> None:
        """Have something done then; what is put for the same time is done in the order it was put."""
        heappush(self._agenda, (at, next(self._numbers), deed))

    @property
    def next_deed(self) -> datetime | None:
        """When the next thing on the agenda is done."""
        return self._agenda[0][0] if self._agenda else None
