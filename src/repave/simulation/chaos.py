"""Chaos: what a bad day does to calls, to machines and to the controller, all of it from the world's one seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from repave.simulation.stage import Stage
from repave.simulation.world import Behaviour, Fault

BEHAVIOURS: Mapping[str, Behaviour] = {
    "well": Behaviour(),
    "slow": Behaviour(start_seconds=4.0, healthy_after_seconds=8.0),
    "dead at once": Behaviour(dies_after_seconds=0.0),
    "dead before it is healthy": Behaviour(healthy_after_seconds=6.0, dies_after_seconds=3.0),
    "dead after a while": Behaviour(dies_after_seconds=9.0),
    "ill after a while": Behaviour(ill_after_seconds=8.0),
    "never healthy": Behaviour(never_healthy=True),
}
"""How a release may turn out."""

GOOD = ("well", "slow")


def flaky(rate: float, faults: Sequence[Fault] = tuple(Fault)) -> "Flaky":
    """Faults for so great a share of all calls."""
    return Flaky(rate=rate, faults=tuple(faults))


@dataclass(frozen=True, kw_only=True)
class Flaky:
    """Which fault a call meets, by chance."""

    rate: float
    faults: tuple[Fault, ...]

    def __call__(self, number: int, name: str, chance: Random) -> Fault | None:
        """None: the call goes well."""
        del number, name
        return chance.choice(self.faults) if chance.random() < self.rate else None


@dataclass(kw_only=True)
class Chaos:
    """Does one thing after the other to a stage, and puts everything right in the end."""

    stage: Stage
    sizes: Sequence[int] = (1, 2, 3, 4, 6)
    releases: int = 0
    told: list[str] = field(default_factory=list)
    """What was done: a run that fails prints it."""

    def strike(self) -> None:
        """Do something, whatever chance says."""
        deeds = (
            self._deploy,
            self._deploy,
            self._resize,
            self._kill,
            self._hang,
            self._zone,
            self._balancer,
            self._blindness,
            self._calls,
            self._slowness,
        )
        self.stage.world.chance.choice(deeds)()

    def end(self) -> None:
        """Nothing bad happens any more; what is ill stays ill until it is replaced."""
        world = self.stage.world
        world.fault, world.partial, world.partial_traffic = None, "", ""
        world.balancer_delay_seconds = 0.0
        for zone in self.stage.policy.zones:
            world.start_zone(zone)
        self._tell("the bad day is over")

    def _deploy(self) -> None:
        kind = self.stage.world.chance.choice((*GOOD, *BEHAVIOURS))
        self.deploy(kind)

    def deploy(self, kind: str) -> None:
        """A new release of this kind."""
        target = self.stage.store.target(self.stage.fleet)
        self.releases += 1
        size = self.stage.world.chance.choice(self.sizes) if target is None else target.size
        self.stage.want(self.releases, size, BEHAVIOURS[kind])
        self._tell(f"r{self.releases} is deployed: {kind}")

    def _resize(self) -> None:
        target = self.stage.target
        size = self.stage.world.chance.choice(self.sizes)
        self.stage.want(target.release, size)
        self._tell(f"{size} are wanted")

    def _kill(self) -> None:
        living = self.stage.world.living(self.stage.fleet)
        if living:
            victim = self.stage.world.chance.choice(living)
            self.stage.world.kill(victim.id)
            self._tell(f"{victim.slot} dies")

    def _hang(self) -> None:
        living = self.stage.world.living(self.stage.fleet)
        if living:
            victim = self.stage.world.chance.choice(living)
            self.stage.world.hang(victim.id)
            self._tell(f"{victim.slot} hangs")

    def _zone(self) -> None:
        zone = self.stage.world.chance.choice(self.stage.policy.zones)
        if zone in self.stage.world.stopped_zones:
            self.stage.world.start_zone(zone)
            self._tell(f"zone {zone} is back")
        else:
            self.stage.world.stop_zone(zone)
            self._tell(f"zone {zone} is lost")

    def _balancer(self) -> None:
        self.stage.world.kill_balancer()
        self._tell("the balancer dies")

    def _blindness(self) -> None:
        world = self.stage.world
        world.partial = world.chance.choice(("", "", "a page is missing"))
        world.partial_traffic = world.chance.choice(("", "", "one process did not answer"))
        self._tell(f"lists are {'partial' if world.partial or world.partial_traffic else 'whole'}")

    def _calls(self) -> None:
        rate = self.stage.world.chance.choice((0.0, 0.02, 0.1, 0.3))
        self.stage.world.fault = flaky(rate)
        self._tell(f"{rate:.0%} of all calls meet a fault")

    def _slowness(self) -> None:
        self.stage.world.balancer_delay_seconds = self.stage.world.chance.choice((0.0, 2.0, 5.0))
        self._tell(f"the balancer is {self.stage.world.balancer_delay_seconds:g} s behind")

    def _tell(self, deed: str) -> None:
        self.told.append(f"{self.stage.world.clock.now():%H:%M:%S} {deed}")
