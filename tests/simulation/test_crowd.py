"""What the invariant of the crowd leaves out, and that it leaves out nothing else."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from repave.controller import tick
from repave.model.names import InstanceId, SlotId, ZoneName
from repave.model.plan import Hold, Launch, Phase, Plan, Rule, Step, Terminate
from repave.planner import fleet as planner
from repave.simulation.invariants import Deed, crowd
from repave.simulation.life import Mandate
from repave.simulation.machines import WELL, Machine
from repave.simulation.months import plain_month
from repave.simulation.stage import Stage
from repave.simulation.watch import Watch
from repave.simulation.world import Effect
from repave.wiring.simulating import played

SIZE = 4
ALLOWED = SIZE + 1
"""A quarter above it."""


class Scene:
    """A fleet of four in which one more lives than may."""

    def __init__(self) -> None:
        self.stage = Stage(size=SIZE)
        self.revision = self.stage.want(1, SIZE)
        self.watch = Watch(self.stage)
        for number in range(1, ALLOWED + 1):
            self._start(number)

    def mandate(self, *steps: Step, size: int = SIZE, generation: int = 1, rule: Rule = Rule.STARTING) -> Mandate:
        """One that launches the last, and does this besides."""
        hold = Hold(subject="fleet", rule=rule, detail="", since=self.stage.world.clock.now())
        plan = Plan(
            fleet=self.stage.fleet,
            parent=generation - 1,
            at=self.stage.world.clock.now(),
            phase=Phase.ROLLING,
            summary="",
            steps=(self._order(ALLOWED + 1), *steps),
            holds=(hold,),
        )
        target = replace(self.stage.target, generation=generation)
        return Mandate(plan=plan, target=target, size=size, seen=frozenset())

    def complaints(self, counted: Mandate) -> list[str]:
        """Of the launch of one more, by this mandate."""
        effect = Effect(kind="launch", machine=self._start(ALLOWED + 1), fleet=self.stage.fleet, generation=1)
        deed = Deed(effect=effect, mandate=counted, stage=self.stage, counted=counted, taken=frozenset(), newest=0)
        return list(crowd(deed))

    def watched(self, *mandates: Mandate) -> list[str]:
        """The invariants that break when one more is launched by the last of these."""
        for mandate in mandates:
            self.watch.committed(mandate)
        self._start(ALLOWED + 1, generation=mandates[-1].target.generation)
        return [broken.invariant for broken in self.watch.broken]

    def _order(self, number: int) -> Launch:
        return Launch(slot=SlotId(f"web-{number}"), revision=self.revision.id, zone=ZoneName("a"), reason="")

    def _start(self, number: int, generation: int = 0) -> Machine:
        machine = Machine(
            id=InstanceId(f"sim-{number}"),
            fleet=self.stage.fleet,
            slot=SlotId(f"web-{number}"),
            zone=ZoneName("a"),
            revision=self.revision,
            launched_at=self.stage.world.clock.now(),
            behaviour=WELL,
            address="10.0.0.1",
        )
        self.stage.world.start(machine, generation)
        return machine


@pytest.fixture
def scene() -> Scene:
    """Five live, and may."""
    return Scene()


def test_one_too_many_is_found(scene: Scene) -> None:
    """Four are wanted, with one above them."""
    assert scene.complaints(scene.mandate())


def test_who_is_of_no_use_by_what_was_seen_does_not_count(scene: Scene) -> None:
    """Its cure must not wait for it."""
    assert not scene.complaints(replace(scene.mandate(), useless=frozenset({InstanceId("sim-1")})))


def test_who_is_ended_by_the_same_plan_does_not_count(scene: Scene) -> None:
    """It goes while the other comes."""
    assert not scene.complaints(scene.mandate(Terminate(instance=InstanceId("sim-1"), slot=SlotId("web-1"), reason="")))


def test_who_is_dead_does_not_count(scene: Scene) -> None:
    """Whatever was seen of it."""
    scene.stage.world.kill(InstanceId("sim-1"))
    assert not scene.complaints(scene.mandate())


@pytest.mark.parametrize(
    "deed",
    [
        lambda scene: scene.stage.world.hang(InstanceId("sim-1")),
        lambda scene: scene.stage.balancer.detach(scene.stage.fleet, InstanceId("sim-1"), generation=1),
    ],
    ids=["ceased to answer", "detached"],
)
def test_who_was_not_known_to_be_of_no_use_counts(scene: Scene, deed: Callable[[Scene], None]) -> None:
    """What happened after the look, or was to happen by an earlier plan, made no room."""
    deed(scene)
    assert scene.complaints(scene.mandate())


def test_an_order_is_judged_by_the_mandate_that_gave_it(scene: Scene) -> None:
    """It was given while five were wanted; that four are now speaks against those alone who give it again."""
    assert "crowd" not in scene.watched(scene.mandate(size=5), scene.mandate(size=4, generation=2, rule=Rule.UNSEEN))


def test_who_gives_an_order_again_sees_that_it_has_room(scene: Scene) -> None:
    """Whoever sees all, and gives it again, gives it anew."""
    assert "crowd" in scene.watched(scene.mandate(size=5), scene.mandate(size=4, generation=2))


def test_orders_that_nobody_needs_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planner that gives every order again, however few are wanted by now, has too many alive."""
    monkeypatch.setattr(planner, "surplus_orders", lambda *_: ())
    monkeypatch.setattr(tick, "check", lambda *_: None)
    assert {broken.invariant for broken in played(plain_month(21)).watch.broken} == {"crowd"}
