"""What is revoked is never launched: by two controllers at once, killed at any step, while a person revokes."""

from collections.abc import Callable
from random import Random

import pytest

from repave.controller.converge import Controller
from repave.model.names import InstanceId
from repave.model.plan import Phase
from repave.simulation.stage import Stage
from repave.simulation.world import Behaviour, ControllerKilled, Fault, World

SECOND_ACTS, REVOKES, KILLS = 0.2, 0.04, 0.05
"""How often, of all calls that one controller makes."""


class Rivals:
    """One fleet, two controllers that act in the midst of each other's calls, and a person who revokes."""

    def __init__(self, put: Callable[..., Controller], seed: int) -> None:
        self.stage = Stage(world=World(seed=seed))
        self._put = put
        self._inside = self._launching = False
        self._lives = 0
        self._second = self._new()
        self.revoked: dict[int, set[InstanceId]] = {}
        """By release, the instances of it that were started before."""

    def act(self, seconds: float) -> None:
        """The first acts for so long, whoever kills it."""
        clock = self.stage.world.clock
        begun = clock.now()
        while (clock.now() - begun).total_seconds() < seconds:
            try:
                self._new().keep([self.stage.fleet], until=lambda: (clock.now() - begun).total_seconds() >= seconds)
            except ControllerKilled:
                clock.sleep(0.1)

    def meddle(self, number: int, name: str, chance: Random) -> Fault | None:
        """What happens in the midst of a call."""
        del number
        outer, self._launching = self._launching, self._launching or name == "launch"
        try:
            self._interrupt(chance)
        finally:
            self._launching = outer
        return chance.choice((Fault.KILLED_BEFORE, Fault.KILLED_AFTER)) if chance.random() < KILLS else None

    def _interrupt(self, chance: Random) -> None:
        if not self._inside and chance.random() < SECOND_ACTS:
            self._inside = True
            try:
                self._second.keep([self.stage.fleet], until=lambda: True)
            except ControllerKilled:
                self._second = self._new()
            finally:
                self._inside = False
        # A launch that is under way at this very moment was given before: it is not what is asked about.
        if not self._launching and chance.random() < REVOKES:
            self.revoke()

    def revoke(self) -> None:
        """The wanted release, in the midst of whatever happens."""
        release = self.stage.target.release
        if release not in self.revoked:
            self.stage.revoke(release)
            self.revoked[release] = set(self.of(release))

    def of(self, release: int) -> list[InstanceId]:
        """All that were ever started of it."""
        machines = self.stage.world.machines.values()
        return [machine.id for machine in machines if machine.revision.release == release]

    def _new(self) -> Controller:
        self._lives += 1
        return self._put(self.stage, f"life {self._lives}", lambda _: None)


@pytest.mark.parametrize("seed", range(30))
def test_what_is_revoked_is_never_launched(controller_on: Callable[..., Controller], seed: int) -> None:
    """Whoever acts, and whenever they are killed; once a good release is wanted, none of the revoked is left."""
    rivals = Rivals(controller_on, seed)
    stage, chance = rivals.stage, rivals.stage.world.chance
    stage.want(1, 4, Behaviour())
    rivals.act(30)
    stage.world.fault = rivals.meddle
    for release in range(2, 7):
        stage.want(release, 4, Behaviour(dies_after_seconds=chance.choice((None, None, 9.0))))
        rivals.act(chance.choice((2.0, 10.0, 40.0)))
        for machine in stage.world.living(stage.fleet)[:1]:
            stage.world.kill(machine.id)
        rivals.act(5)
    stage.world.fault = None
    rivals.revoke()
    rivals.act(60)
    for revoked, before in rivals.revoked.items():
        assert set(rivals.of(revoked)) == before, f"r{revoked} was launched after it was revoked"
    stage.want(7, 4, Behaviour())
    rivals.act(120)
    last = stage.store.last_plan(stage.fleet)
    assert last is not None
    assert last.phase is Phase.CONVERGED, last
    assert not stage.astray(), stage.astray()
