"""A deploy that is killed, raced, throttled and left without answers: it goes on, and nothing is done twice."""

import shutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import RLock
from typing import cast

import pytest
from convergence import PACE
from kept_store import new_store

from repave.controller.converge import Controller
from repave.controller.ending import Convergence
from repave.controller.ports import Declared, Ports
from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    FleetName,
    ImageName,
    ProjectName,
    ReleaseNumber,
    ZoneName,
)
from repave.model.policy import FleetPolicy, HealthPolicy
from repave.model.release import Revision, SecretReference
from repave.ports.errors import Gone
from repave.ports.intent import Aim
from repave.ports.provider import Machines
from repave.ports.store import Store
from repave.ports.traffic import Frontend, Traffic
from repave.simulation.balancer import SimulatedBalancer
from repave.simulation.provider import SimulatedProvider
from repave.simulation.world import Behaviour, Fault, World
from repave.store.sql import SqlStore

FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
HEALTH = HealthPolicy(interval_seconds=0.1, timeout_seconds=0.1, healthy=1, unhealthy=3, grace_seconds=20)
SIZE = 2
SURGE = 1

DOING = frozenset({"commit", "settle", "launch", "attach", "drain", "detach", "terminate"})
"""Calls before which another controller's work matters most."""

WRITING = DOING | {"ensure", "see", "keep_plan", "record", "acquire"}
"""Calls that leave something behind; being killed at any other is being killed after the last of these."""


def revision(release: int) -> Revision:
    """What the fleet is asked to run."""
    return Revision(
        release=ReleaseNumber(release), image=ImageName("web"), artifact=Digest(f"sha256:{release:064d}"), port=80
    )


OLD, NEW = revision(1), revision(2)


class NoSecrets:
    """There are none."""

    def resolve(self, reference: SecretReference) -> str:
        """Raises Gone."""
        raise Gone(f"there is no secret {reference}")


@dataclass(kw_only=True)
class Scene:
    """One world and one store, at one moment."""

    world: World
    store: SqlStore

    @property
    def balancer(self) -> SimulatedBalancer:
        """It keeps nothing itself: the world does."""
        return SimulatedBalancer(self.world)

    def copy(self, other: SqlStore) -> "Scene":
        """The same once more, apart from the first; whatever was in the other store is gone."""
        world = deepcopy(self.world, {id(self.world._lock): RLock()})
        mine, others = (Path(store._database.where).parent for store in (self.store, other))
        other.close()
        shutil.rmtree(others)
        shutil.copytree(mine, others)
        return Scene(world=world, store=other)

    def controller(self, holder: str, life: "Life | None" = None) -> Controller:
        """A controller of its own process; whoever held the lease before it is dead."""
        through = life or Life(scene=self)
        ports = Ports(
            store=cast("Store", Through(self.store, through)),
            machines=cast("Machines", Through(SimulatedProvider(self.world), through)),
            traffic=cast("Traffic", Through(self.balancer, through)),
            secrets=NoSecrets(),
            clock=self.world.clock,
        )
        declared = Declared(policy=policy, frontend=frontend)
        return Controller(ports, declared, holder=holder, pace=PACE, is_dead=lambda other: other != holder)

    def converge(self, holder: str = "me", life: "Life | None" = None, timeout_seconds: float = 300) -> Convergence:
        """To the end."""
        (result,) = self.controller(holder, life).converge([FLEET], timeout_seconds=timeout_seconds)
        return result

    def want(self, wanted: Revision) -> None:
        """What a deploy writes down."""
        self.world.published.add(wanted.artifact)
        self.store.add_revision(FLEET, wanted)
        aim = Aim(revision=wanted.id, release=wanted.release, size=SIZE, reason="deploy")
        self.store.aim(FLEET, aim, self.world.clock.now())

    def check_now(self) -> None:
        """What must hold at every moment of a rollout."""
        living = self.world.living(FLEET)
        assert len(self.balancer.serving(FLEET)) >= SIZE, "fewer serve than wanted"
        assert len(living) <= SIZE + SURGE, "more live than the surge allows"

    def check_at_the_end(self) -> None:
        """What must hold after it: exactly what was asked, and nothing was started in vain."""
        living = self.world.living(FLEET)
        assert [machine.revision for machine in living] == [NEW] * SIZE
        assert sorted(self.balancer.serving(FLEET)) == sorted(machine.id for machine in living)
        assert len(self.world.machines) == 2 * SIZE, "something was launched twice"
        target = self.store.target(FLEET)
        assert target is not None
        assert target.orders == ()


@dataclass(kw_only=True)
class Life:
    """The life of one controller's process: every call it makes goes through here."""

    scene: Scene
    before: Callable[[str], None] | None = None
    wrote: Callable[[int], None] | None = None
    """Told of each writing call right after it, with how many there were."""

    checked: bool = False
    writes: int = 0
    calls: list[str] = field(default_factory=list)

    def call(self, name: str, work: Callable[[], object]) -> object:
        """One call."""
        self.calls.append(name)
        if self.before is not None:
            self.before(name)
        answer = work()
        if self.checked:
            self.scene.check_now()
        if name in WRITING:
            self.writes += 1
            if self.wrote is not None:
                self.wrote(self.writes)
        return answer


class Through:
    """A port, every call of which goes through a life."""

    def __init__(self, inner: object, life: Life) -> None:
        self._inner = inner
        self._life = life

    def __getattr__(self, name: str) -> Callable[..., object]:
        method: Callable[..., object] = getattr(self._inner, name)
        return lambda *given, **named: self._life.call(name, lambda: method(*given, **named))


