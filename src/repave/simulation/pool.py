"""The instances behind one simulated frontend, and what the balancer's checks have found of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from repave.model.names import InstanceId
from repave.model.observation import Backend, TrafficState
from repave.ports.traffic import Frontend

LEAST_INTERVAL_SECONDS = 0.05
"""Between two checks, whatever the policy says: time must move on."""

Answers = Callable[[InstanceId, datetime], bool]


@dataclass(kw_only=True)
class Attached:
    """One instance as the balancer knows it."""

    instance: InstanceId
    next_check: datetime
    since: datetime
    state: TrafficState = TrafficState.CHECKING
    good: int = 0
    bad: int = 0
    run_began: datetime | None = None
    """When the run of equal answers began that ``good`` or ``bad`` counts."""

    held: int = 0
    """Requests that a test keeps open."""

    idle_at: datetime | None = None
    """When the last open request ends; None while it is not draining."""

    def backend(self) -> Backend:
        """As the balancer shows it."""
        sessions = self.held + (1 if self.state is TrafficState.DRAINING and not self.held else 0)
        detail = "no answer" if self.bad else ""
        return Backend(instance=self.instance, state=self.state, since=self.since, sessions=sessions, detail=detail)

    def become(self, state: TrafficState, at: datetime) -> None:
        """Come into a state."""
        if state is not self.state:
            self.state, self.since = state, at


class Pool:
    """One frontend with what is attached to it."""

    def __init__(self, frontend: Frontend, endpoint: str) -> None:
        self.frontend = frontend
        self.endpoint = endpoint
        self.attached: dict[InstanceId, Attached] = {}

    def attach(self, instance: InstanceId, at: datetime) -> None:
        """Check it from now on; what is attached already stays as it is."""
        if instance not in self.attached:
            self.attached[instance] = Attached(instance=instance, next_check=at, since=at)

    def drain(self, instance: InstanceId, at: datetime, drain_seconds: float) -> bool:
        """No new requests; whether it is known."""
        known = self.attached.get(instance)
        if known is not None and known.idle_at is None:
            known.idle_at = at + timedelta(seconds=drain_seconds)
            known.become(TrafficState.DRAINING, at)
        return known is not None

    def detach(self, instance: InstanceId) -> None:
        """Forget it."""
        self.attached.pop(instance, None)

    def forget_all(self) -> None:
        """As a balancer that died."""
        self.attached.clear()

    def serving(self) -> list[InstanceId]:
        """Who gets requests now."""
        return [known.instance for known in self.attached.values() if known.state is TrafficState.SERVING]

    def backends(self) -> tuple[Backend, ...]:
        """As the balancer shows them."""
        return tuple(known.backend() for known in self.attached.values())

    def check(self, until: datetime, delay_seconds: float, answers: Answers) -> None:
        """Carry out the checks that were due, and act on them; a slow balancer acts so much later."""
        delay = timedelta(seconds=delay_seconds)
        for known in self.attached.values():
            while known.next_check <= until:
                self._judge(known, delay, well=answers(known.instance, known.next_check))
                interval = max(LEAST_INTERVAL_SECONDS, self.frontend.health.interval_seconds)
                known.next_check += timedelta(seconds=interval)
            if known.idle_at is not None and not known.held and until >= known.idle_at:
                known.become(TrafficState.DRAINED, known.idle_at)

    def _judge(self, known: Attached, delay: timedelta, *, well: bool) -> None:
        at = known.next_check
        if known.run_began is None or well != (known.good > 0):
            known.run_began = at
        known.good, known.bad = (known.good + 1, 0) if well else (0, known.bad + 1)
        if known.idle_at is not None or at - known.run_began < delay:
            return
        health = self.frontend.health
        if well and known.good >= health.healthy:
            known.become(TrafficState.SERVING, at)
        elif known.state is TrafficState.SERVING and known.bad >= health.unhealthy:
            known.become(TrafficState.FAILING, at)
