"""What is to be done now: learned, planned, and checked before anything is done of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from repave.model.project import Project
from repave.model.watch import FreshnessPlan
from repave.operations.locking import Locking
from repave.operations.patch import Patching
from repave.operations.promoting.promoting import Promoting
from repave.operations.watching.learning import Learned, Learning
from repave.planner.freshness.checking import check
from repave.planner.freshness.planning import plan
from repave.ports.advisories import Advisories
from repave.ports.clock import Clock
from repave.ports.progress import Progress
from repave.ports.store import Store


@dataclass(frozen=True, kw_only=True)
class Hands:
    """By whom locks are made, releases let in, and everything kept."""

    locking: Locking
    patching: Patching
    promoting: Promoting
    store: Store
    clock: Clock


class Deciding:
    """Learns, plans, checks."""

    def __init__(self, project: Project, hands: Hands, advisories: Iterable[Advisories]) -> None:
        self.project = project
        self.hands = hands
        self._learning = Learning(
            project=project, locking=hands.locking, advisories=advisories, store=hands.store, clock=hands.clock
        )
        self.tried = False

    def decide(self, progress: Progress) -> tuple[Learned, FreshnessPlan]:
        """By all that is known now."""
        learned = self._learning.learn(progress)
        known, now = replace(learned.known, tried=self.tried), self.hands.clock.now()
        made = plan(known, self.project.freshness, now)
        check(made, known, self.project.freshness, now)
        return replace(learned, known=known), made