def policy(fleet: FleetKey) -> FleetPolicy:
    """A quick one."""
    return FleetPolicy(fleet=fleet, zones=(ZoneName("a"), ZoneName("b")), health=HEALTH, drain_timeout_seconds=1)


def frontend(fleet: FleetKey) -> Frontend:
    """Where clients reach it."""
    return Frontend(fleet=fleet, listen=None, health=HEALTH, drain_timeout_seconds=1)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Two instances of the old release serve, and the new one has just been asked for."""
    world = World()
    world.drain_seconds = 0.1
    for each in (OLD, NEW):
        world.behaviours[each.id] = Behaviour(start_seconds=0.1, healthy_after_seconds=0.0)
    (tmp_path / "first").mkdir()
    store = new_store(tmp_path / "first" / "store.db")
    made = Scene(world=world, store=store)
    made.want(OLD)
    assert made.converge().reached
    made.want(NEW)
    yield made
    store.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[SqlStore]:
    """For one copy of a scene after another: a store of its own for each would compile every question anew."""
    (tmp_path / "other").mkdir()
    store = new_store(tmp_path / "other" / "store.db")
    yield store
    store.close()


def test_killed_after_any_call_the_deploy_goes_on_with_no_double_no_orphan_and_no_gap(
    scene: Scene, other: SqlStore
) -> None:
    """Promise 8: kill -9 at every moment that leaves something behind, then started again."""

    def killed(moment: int) -> None:
        # What is on the disk and in the world now is all that a killed process leaves: nothing of it runs any more.
        again = scene.copy(other)
        again.world.clock.sleep(moment % 3)
        assert again.converge("next", Life(scene=again, checked=True)).reached, f"killed after write {moment}"
        again.check_at_the_end()

    life = Life(scene=scene, wrote=killed, checked=True)
    assert scene.converge("me", life).reached
    scene.check_at_the_end()
    assert life.writes > 50


def test_two_controllers_at_once_do_nothing_twice(scene: Scene, other: SqlStore) -> None:
    """Promise 8: one is overtaken before each of its deeds by another that believes it dead; generations fence them."""
    whole = scene.copy(other)
    life = Life(scene=whole)
    whole.converge("me", life)
    for moment in [number for number, name in enumerate(life.calls, 1) if name in DOING]:
        again = scene.copy(other)
        first = Life(scene=again, checked=True)
        second = again.controller("other", Life(scene=again, checked=True))

        def overtake(_: str, first: Life = first, second: Controller = second, moment: int = moment) -> None:
            if len(first.calls) == moment:
                turns = iter([False, False, True])
                second.keep([FLEET], until=lambda: next(turns))

        first.before = overtake
        assert again.converge("me", first).reached, f"overtaken before call {moment}"
        again.check_at_the_end()


def test_a_launch_that_times_out_after_having_worked_is_not_given_a_second_instance(scene: Scene) -> None:
    """Promise 8: the order stays open, the same slot is asked for again, and the one instance is found."""
    late = iter([Fault.TIMED_OUT] * SIZE)
    scene.world.fault = lambda _calls, name, _chance: next(late, None) if name == "launch" else None
    assert scene.converge("me", Life(scene=scene, checked=True)).reached
    assert next(late, None) is None
    scene.check_at_the_end()


def test_throttled_calls_are_made_again_when_they_may_be(scene: Scene) -> None:
    """Every second call is refused: in looking and in acting."""
    scene.world.fault = lambda calls, _name, _chance: Fault.THROTTLED if calls % 2 else None
    assert scene.converge("me", Life(scene=scene, checked=True)).reached
    scene.check_at_the_end()


def test_while_the_balancer_does_not_answer_nothing_is_taken_away(scene: Scene) -> None:
    """The deploy waits, says so, and goes on when it answers again."""
    ends = scene.world.clock.now().timestamp() + 30

    def silent(_calls: int, name: str, _chance: Random) -> Fault | None:
        down = 0.3 < 30 - (ends - scene.world.clock.now().timestamp()) < 30
        return Fault.UNREACHABLE if down and name == "observe traffic" else None

    scene.world.fault = silent
    assert scene.converge("me", Life(scene=scene, checked=True)).reached
    assert scene.world.clock.now().timestamp() >= ends
    scene.check_at_the_end()
    kinds = [event.kind for event in scene.store.events(FLEET)]
    assert kinds.count("unseen") == kinds.count("seen") == 1


def test_a_provider_that_shows_only_half_is_not_believed(scene: Scene) -> None:
    """A partial list neither ends nor starts anything; a time-out names it as the reason."""
    scene.world.partial = "page 2 was throttled"
    result = scene.converge("me", Life(scene=scene, checked=True), timeout_seconds=5)
    assert (result.reached, result.timed_out) == (False, True)
    assert "page 2 was throttled" in result.reason
    assert len(scene.world.machines) == SIZE
    scene.world.partial = ""
    assert scene.converge("me", Life(scene=scene, checked=True)).reached
    scene.check_at_the_end()


@pytest.mark.parametrize("seed", range(3))
def test_a_hostile_world_is_survived(scene: Scene, seed: int) -> None:
    """One call in five fails in one way or another; the wanted number serves all along."""
    chance = Random(seed)  # noqa: S311 - a test must be repeatable, not unguessable
    faults = [Fault.UNREACHABLE, Fault.THROTTLED, Fault.TIMED_OUT]
    scene.world.fault = lambda _calls, _name, _chance: chance.choice(faults) if chance.random() < 0.2 else None
    opened = Life(scene=scene, checked=True)
    assert scene.converge("me", opened).reached
    scene.check_at_the_end()
