"""When an environment is open: weekly windows less frozen days and holidays."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from repave.model.gates import DAYS, Gates, Window

ALWAYS = Window(days=DAYS, start="00:00", end="00:00", zone="UTC")
"""Frozen days of an environment without a window are days of UTC."""

FURTHEST_DAYS = 400
"""Beyond a year no opening is foretold: no weekly window is closed so long but by freezes that people will move."""

DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """The times at which one environment lets releases in."""

    gates: Gates
    holidays: Collection[date] = ()

    def open_at(self, moment: datetime) -> bool:
        """Whether a release may enter then."""
        today = moment.astimezone(self._zone).date()
        if self._blocked(today):
            return False
        return any(
            begin <= moment < end
            for day in (today - DAY, today)
            if not self._blocked(day)
            for begin, end in self._span(day)
        )

    def opens_after(self, moment: datetime) -> datetime | None:
        """The first time after ``moment`` that is open, in UTC; None when there is none within a year."""
        today = moment.astimezone(self._zone).date()
        for day in (today + DAY * offset for offset in range(FURTHEST_DAYS)):
            for candidate in (self._moment(day, time.min), *(begin for begin, _ in self._span(day))):
                if candidate > moment and self.open_at(candidate):
                    return candidate
        return None

    @property
    def _window(self) -> Window:
        return self.gates.window or ALWAYS

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self._window.zone)

    def _blocked(self, day: date) -> bool:
        return day in self.holidays or any(freeze.holds_on(day) for freeze in self.gates.freezes)

    def _span(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """The window that begins on that day, if one does."""
        window = self._window
        if DAYS[day.weekday()] in window.days:
            start, end = time.fromisoformat(window.start), time.fromisoformat(window.end)
            yield self._moment(day, start), self._moment(day if end > start else day + DAY, end)

    def _moment(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self._zone).astimezone(ZoneInfo("UTC"))
