"""What a rehearsal foretells, beside what the real controller then does in a world where everything takes as long."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import event, given, settings
from hypothesis import strategies as st

from repave.controller.converge import Controller
from repave.controller.pace import Pace
from repave.controller.ports import Declared, Ports
from repave.controller.tick import Tick
from repave.model.amount import Amount
from repave.model.names import ZoneName
from repave.model.policy import BudgetPolicy, FleetPolicy, RolloutPolicy
from repave.model.succession import aimed
from repave.operations.rehearsing.durations import durations
from repave.operations.rehearsing.rehearsal import Rehearsal, rehearse
from repave.ports.progress import Silent
from repave.simulation.stage import POLICY, Stage
from repave.simulation.world import Behaviour, Effect, World

DAYS = 10 * 86400.0
A_LOOK = 0.05
"""Seconds that the controller lets pass between a change and its next look, at the most."""


@dataclass(kw_only=True)
class Watched:
    """A fleet with a real controller that looks whenever there is something to see, and what was seen of both."""

    policy: FleetPolicy
    behaviour: Behaviour
    drain_seconds: float
    launched: list[tuple[str, str]] = field(default_factory=list)
    drained: list[str] = field(default_factory=list)
    most: int = 0
    least: int = 10**6

    def __post_init__(self) -> None:
        """On a stage of its own."""
        self.stage = Stage(world=World(seed=1), policy=self.policy)
        self.clock = self.stage.world.clock
        self.stage.world.drain_seconds = self.drain_seconds
        self.stage.world.on_effect = self._effect

    def change(self, release: int, size: int) -> float:
        """Have this release carry the fleet; how long that takes."""
        self.launched, self.drained = [], []
        self.most = len(self.stage.world.living(self.stage.fleet))
        self.least = len(self.stage.balancer.serving(self.stage.fleet)) if self.stage.world.pools else 0
        began = self.clock.now()
        self.stage.want(release, size, self.behaviour)
        [ended] = self._controller().converge((self.stage.fleet,), timeout_seconds=DAYS)
        assert ended.reached, ended.reason
        return (self.clock.now() - began).total_seconds()

    def foretell(self, release: int, size: int) -> Rehearsal:
        """What is said of that change before."""
        store, fleet, now = self.stage.store, self.stage.fleet, self.clock.now()
        revision = self.stage.revision(release)
        target = aimed(self.stage.target, revision=revision.id, release=revision.release, size=size, at=now)
        seen = store.last_seen(fleet)
        assert seen is not None
        with Silent().task("") as task:
            return rehearse(self.policy, target, seen, now, durations(store.lifetimes(fleet), self.policy), task)

    def _controller(self) -> Controller:
        stage = self.stage
        ports = Ports(
            store=stage.store,
            machines=stage.provider,
            traffic=stage.balancer,
            secrets=stage.secrets,
            clock=self.clock,
            metrics=(stage.metrics,),
        )
        declared = Declared(policy=lambda _: self.policy, frontend=stage.frontend)
        pace = Pace(parallel=1, resting_seconds=DAYS, moving_seconds=DAYS, rest=self._rest)
        return Controller(ports, declared, holder="test", on_tick=self._tick, pace=pace)

    def _rest(self, seconds: float) -> None:
        now = self.clock.now()
        change = self.stage.world.next_change(now)
        until = now + timedelta(seconds=seconds)
        self.clock.sleep(((min(change, until) if change else until) - now).total_seconds())

    def _tick(self, tick: Tick) -> None:
        assert tick.observation is not None
        serving = sum(backend.state == "serving" for backend in tick.observation.traffic.backends)
        self.least = min(self.least, serving)

    def _effect(self, effect: Effect) -> None:
        if effect.kind == "launch":
            self.launched.append((effect.machine.slot, effect.machine.zone))
        if effect.kind == "drain" and effect.machine.slot not in self.drained:
            self.drained.append(effect.machine.slot)
        self.most = max(self.most, len(self.stage.world.living(self.stage.fleet)))


@st.composite
def fleets(draw: st.DrawFn) -> tuple[Watched, int]:
    """A fleet of any policy whose instances take any time; and its size."""
    size = draw(st.integers(1, 8))
    zones = tuple(ZoneName(name) for name in "abc"[: draw(st.integers(1, 3))])
    rollout = RolloutPolicy(
        strategy=draw(st.sampled_from(["rolling", "rolling", "canary", "blue-green"])),
        surge=draw(st.sampled_from([Amount(value=25, percent=True), Amount(value=1), Amount(value=3)])),
        unavailable=Amount(value=draw(st.integers(0, min(2, size - 1)))),
        pause_seconds=40.0,
        keep_seconds=90.0,
    )
    few = st.sampled_from([None, None, Amount(value=1), Amount(value=3)])
    policy = replace(POLICY, zones=zones, rollout=rollout, budget=BudgetPolicy(per_hour=draw(few), per_zone=draw(few)))
    behaviour = Behaviour(
        start_seconds=draw(st.sampled_from([0.5, 4.0])), healthy_after_seconds=draw(st.sampled_from([1.0, 7.5]))
    )
    return Watched(policy=policy, behaviour=behaviour, drain_seconds=draw(st.sampled_from([0.0, 0.5, 6.0, 60.0]))), size


@given(fleet=fleets(), data=st.data())
@settings(max_examples=60)
def test_what_is_foretold_is_what_happens(fleet: tuple[Watched, int], data: st.DataObject) -> None:
    """Never another order, other zones, another peak, fewer serving, or another time than were said before."""
    watched, size = fleet
    watched.change(1, size)
    watched.change(2, size)
    watched.clock.sleep(data.draw(st.sampled_from([0.0, 1500.0, 7200.0])))
    release, wanted = data.draw(
        st.sampled_from([(3, size), (1, size), (2, size + 2), (3, size + 1), (2, max(1, size - 2))])
    )
    event(f"{watched.policy.rollout.strategy}, r{release}")
    told = watched.foretell(release, wanted)
    seconds = watched.change(release, wanted)
    assert told.finished, told.unfinished
    assert [(one.slot, one.zone) for batch in told.batches for one in batch.launches] == watched.launched
    assert [one.slot for batch in told.batches for one in batch.retires] == watched.drained
    assert (told.peak, told.least_serving) == (watched.most, watched.least)
    assert abs(told.seconds - seconds) <= A_LOOK * (len(told.batches) + 2)
