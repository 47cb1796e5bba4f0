"""The embedded controller: ticks fleets until nothing is left to do, or for as long as it is asked to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from repave.controller.ending import Attempt, Convergence, conclude, has_ended
from repave.controller.frontends import Frontends
from repave.controller.holders import is_dead
from repave.controller.interrupts import deferred
from repave.controller.leases import Leases
from repave.controller.pace import Pace, seconds_to_next
from repave.controller.ports import Declared, Ports
from repave.controller.tick import Tick, Ticker
from repave.model.names import FleetKey
from repave.ports.errors import Gone

TIMEOUT_SECONDS = 1800.0
"""A deploy that has not come to an end in half an hour says what holds it instead of waiting on."""

USUAL = Pace()


def unwatched(_: Tick) -> None:
    """Nobody looks."""


@dataclass(kw_only=True)
class Watched:
    """One fleet under way: the newest tick, and when the next is due."""

    attempt: Attempt
    due: datetime
    looked: datetime
    tick: Tick | None = None
    destroyed: bool = False

    def is_due(self, now: datetime) -> bool:
        """Whether it is looked at now: a clock that was set back must not make it wait for as long."""
        return self.due <= now or now < self.looked

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do, by the newest tick."""
        return self.destroyed or (self.tick is not None and has_ended(self.tick, self.attempt.began))


class Controller:
    """Observes, plans, checks, commits, acts and records, for the fleets it is given.

    ``holder`` says who acts, as ``this_process()`` names it; the lease of a holder that ``is_dead`` is taken over at
    once. Ended at any point and started again, it goes on; several at once follow the one that holds the lease.
    """

    def __init__(
        self,
        ports: Ports,
        declared: Declared,
        *,
        holder: str,
        on_tick: Callable[[Tick], None] = unwatched,
        pace: Pace = USUAL,
        is_dead: Callable[[str], bool] = is_dead,
    ) -> None:
        self._ports = ports
        self._declared = declared
        self._on_tick = on_tick
        self._pace = pace
        self._leases = Leases(ports, holder, is_dead)
        self._frontends = Frontends(ports, declared)
        self._ticker = Ticker(ports, declared, parallel=pace.parallel)

    def converge(
        self, fleets: Iterable[FleetKey], *, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> tuple[Convergence, ...]:
        """Act until every fleet is as wanted, stopped or paused, or the time is over; in the order given.

        For as long as the policies have rollouts wait, there is so much more time.

        Success is told of a fleet only by an observation after its last step. Ctrl-C ends it after the step under
        way, with everything recorded and the lease given back. Raises Gone (nothing is wanted of a fleet), UnsafePlan,
        KeyboardInterrupt, and WorldError when the store or, at the start, the balancer fails.
        """
        watched = self._begin(fleets)
        asked = [each.attempt.asked for each in watched]
        waits = sum(self._declared.policy(target.fleet).waits_seconds(target.size) for target in asked)
        deadline = self._ports.clock.now() + timedelta(seconds=timeout_seconds + waits)

        def finished() -> bool:
            return all(each.ended for each in watched) or self._ports.clock.now() >= deadline

        self._run(watched, finished)
        now = self._ports.clock.now()
        return tuple(conclude(self._ports.store, each.attempt, each.tick, now) for each in watched)

    def keep(self, fleets: Iterable[FleetKey], *, until: Callable[[], bool]) -> None:
        """Go on for as long as ``until`` says no: heal what falls ill, follow what is asked. Raises as ``converge``."""
        self._run(self._begin(fleets), until)

    def _begin(self, fleets: Iterable[FleetKey]) -> tuple[Watched, ...]:
        began = self._ports.clock.now()
        watched = []
        for fleet in fleets:
            asked = self._ports.store.target(fleet)
            if asked is None:
                raise Gone(f"nothing is wanted of {fleet}", hint=f"`repave deploy {fleet.environment}` says what is")
            watched.append(Watched(attempt=Attempt(asked=asked, began=began), due=began, looked=began))
        return tuple(watched)

    def _run(self, watched: tuple[Watched, ...], finished: Callable[[], bool]) -> None:
        """Ticks of several fleets take turns, each when it is due."""
        with deferred() as interruption:
            try:
                while True:
                    for each in watched:
                        if each.is_due(self._ports.clock.now()):
                            self._turn(each)
                        interruption.obey()
                    if finished():
                        return
                    self._rest(watched)
            finally:
                self._leases.release()

    def _turn(self, watched: Watched) -> None:
        fleet = watched.attempt.asked.fleet
        tick = self._act_or_follow(fleet)
        now = self._ports.clock.now()
        seconds = seconds_to_next(self._pace, tick, watched.tick, now)
        watched.tick, watched.destroyed = tick, tick is None
        watched.looked, watched.due = now, now + timedelta(seconds=seconds)
        if tick is not None:
            self._on_tick(tick)

    def _act_or_follow(self, fleet: FleetKey) -> Tick | None:
        leader = self._leases.leader(fleet)
        if leader:
            return self._follow(fleet, leader)
        self._frontends.open(fleet)
        tick = self._ticker.tick(fleet)
        if tick is not None and tick.observation is not None:
            self._frontends.reopen(tick.observation)
        return tick

    def _follow(self, fleet: FleetKey, leader: str) -> Tick | None:
        """What the leader last recorded."""
        store = self._ports.store
        target = store.target(fleet)
        if target is None:
            return None
        return Tick(
            fleet=fleet,
            target=target,
            observation=store.last_seen(fleet),
            plan=store.last_plan(fleet),
            leader=leader,
        )

    def _rest(self, watched: tuple[Watched, ...]) -> None:
        """Until the first is due; who is woken sooner looks at all, for nobody says which of them changed."""
        clock, rest = self._ports.clock, self._pace.rest
        seconds = (min(each.due for each in watched) - clock.now()).total_seconds()
        if rest is None:
            clock.sleep(seconds)
            return
        rest(seconds)
        for each in watched:
            each.due = min(each.due, clock.now())
