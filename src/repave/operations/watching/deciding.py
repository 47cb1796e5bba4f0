"""What is to be done now: learned, planned, and checked before anything is done of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from repave.model.errors import RepaveError
from repave.model.project import Project
from repave.model.review import Review
from repave.model.watch import FreshnessPlan, Kind
from repave.operations.locking import Locking
from repave.operations.patch import Patching
from repave.operations.promoting.promoting import Promoting
from repave.operations.watching.learning import Learned, Learning
from repave.operations.watching.reviewing import Reviewing
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
    reviewing: Reviewing | None = None
    """None where nobody looks at lock changes."""


class Deciding:
    """Learns, plans, checks."""

    def __init__(self, project: Project, hands: Hands, advisories: Iterable[Advisories]) -> None:
        self.project = project
        self.hands = hands
        self._learning = Learning(
            project=project, locking=hands.locking, advisories=advisories, store=hands.store, clock=hands.clock
        )
        self.tried = False
        self.reviews: dict[Kind, Review] = {}
        self.trouble: RepaveError | None = None
        """Why nothing can be proposed."""

    def ask_people(self) -> None:
        """What became of what they were asked; while that is not known nothing is proposed, and all else goes on."""
        if self.hands.reviewing is None:
            return
        try:
            self.reviews = dict(self.hands.reviewing.newest())
        except RepaveError as trouble:
            self.trouble = trouble

    def decide(self, progress: Progress) -> tuple[Learned, FreshnessPlan]:
        """By all that is known now."""
        learned = self._learning.learn(progress)
        stuck = self.trouble is not None
        known = replace(learned.known, tried=self.tried or stuck, reviews=self.reviews)
        policy = replace(self.project.freshness, updates=self.project.freshness.updates and not stuck)
        now = self.hands.clock.now()
        made = plan(known, policy, now)
        check(made, known, policy, now)
        return replace(learned, known=known), made
