"""The one arbiter: whoever wants to take a serving instance out draws here."""

from repave.model.disruption import Drawer
from repave.model.plan import Draw
from repave.planner.sets import Member


class Budget:
    """How many serving instances may be taken out now; lives for one plan."""

    def __init__(self, *, serving: int, floor: int) -> None:
        self._serving = serving
        self._floor = floor
        self.draws: list[Draw] = []

    @property
    def left(self) -> int:
        """Serving instances that may still be taken out."""
        return max(0, self._serving - self._floor)

    def draw(self, member: Member, drawer: Drawer, reason: str) -> bool:
        """Ask to take ``member`` out; every answer is kept."""
        granted = self.left > 0
        if granted:
            self._serving -= 1
            self.draws.append(Draw(slot=member.slot, drawer=drawer, granted=True, reason=reason))
        else:
            because = f"{reason}; but {self._serving} serve and {self._floor} must"
            self.draws.append(Draw(slot=member.slot, drawer=drawer, granted=False, reason=because))
        return granted
