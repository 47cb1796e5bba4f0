"""A limit of draws within an hour, read from the ledger."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from repave.model.disruption import HOUR, Disruption, Drawer

Drawers = AbstractSet[Drawer]


class Hourly:
    """At most so many draws by the drawers that are counted, asked by those that are bound; lives for one plan.

    Draws of the future were dated by a clock that was ahead: they do not count, or an hour would take days.
    """

    def __init__(
        self,
        most: int,
        binds: AbstractSet[Drawer],
        counts: AbstractSet[Drawer],
        ledger: Iterable[Disruption],
        now: datetime,
    ) -> None:
        self.most = max(1, most)
        """At least 1, or what is bound could never move."""

        self.binds = binds
        self._counts = counts
        drawn = (entry.at for entry in ledger if entry.drawer in counts)
        self._taken = sorted(at for at in drawn if timedelta(0) <= now - at < HOUR)

    @property
    def left(self) -> int:
        """How many more may be drawn now."""
        return max(0, self.most - len(self._taken))

    @property
    def grows_at(self) -> datetime | None:
        """When the oldest of its draws is an hour old; None when there was none."""
        return self._taken[0] + HOUR if self._taken else None

    @property
    def frees_at(self) -> datetime:
        """When one more may be drawn, for a limit with nothing left: enough of its draws are an hour old then."""
        return self._taken[len(self._taken) - self.most] + HOUR

    def count(self, entry: Disruption) -> None:
        """One more was drawn; entries come in the order of their times."""
        if entry.drawer in self._counts:
            self._taken.append(entry.at)
