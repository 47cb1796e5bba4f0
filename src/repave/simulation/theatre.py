"""A whole run: a stage, controllers on it, bad hours, and somebody who watches."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random

from repave.model.errors import RepaveError
from repave.model.finding import Severity
from repave.model.names import ZoneName
from repave.model.plan import Rule
from repave.model.policy import FleetPolicy
from repave.ports.errors import WorldError
from repave.simulation.chaos.behaviours import BEHAVIOURS, GOOD
from repave.simulation.chaos.calendar import BadHour, Planned, calendar
from repave.simulation.chaos.kinds import ALL, Kind
from repave.simulation.chaos.people import FLAW_REPAIRED_AFTER, pass_checkpoint, publish_flaw, repair
from repave.simulation.chaos.trouble import Trouble
from repave.simulation.life import Acts, Decision, Life
from repave.simulation.stage import POLICY, Stage, after_another
from repave.simulation.watch import Watch
from repave.simulation.world import ControllerKilled, World

BOUND = timedelta(hours=2)
"""After the last fault of a bad hour, the fleet is as wanted within this time.

Ten minutes for each fifth of a fleet that must be healed, up to an hour for zones that had no room, and roll-outs.
"""

PUT_RIGHT_AFTER = timedelta(minutes=5)
"""So long after a bad hour a person puts right what it has left: what was hidden by the last fault has been seen."""

CONFIRMED_AFTER = timedelta(minutes=10)
"""So long after a canary began to wait at a checkpoint a person lets it go on."""

REBORN_SECONDS = 5.0
"""After so long a supervisor has started a controller again."""

LOOKED_AGAIN = timedelta(minutes=5)
"""Whether a fleet that moves by itself is at rest by now."""

TURNS = 3
"""So many ticks a second controller makes in the middle of a step of the first."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """What is played; the same script gives the same run."""

    seed: int = 0
    instances: int = 60
    days: float = 30.0
    zones: int = 3
    controllers: int = 1
    kinds: tuple[Kind, ...] = ALL
    policy: FleetPolicy = POLICY
    """What is declared of the fleet; its zones are those of the script."""

    flaw_days: float = 0.0
    """Every so many days a flaw of what is wanted is published, and repaired by a new release; 0: never."""

    severities: tuple[Severity, ...] = (Severity.CRITICAL,)
    """Of the flaws, by chance."""

    load: Callable[[datetime], float] | None = None
    """Requests a second at each time; None: nothing arrives."""

    first: int = 0
    """So many of another fleet, which the fleet waits for; 0: it waits for none."""

    haste: float = 1.0
    """By how much faults come faster and are over sooner."""

    bound: timedelta = BOUND
    """How long a fleet may take once they are over."""

    @property
    def possible(self) -> tuple[Kind, ...]:
        """The kinds that so many controllers can meet, under such a load."""
        return tuple(
            kind
            for kind in self.kinds
            if (self.controllers > 1 or not kind.rivals) and (self.load is not None or not kind.measured)
        )

    @property
    def is_restless(self) -> bool:
        """Whether the fleet moves although nobody does anything to it: for its size, its ages, or new flaws."""
        ages = self.policy.age
        return bool(self.policy.scale or ages.soft_seconds or ages.hard_seconds or self.flaw_days)


@dataclass(kw_only=True)
class Episode:
    """One fault that came to pass."""

    kind: str
    words: str
    begins: datetime
    ends: datetime | None = None
    """None while it lasts."""


Casts = Callable[[Life, Callable[[Decision], None]], Acts]
"""Makes a controller that lives this life, and tells every decision."""


@dataclass(kw_only=True)
class Theatre:
    """One run of a script; ``play`` it once."""

    script: Script
    casts: Casts
    jumping: bool = True
    """Whether controllers rest until something changes; otherwise they look every second."""

    episodes: list[Episode] = field(default_factory=list)
    """The faults that came to pass, in their order."""

    lives: int = 0
    _calls: set[tuple[datetime, int]] = field(default_factory=set)
    """Checkpoints that a person was called to: since when their revision was wanted, and the step."""

    _racing: bool = False
    _over: bool = False

    def __post_init__(self) -> None:
        """The stage, before anybody acts."""
        zones = tuple(ZoneName(chr(ord("a") + number)) for number in range(self.script.zones))
        self.stage = Stage(
            world=World(seed=self.script.seed),
            policy=replace(self.script.policy, zones=zones),
            size=self.script.instances,
        )
        if self.script.first:
            self.stage = after_another(self.stage, self.script.first)
        if self.script.load is not None:
            self.stage.world.load[self.stage.fleet] = self.script.load
        self.watch = Watch(self.stage)
        self.trouble = Trouble(stage=self.stage, overtake=self._overtake)
        self._fleets = [stage.fleet for stage in self.stage.all]
        self._actors = [self._born() for _ in range(self.script.controllers)]

    def play(self, *, enough: Callable[[], bool] = lambda: False) -> None:
        """All of it: until the days are over, the last fault has ended, and the fleet has had its time.

        A plan that the checker refuses ends it: nothing could be done any more. So does ``enough``, asked after every
        round of ticks.
        """
        clock = self.stage.world.clock
        begins = clock.now()
        self.trouble.deploy("well", self.script.instances)
        self.trouble.tell("deploy", f"r1 is deployed, {self.script.instances} of it")
        chance = Random(self.script.seed)  # noqa: S311 - a simulation must be repeatable, not unguessable
        hours = calendar(self.script.possible, self.script.days, chance, haste=self.script.haste)
        for hour in hours:
            self._put(hour)
        self._put_flaws()
        end = max(
            begins + timedelta(days=self.script.days),
            *(begins + hour.over + 2 * self.script.bound for hour in hours),
            begins,
        )
        clock.put(end, partial(self._rest, end + self.script.bound, last=True))
        self._run(lambda: self._over or enough())

    def _run(self, over: Callable[[], bool]) -> None:
        while not over():
            try:
                self._actors[0].keep(self._fleets, until=over)
            except ControllerKilled:
                self._bury("is killed")
            except WorldError as error:
                self._bury(f"ends: {error.message}")
            except RepaveError as defect:
                self.watch.refused(defect.message)
                return

    def _bury(self, words: str) -> None:
        """The controller on stage is gone; another goes on at once, or the same again when it has been started."""
        self.trouble.tell("controller", words)
        self._actors = [*self._actors[1:], self._born()]
        if len(self._actors) == 1:
            self.stage.world.clock.sleep(REBORN_SECONDS)

    def _overtake(self) -> None:
        """Another controller acts, in the middle of a step of the first; afterwards they change places."""
        if self._racing or len(self._actors) == 1:
            return
        self._racing = True
        turns = iter([False] * (TURNS - 1))
        try:
            self._actors[1].keep(self._fleets, until=lambda: next(turns, True))
        except (ControllerKilled, WorldError):
            self._actors[1] = self._born()
        finally:
            self._racing = False

    def _born(self) -> Acts:
        self.lives += 1
        life = Life(self.stage, f"life {self.lives}", self.watch.committed, jumping=self.jumping)
        return self.casts(life, self._thought)

    def _thought(self, decision: Decision) -> None:
        """Whoever watches sees it; a canary that begins to wait for a person calls one."""
        self.watch.thought(decision)
        stage, clock = decision.target.canary, self.stage.world.clock
        call = (decision.target.since, stage.step)
        waits = any(hold.rule is Rule.CHECKPOINT for hold in decision.plan.holds)
        if waits and call not in self._calls:
            self._calls.add(call)
            confirm = partial(pass_checkpoint, self.trouble, decision.target.revision, stage.step)
            clock.put(clock.now() + CONFIRMED_AFTER, confirm)

    def _put(self, hour: BadHour) -> None:
        clock = self.stage.world.clock
        begins = clock.now()
        for fault in hour.faults:
            clock.put(begins + fault.after, partial(self._strike, fault))
        clock.put(begins + hour.over + PUT_RIGHT_AFTER, self._put_right)
        rests = begins + hour.over + self.script.bound
        clock.put(rests, partial(self._rest, rests + self.script.bound))

    def _rest(self, until: datetime, *, last: bool = False) -> None:
        """The fleet must be as wanted now; one that moves by itself is looked at again and again until then."""
        world = self.stage.world
        again = world.clock.now() + LOOKED_AGAIN
        world.settle()
        if self.script.is_restless and again <= until and any(stage.astray() for stage in self.stage.all):
            world.clock.put(again, partial(self._rest, until, last=last))
        else:
            self.watch.rest()
            self._over = last

    def _put_flaws(self) -> None:
        clock, days = self.stage.world.clock, self.script.flaw_days
        for number in range(1, int(self.script.days / days) if days else 1):
            published = clock.now() + timedelta(days=number * days)
            clock.put(published, partial(publish_flaw, self.trouble, number, self.script.severities))
            clock.put(published + FLAW_REPAIRED_AFTER, partial(repair, self.trouble, number))

    def _strike(self, fault: Planned) -> None:
        kind, clock, told = fault.kind, self.stage.world.clock, len(self.trouble.told)
        undo = kind.strike(self.trouble)
        self.watch.excused |= kind.may_break
        if len(self.trouble.told) == told:
            self.trouble.tell(kind.name, kind.sentence)
        episode = Episode(kind=kind.name, words=self.trouble.told[told].words, begins=clock.now())
        self.episodes.append(episode)
        if undo is None:
            episode.ends = episode.begins
        else:
            clock.put(clock.now() + fault.lasts, partial(self._end, episode, undo))

    def _end(self, episode: Episode, undo: Callable[[], None]) -> None:
        undo()
        episode.ends = self.stage.world.clock.now()
        self.trouble.tell(episode.kind, "is over")

    def _put_right(self) -> None:
        """A person looks at what the bad hour has left: a release that cannot carry the fleet is replaced.

        So is one that a fleet which comes first has given up.
        """
        target, first = self.stage.target, self.stage.all[0].target
        behaviour = self.stage.world.behaviours.get(target.revision)
        revoked = self.stage.store.revoked(self.stage.fleet, target.revision)
        held_up = first.stopped or first.release < target.release
        if target.stopped or held_up or revoked or behaviour not in [BEHAVIOURS[name] for name in GOOD]:
            self.trouble.deploy("well")
            self.trouble.tell("deploy", f"r{self.trouble.releases} is deployed, and works")
