"""What came of one pass."""

from dataclasses import dataclass
from datetime import datetime

from repave.model.errors import RepaveError
from repave.model.pipeline import Held
from repave.model.release import Release
from repave.model.review import Review
from repave.model.watch import FreshnessPlan, Kind
from repave.operations.deploy import DeployResult
from repave.operations.locking import Proposal
from repave.operations.patch import Cure


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A lock that was made anew, or could not be."""

    kind: Kind
    proposal: Proposal
    closed: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    """Updates that bring flaws along are not taken."""

    unknown: tuple[str, ...] = ()
    """Sources that could not be read of it: updates of which not all is known are not taken."""

    cure: Cure | None = None
    """Of repairs."""

    review: Review | None = None
    """Where people look at it, or have; None where nobody is asked, and where there is nothing to look at."""

    asks: bool = False
    """Whether people are asked, who judge what it brings by themselves."""

    @property
    def taken(self) -> bool:
        """Whether the lock is now another."""
        brings = self.kind is Kind.UPDATES and (self.opened or self.unknown)
        return self.proposal.changed and not self.asks and not brings


@dataclass(kw_only=True)
class Passed:
    """What came of one pass."""

    plan: FreshnessPlan
    """The last: what is still to be done, and what waits."""

    moved: tuple[Moved, ...] = ()
    release: Release | None = None
    """That was baked."""

    results: tuple[DeployResult, ...] = ()
    held: tuple[Held, ...] = ()
    """What holds releases that would make an environment fresher."""

    trouble: RepaveError | None = None
    """Why the lock could not be made anew; all else went on."""

    @property
    def wake(self) -> datetime:
        """When something may have changed by itself."""
        return min([self.plan.wake, *(one.until for one in self.held if one.until)])
