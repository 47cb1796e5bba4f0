"""The instances behind one simulated frontend, and what the balancer's checks have found of them.

Checks are not carried out one by one: between two turns of an instance all of them have the same answer.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from repave.model.names import InstanceId
from repave.model.observation import Backend, TrafficState
from repave.ports.traffic import Frontend

LEAST_INTERVAL_SECONDS = 0.05
"""Between two checks, whatever the policy says: time must move on."""

HEALTHY = (TrafficState.SERVING, TrafficState.READY)

FORESEEN_TURNS = 8
"""So many turns ahead a change of state is looked for; an instance that flaps faster than it is checked has no end."""


class Checked(Protocol):
    """What the balancer asks."""

    def answers(self, at: datetime) -> bool:
        """Whether a check then finds it well."""
        ...

    def next_turn(self, after: datetime) -> datetime | None:
        """When that may next change; None for never."""
        ...


Find = Callable[[InstanceId], Checked]


@dataclass(kw_only=True)
class Attached:
    """One instance as the balancer knows it."""

    instance: InstanceId
    next_check: datetime
    since: datetime
    state: TrafficState = TrafficState.CHECKING
    standby: bool = False
    good: int = 0
    bad: int = 0
    run_began: datetime | None = None
    """When the run of equal answers began that ``good`` or ``bad`` counts."""

    held: int = 0
    """Requests that a test keeps open."""

    idle_at: datetime | None = None
    """When the last open request ends; None while it is not draining."""

    foreseen: "Foreseen | None" = None
    """What is known of its future; None: nothing, or no more."""

    _shown: tuple[tuple[TrafficState, datetime, int, str], Backend] | None = None
    """What the balancer showed last, made once for as long as it shows the same."""

    def backend(self) -> Backend:
        """As the balancer shows it."""
        sessions = self.held + (1 if self.state is TrafficState.DRAINING and not self.held else 0)
        told = (self.state, self.since, sessions, "no answer" if self.bad else "")
        if self._shown is None or self._shown[0] != told:
            state, since, sessions, detail = told
            self._shown = (
                told,
                Backend(instance=self.instance, state=state, since=since, sessions=sessions, detail=detail),
            )
        return self._shown[1]

    @property
    def healthy(self) -> TrafficState:
        """What it is when its checks are good."""
        return TrafficState.READY if self.standby else TrafficState.SERVING

    def become(self, state: TrafficState, at: datetime) -> None:
        """Come into a state."""
        if state is not self.state:
            self.state, self.since = state, at


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """An instance's future in the balancer's eyes, as far as nobody does anything to it."""

    change: datetime | None
    """When it comes into another state; None for never."""


@dataclass(frozen=True, kw_only=True)
class Checks:
    """How a frontend checks, and how much later than its checks it acts."""

    interval: timedelta
    healthy: int
    unhealthy: int
    delay: timedelta

    def catch_up(self, known: Attached, checked: Checked, until: datetime) -> bool:
        """All checks that were due until then, a run of equal answers at a time; whether all later ones are known.

        They are when its answers never change again, and it is in the state that they lead to.
        """
        turn: datetime | None = until
        while known.next_check <= until:
            first = known.next_check
            turn = checked.next_turn(first)
            last = until if turn is None else min(until, turn - timedelta(microseconds=1))
            count = (last - first) // self.interval + 1
            self._run(known, count, well=checked.answers(first))
            known.next_check = first + count * self.interval
        led_to = known.healthy if known.good else TrafficState.FAILING
        return turn is None and known.idle_at is None and known.state is led_to

    def _run(self, known: Attached, count: int, *, well: bool) -> None:
        """So many equal answers, the first of them at the next check."""
        first = known.next_check
        if known.run_began is None or well != (known.good > 0):
            known.run_began, known.good, known.bad = first, 0, 0
        before = known.good if well else known.bad
        known.good, known.bad = (before + count, 0) if well else (0, before + count)
        needed = self.healthy if well else self.unhealthy
        if known.idle_at is not None or (not well and known.state not in HEALTHY):
            return
        late = -((first - known.run_began - self.delay) // self.interval)
        waits = max(needed - before - 1, late, 0)
        if waits < count:
            known.become(known.healthy if well else TrafficState.FAILING, first + waits * self.interval)

    def next_change(self, known: Attached, checked: Checked) -> datetime | None:
        """When the balancer will next show it in another state, by its checks alone; None for never."""
        ahead = replace(known)
        for _ in range(FORESEEN_TURNS):
            turn = checked.next_turn(ahead.next_check)
            if turn is None:
                turn = ahead.next_check + self.delay + max(self.healthy, self.unhealthy) * self.interval
                self.catch_up(ahead, checked, turn)
                return ahead.since if ahead.state is not known.state else None
            self.catch_up(ahead, checked, turn)
            if ahead.state is not known.state:
                return ahead.since
        return ahead.next_check


class Pool:
    """One frontend with what is attached to it."""

    def __init__(self, frontend: Frontend, endpoint: str) -> None:
        self.frontend = frontend
        self.endpoint = endpoint
        self.attached: dict[InstanceId, Attached] = {}
        self._restless: dict[InstanceId, Attached] = {}
        """Those of them of which it is not known that they stay as they are until something is done to them."""

        self._caught_up: datetime | None = None
        """Until when everything that follows from what is known has been done."""

    def attach(self, instance: InstanceId, at: datetime, *, standby: bool = False) -> None:
        """Check it from now on; what is attached already stays as it is."""
        if instance not in self.attached:
            self._caught_up = None
            known = Attached(instance=instance, next_check=at, since=at, standby=standby)
            self.attached[instance] = self._restless[instance] = known

    def stand_by(self, instance: InstanceId, at: datetime, *, standby: bool) -> bool:
        """Whether it gets requests while it is well, from now on; answers whether it is known."""
        known = self.attached.get(instance)
        if known is not None:
            known.standby = standby
            if known.state in HEALTHY:
                known.become(known.healthy, at)
        return known is not None

    def drain(self, instance: InstanceId, at: datetime, drain_seconds: float) -> bool:
        """No new requests; whether it is known."""
        known = self.attached.get(instance)
        if known is not None and known.idle_at is None:
            known.idle_at = at + timedelta(seconds=drain_seconds)
            known.foreseen = self._caught_up = None
            self._restless[instance] = known
            known.become(TrafficState.DRAINING, at)
        return known is not None

    def detach(self, instance: InstanceId) -> None:
        """Forget it."""
        self.attached.pop(instance, None)
        self._restless.pop(instance, None)

    def forget_all(self) -> None:
        """As a balancer that died."""
        self.attached.clear()
        self._restless.clear()

    def serving(self) -> list[InstanceId]:
        """Who gets requests now."""
        return [known.instance for known in self.attached.values() if known.state is TrafficState.SERVING]

    def backends(self) -> tuple[Backend, ...]:
        """As the balancer shows them."""
        return tuple(known.backend() for known in self.attached.values())

    def forget_the_future(self) -> None:
        """Something is about to be done to what is behind this frontend."""
        self._caught_up = None
        self._restless = dict(self.attached)
        for known in self.attached.values():
            known.foreseen = None

    def catch_up(self, until: datetime, delay_seconds: float, find: Find) -> None:
        """Carry out the checks that were due, and act on them; a slow balancer acts so much later.

        Checks of which it is known that they change nothing are carried out later, together with one that does.
        """
        if until == self._caught_up:
            return
        self._caught_up = until
        checks = self._checks(delay_seconds)
        for known in list(self._restless.values()):
            change = known.foreseen.change if known.foreseen else until
            if known.state is not TrafficState.CHECKING and (change is None or change > until):
                continue
            if known.next_check <= until:
                known_for_ever = checks.catch_up(known, find(known.instance), until)
                known.foreseen = Foreseen(change=None) if known_for_ever else None
            if known.idle_at is not None and not known.held and until >= known.idle_at:
                known.become(TrafficState.DRAINED, known.idle_at)
                known.foreseen = None
            self._let_rest(known)

    def next_change(self, delay_seconds: float, find: Find) -> datetime | None:
        """When it will next show an instance in another state by itself; None for never."""
        checks = self._checks(delay_seconds)
        changes = []
        for known in list(self._restless.values()):
            if known.foreseen is None:
                known.foreseen = Foreseen(change=self._next_change(known, checks, find))
                self._let_rest(known)
            if known.foreseen.change is not None:
                changes.append(known.foreseen.change)
        return min(changes, default=None)

    def _let_rest(self, known: Attached) -> None:
        """Look no more at one that is never to change by itself; who is being checked is counted on."""
        if known.foreseen and known.foreseen.change is None and known.state is not TrafficState.CHECKING:
            del self._restless[known.instance]

    @staticmethod
    def _next_change(known: Attached, checks: Checks, find: Find) -> datetime | None:
        if known.idle_at is not None:
            return None if known.state is TrafficState.DRAINED else known.idle_at
        return checks.next_change(known, find(known.instance))

    def _checks(self, delay_seconds: float) -> Checks:
        health = self.frontend.health
        return Checks(
            interval=timedelta(seconds=max(LEAST_INTERVAL_SECONDS, health.interval_seconds)),
            healthy=health.healthy,
            unhealthy=health.unhealthy,
            delay=timedelta(seconds=delay_seconds),
        )
