"""What is wrong just now: with calls, with launches, with the controllers; and what was done so far."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from repave.simulation.chaos.behaviours import BEHAVIOURS
from repave.simulation.stage import Stage
from repave.simulation.world import Fault

CHANGING = frozenset({"launch", "attach", "drain", "detach", "terminate"})
"""Calls that change the world."""

OF_THE_PROVIDER = frozenset({"observe machines", "launch", "terminate"})
OF_THE_BALANCER = frozenset({"ensure", "observe traffic", "attach", "drain", "detach"})
STEPS = CHANGING | {"commit"}

BY_CHANCE = (Fault.UNREACHABLE, Fault.THROTTLED, Fault.TIMED_OUT, Fault.KILLED_BEFORE, Fault.KILLED_AFTER)


def flaky(rate: float) -> Callable[[int, str, Random], Fault | None]:
    """Some fault for so great a share of all calls."""
    return lambda _number, _name, chance: chance.choice(BY_CHANCE) if chance.random() < rate else None


@dataclass(frozen=True, kw_only=True)
class Told:
    """One line of what was done to the world."""

    at: datetime
    kind: str
    words: str


@dataclass(kw_only=True)
class Trouble:
    """The state of a bad day.

    Whatever chance decides about calls, it decides at those that change something: a controller that looks more often
    meets the same faults.
    """

    stage: Stage
    overtake: Callable[[], None] = lambda: None
    """Has another controller act now."""

    calls: Counter[Fault] = field(default_factory=Counter)
    """What may happen to calls that change the world, by how many causes."""

    commits: Counter[Fault] = field(default_factory=Counter)
    """What may happen to commits."""

    silent: Counter[str] = field(default_factory=Counter)
    """Who does not answer at all: ``provider``, ``balancer``."""

    rate: float = 0.3
    """Which share of the calls meets the fault."""

    steps_to: dict[str, int] = field(default_factory=dict)
    """After how many more steps the controller is killed (``crash``) or overtaken (``rival``)."""

    releases: int = 0
    told: list[Told] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Every call of the world is looked at."""
        self.stage.world.fault = self.fault

    def tell(self, kind: str, words: str) -> None:
        """Write down what was done."""
        self.told.append(Told(at=self.stage.world.clock.now(), kind=kind, words=words))

    def deploy(self, kind: str, size: int | None = None) -> None:
        """A new release of this kind."""
        self.releases += 1
        target = self.stage.store.target(self.stage.fleet)
        wanted = target.size if size is None and target is not None else size or 1
        self.stage.world.stir()
        self.stage.want(self.releases, wanted, BEHAVIOURS[kind])

    def fault(self, number: int, name: str, chance: Random) -> Fault | None:
        """What happens to this call."""
        del number
        if self.silent["provider"] and name in OF_THE_PROVIDER:
            return Fault.UNREACHABLE
        if self.silent["balancer"] and name in OF_THE_BALANCER:
            return Fault.UNREACHABLE
        if name not in STEPS:
            return None
        if self._is_time("rival"):
            self.overtake()
        if self._is_time("crash"):
            return chance.choice((Fault.KILLED_BEFORE, Fault.KILLED_AFTER))
        possible = [fault for fault, causes in (self.commits if name == "commit" else self.calls).items() if causes]
        return chance.choice(possible) if possible and chance.random() < self.rate else None

    def _is_time(self, what: str) -> bool:
        if what not in self.steps_to:
            return False
        self.steps_to[what] -= 1
        if self.steps_to[what] > 0:
            return False
        del self.steps_to[what]
        return True
