"""Workers: who counts since when, who is leaving, and that nothing of it hangs on this process."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from repave.balancers.beside import WithWorkers
from repave.balancers.workers.balancer import Workers
from repave.model.names import FleetKey, FleetName, InstanceId, SlotId, ZoneName
from repave.model.observation import Backend, MachineState, TrafficState
from repave.model.policy import HealthPolicy
from repave.model.release import Revision
from repave.ports.errors import Conflict, Corrupt, Gone
from repave.ports.provider import LaunchOrder
from repave.ports.traffic import Frontend
from repave.simulation.balancer import SimulatedBalancer
from repave.simulation.clock import SimulatedClock
from repave.simulation.provider import SimulatedProvider
from repave.simulation.stage import FLEET, Stage
from repave.simulation.world import Behaviour, World

STEADY = 10.0
OTHER = replace(FLEET, fleet=FleetName("mailer"))


@dataclass(kw_only=True)
class Bench:
    """Workers over a simulated provider."""

    folder: Path
    world: World = field(default_factory=World)
    behaviour: Behaviour = field(default_factory=Behaviour)

    def __post_init__(self) -> None:
        """A revision without a port, published."""
        self.provider = SimulatedProvider(self.world)
        self.revision: Revision = replace(Stage().revision(1), port=None)
        self.world.published.add(self.revision.artifact)
        self.world.behaviours[self.revision.id] = self.behaviour
        self.workers = self.reopened()

    def reopened(self) -> Workers:
        """As another process of repave sees them."""
        return Workers(self.folder, clock=self.world.clock, machines=self.provider)

    def frontend(self, fleet: FleetKey = FLEET, *, steady: float | None = STEADY) -> Frontend:
        """As the file declares it."""
        health = HealthPolicy(steady_seconds=steady)
        return Frontend(fleet=fleet, listen=None, health=health, drain_timeout_seconds=30.0)

    def launched(self, number: int = 1, fleet: FleetKey = FLEET) -> InstanceId:
        """One that runs."""
        order = LaunchOrder(
            fleet=fleet, slot=SlotId(f"web-{number}"), zone=ZoneName("a"), revision=self.revision, generation=1
        )
        instance = self.provider.launch(order)
        self.world.clock.sleep(self.behaviour.start_seconds)
        return instance

    def running(self, number: int = 1) -> InstanceId:
        """One that runs, and is attached."""
        instance = self.launched(number)
        self.attach(instance)
        return instance

    def attach(self, instance: InstanceId, *, generation: int = 1, standby: bool = False) -> None:
        """As the controller does."""
        self.workers.attach(FLEET, instance, address="10.0.0.1", port=None, generation=generation, standby=standby)

    def seen(self, instance: InstanceId) -> Backend:
        """How it is counted now."""
        return next(one for one in self.workers.observe(FLEET).backends if one.instance == instance)

    def process(self, instance: InstanceId) -> MachineState:
        """What its provider says."""
        return next(one.state for one in self.provider.observe(FLEET).instances if one.id == instance)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """With the fleet ensured."""
    bench = Bench(folder=tmp_path / "workers")
    assert bench.workers.ensure(bench.frontend()) == ""
    return bench


def test_a_worker_is_well_once_it_has_run_so_long(bench: Bench) -> None:
    """And it is told when that will be, so that nobody need ask before."""
    instance = bench.running()
    begun = bench.world.clock.now()
    seen = bench.seen(instance)
    assert (seen.state, seen.passes_from) == (TrafficState.CHECKING, begun + timedelta(seconds=STEADY))
    bench.world.clock.sleep(STEADY - 0.1)
    assert bench.seen(instance).state is TrafficState.CHECKING
    bench.world.clock.sleep(0.1)
    seen = bench.seen(instance)
    assert (seen.state, seen.since) == (TrafficState.SERVING, begun + timedelta(seconds=STEADY))


def test_what_has_ended_is_never_well(bench: Bench) -> None:
    """However long ago it was attached: a provider says that it runs, and since when."""
    dead, late = bench.running(), bench.launched(2)
    bench.world.kill(dead)
    bench.world.clock.sleep(STEADY / 2)
    bench.attach(late)
    bench.world.clock.sleep(STEADY)
    assert bench.seen(dead).state is TrafficState.CHECKING
    assert bench.seen(late).state is TrafficState.SERVING
    absent = InstanceId("nobody-sees-it")
    bench.attach(absent)
    bench.world.clock.sleep(STEADY)
    assert bench.seen(absent).state is TrafficState.CHECKING


def test_who_starts_late_is_well_late(tmp_path: Path) -> None:
    """It was attached while it was made ready: what counts is how long it runs."""
    bench = Bench(folder=tmp_path)
    bench.workers.ensure(bench.frontend())
    early = InstanceId("sim-1")
    bench.attach(early)
    bench.world.clock.sleep(STEADY - 1)
    assert bench.launched() == early
    begun = next(one.started_at for one in bench.provider.observe(FLEET).instances)
    bench.world.clock.sleep(1)
    seen = bench.seen(early)
    assert (seen.state, seen.passes_from) == (TrafficState.CHECKING, begun + timedelta(seconds=STEADY))
    bench.world.clock.sleep(STEADY)
    assert bench.seen(early).state is TrafficState.SERVING


def test_it_is_counted_from_its_start_on_by_every_process(bench: Bench) -> None:
    """Attaching again, here or by another process, begins nothing anew; detaching does."""
    instance = bench.running()
    bench.world.clock.sleep(STEADY)
    bench.attach(instance)
    bench.workers = bench.reopened()
    bench.attach(instance)
    assert bench.seen(instance).state is TrafficState.SERVING
    bench.workers.detach(FLEET, instance, generation=1)
    bench.workers.detach(FLEET, instance, generation=1)
    assert not bench.workers.observe(FLEET).backends
    bench.attach(instance)
    assert bench.seen(instance).state is TrafficState.CHECKING


def test_a_clock_that_is_set_back_makes_nobody_young_again(bench: Bench) -> None:
    """Who was well stays well; a longer time that is declared later holds for those that come later."""
    instance = bench.running()
    bench.world.clock.sleep(STEADY)
    assert bench.seen(instance).state is TrafficState.SERVING
    an_hour_ago = SimulatedClock(bench.world.clock.now() - timedelta(hours=1))
    bench.workers = Workers(bench.folder, clock=an_hour_ago, machines=bench.provider)
    bench.workers.ensure(bench.frontend(steady=7200.0))
    assert bench.seen(instance).state is TrafficState.SERVING
    later = bench.running(2)
    an_hour_ago.sleep(3600.0)
    assert bench.seen(later).state is TrafficState.CHECKING


def test_one_that_leaves_finishes_what_it_has_begun(bench: Bench) -> None:
    """It is asked to end, once; that it has ended its provider tells. It does not come back by being attached."""
    instance = bench.running()
    bench.world.clock.sleep(STEADY)
    asked = bench.world.clock.now()
    for workers in (bench.workers, bench.workers, bench.reopened()):
        workers.drain(FLEET, instance, generation=1)
    bench.attach(instance)
    seen = bench.seen(instance)
    assert (seen.state, seen.since, seen.detail) == (TrafficState.DRAINING, asked, "finishes its work")
    assert bench.process(instance) is MachineState.RUNNING
    bench.world.clock.sleep(1.0)
    assert bench.process(instance) is MachineState.STOPPED


def test_one_that_does_not_listen_is_not_waited_for(tmp_path: Path) -> None:
    """Nothing would come of it."""
    bench = Bench(folder=tmp_path, behaviour=Behaviour(finishes_after_seconds=None))
    bench.workers.ensure(bench.frontend())
    instance = bench.running()
    bench.workers.drain(FLEET, instance, generation=1)
    assert bench.seen(instance).state is TrafficState.DRAINED
    assert bench.process(instance) is MachineState.RUNNING


def test_one_that_stands_by_is_ready_and_serves_once_it_is_admitted(bench: Bench) -> None:
    """As the port has it, although no strategy of workers asks for it."""
    order = bench.running()
    bench.workers.stand_by(FLEET, order, generation=1)
    bench.world.clock.sleep(STEADY + 5)
    assert bench.seen(order).state is TrafficState.READY
    bench.workers.admit(FLEET, order, generation=1)
    bench.workers.admit(FLEET, order, generation=1)
    seen = bench.seen(order)
    assert (seen.state, seen.since) == (TrafficState.SERVING, bench.world.clock.now())


def test_who_was_overtaken_changes_nothing(bench: Bench) -> None:
    """Rule 5 of the ports."""
    instance = bench.running()
    bench.attach(instance, generation=5)
    for order in (bench.workers.drain, bench.workers.admit, bench.workers.stand_by, bench.reopened().detach):
        with pytest.raises(Conflict, match="older than 5"):
            order(FLEET, instance, generation=4)
    with pytest.raises(Conflict, match="older than 5"):
        bench.attach(InstanceId("another"), generation=4)
    assert bench.seen(instance).state is TrafficState.CHECKING


def test_the_unknown_is_gone(bench: Bench) -> None:
    """Rules 2 and 3 of the ports."""
    stranger = InstanceId("never-launched")
    for order in (bench.workers.drain, bench.workers.admit, bench.workers.stand_by):
        with pytest.raises(Gone, match="never-launched"):
            order(FLEET, stranger, generation=1)
    with pytest.raises(Gone, match="not known to have workers"):
        bench.workers.drain(OTHER, stranger, generation=1)
    bench.workers.detach(OTHER, stranger, generation=1)
    assert not bench.workers.observe(OTHER).backends


def test_what_is_kept_and_cannot_be_read_is_told(bench: Bench) -> None:
    """Never taken for nobody; moved away, everybody is counted again."""
    instance = bench.running()
    kept = bench.folder / "workers.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    for torn in ("", "{}", '{"format": 2, "fleets": []}', '{"format": 1, "fleets": [{"fleet": {}}]}'):
        kept.write_text(torn)
        with pytest.raises(Corrupt, match=r"workers\.json"):
            bench.workers.observe(FLEET)
    kept.unlink()
    assert not bench.workers.observe(FLEET).backends
    bench.workers.ensure(bench.frontend())
    bench.attach(instance)
    assert bench.seen(instance).state is TrafficState.CHECKING


def test_each_fleet_is_with_the_balancer_or_with_the_workers(bench: Bench) -> None:
    """By what the file says of its port; a removed one is with neither."""
    balancer = SimulatedBalancer(bench.world)
    traffic = WithWorkers(balancer, bench.workers)
    assert traffic.ensure(bench.frontend(OTHER, steady=None)).startswith("http://")
    assert traffic.ensure(bench.frontend()) == ""
    worker, web = bench.launched(), bench.launched(2, OTHER)
    for fleet, instance in ((FLEET, worker), (OTHER, web)):
        traffic.attach(fleet, instance, address="10.0.0.1", port=None, generation=1)
        traffic.stand_by(fleet, instance, generation=1)
        traffic.admit(fleet, instance, generation=1)
    assert [one.instance for one in bench.workers.observe(FLEET).backends] == [worker]
    assert [one.instance for one in balancer.observe(OTHER).backends] == [web]
    assert not balancer.observe(FLEET).backends
    assert traffic.observe(FLEET).endpoint == ""
    traffic.drain(FLEET, worker, generation=1)
    traffic.detach(OTHER, web, generation=1)
    assert not traffic.observe(OTHER).backends
    assert traffic.describe() == balancer.describe()
    (bench.folder / "workers.json").write_text("{", encoding="utf-8")
    assert traffic.observe(OTHER).endpoint, "what cannot be read of workers is no trouble of others"
    with pytest.raises(Corrupt):
        traffic.observe(FLEET)
    (bench.folder / "workers.json").unlink()
    for fleet in (FLEET, OTHER):
        traffic.remove(fleet)
        traffic.remove(fleet)
        assert not traffic.observe(fleet).backends
    assert not bench.workers.knows(FLEET)
