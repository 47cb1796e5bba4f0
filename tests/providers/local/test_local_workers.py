"""Real workers in real containers, led by the real controller: what they have begun they finish."""

import os
import signal
from dataclasses import replace

import pytest
from local_desk import WEB, Desk

from repave.balancers.workers.balancer import Workers
from repave.controller.converge import Controller
from repave.controller.ending import Convergence
from repave.controller.ports import Declared, Ports
from repave.model.names import ReleaseNumber, ZoneName
from repave.model.observation import MachineState
from repave.model.plan import Phase
from repave.model.policy import FleetPolicy, HealthPolicy
from repave.model.release import Revision
from repave.ports.intent import Aim
from repave.ports.traffic import Frontend
from repave.simulation.memory.store import MemoryStore
from repave.simulation.stage import NoSecrets

pytestmark = pytest.mark.real

WORK = """
ending=; trap 'ending=yes' TERM; echo "port is ${PORT-none}"; number=0
while [ -z "$ending" ]; do
    number=$((number + 1)); echo "begun $number"; sleep 0.2; sleep 0.2; echo "done $number"
done
echo goodbye
"""
SIZE = 3
POLICY = FleetPolicy(
    fleet=WEB,
    zones=(ZoneName("a"), ZoneName("b")),
    health=HealthPolicy(steady_seconds=1.0, grace_seconds=30.0),
    drain_timeout_seconds=20.0,
)


class Crew:
    """Workers of a desk's provider."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.store = MemoryStore()
        self.workers = Workers(
            desk.surroundings.folder.parent / "workers", clock=desk.surroundings.clock, machines=desk.provider
        )

    def want(self, release: int, script: str = WORK) -> Convergence:
        """Have so many run this, and wait for it."""
        order = self.desk.order(command=("/bin/sh", "-c", f"echo r{release}\n{script}"))
        revision: Revision = replace(order.revision, release=ReleaseNumber(release), port=None)
        self.store.add_revision(WEB, revision)
        aim = Aim(revision=revision.id, release=revision.release, size=SIZE, reason="deploy")
        self.store.aim(WEB, aim, self.desk.surroundings.clock.now())
        return self.converge()

    def converge(self) -> Convergence:
        """By a controller of this process."""
        ports = Ports(
            store=self.store,
            machines=self.desk.provider,
            traffic=self.workers,
            secrets=NoSecrets(),
            clock=self.desk.surroundings.clock,
            metrics=(),
        )
        frontend = Frontend(fleet=WEB, listen=None, health=POLICY.health, drain_timeout_seconds=20.0)
        declared = Declared(policy=lambda _: POLICY, frontend=lambda _: frontend)
        [convergence] = Controller(ports, declared, holder="test").converge([WEB], timeout_seconds=60.0)
        return convergence

    def running(self) -> list[int]:
        """The releases of what runs."""
        seen = self.desk.seen().values()
        assert {one.port for one in seen} == {None}
        return sorted(one.release for one in seen if one.state is MachineState.RUNNING)


def test_a_release_cuts_no_work_off(desk: Desk) -> None:
    """Each of the old is asked to end, ends what it has begun, and says so last; the new know of no port."""
    crew = Crew(desk)
    assert crew.want(1).phase is Phase.CONVERGED
    old = list(desk.seen().values())
    assert crew.want(2).phase is Phase.CONVERGED
    assert crew.running() == [2] * SIZE
    for worker in old:
        first, second, *work, last = desk.said(worker)
        assert (first, second, last) == ("r1", "port is none", "goodbye")
        begun, done = ([line.split()[1] for line in work if line.startswith(word)] for word in ("begun", "done"))
        assert begun == done
        assert len(begun) > 1


def test_a_worker_that_dies_is_replaced_and_a_bad_release_goes_back(desk: Desk) -> None:
    """Both are seen by its process alone."""
    crew = Crew(desk)
    crew.want(1)
    os.kill(desk.pid(next(iter(desk.seen().values()))), signal.SIGKILL)
    assert crew.converge().phase is Phase.CONVERGED
    assert crew.running() == [1] * SIZE
    failed = crew.want(2, "echo no queue; exit 1")
    assert failed.rolled_back
    assert crew.running() == [1] * SIZE
    consoles = {slot: identity for identity, slot, _ in desk.provider.kept_consoles(WEB)}
    said = [list(desk.provider.console(WEB, identity)) for identity in consoles.values()]
    assert ["r2", "no queue"] in said


def test_one_that_listens_is_asked_and_goes_on_to_its_own_end(desk: Desk) -> None:
    """Nothing waits for it; what has no handler is asked nothing, for it would hear nothing."""
    ready = desk.launch(desk.order(command=("/bin/sh", "-c", WORK)))
    desk.until(lambda: "begun 1" in desk.said(ready))
    deaf = desk.launch(desk.order(slot="web-2"))
    desk.until(lambda: bool(desk.said(deaf)))
    assert desk.provider.finish(WEB, ready.id, generation=1)
    assert not desk.provider.finish(WEB, deaf.id, generation=1)
    desk.until(lambda: desk.seen()[ready.id].state is MachineState.STOPPED)
    assert desk.said(ready)[-1] == "goodbye"
    assert desk.seen()[deaf.id].state is MachineState.RUNNING
    assert not desk.provider.finish(WEB, ready.id, generation=1)
