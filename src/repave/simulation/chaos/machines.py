"""Faults of instances, and of what the provider says of them."""

from collections.abc import Callable
from dataclasses import replace

from repave.simulation.chaos.trouble import Trouble
from repave.simulation.machines import Behaviour, Machine

MOST_OMITTED = 3
LONGEST_LAG_SECONDS = 30.0
SLOWEST_START_SECONDS = 60.0


def omission(trouble: Trouble) -> Callable[[], None]:
    """Some instances are not listed."""
    world = trouble.stage.world
    world.stir()
    hidden = {machine.id for machine in _some(trouble, MOST_OMITTED)}
    world.inventory.lies.hidden |= hidden

    def shown() -> None:
        world.stir()
        world.inventory.lies.hidden -= hidden

    return shown


def stale(trouble: Trouble) -> Callable[[], None]:
    """Every list is so much behind."""
    world = trouble.stage.world
    world.stir()
    world.inventory.lies.lag_seconds = world.chance.uniform(1.0, LONGEST_LAG_SECONDS)

    def fresh() -> None:
        world.stir()
        world.inventory.lies.lag_seconds = 0.0

    return fresh


def twice(trouble: Trouble) -> Callable[[], None]:
    """Every launch starts two."""
    world = trouble.stage.world
    world.inventory.lies.twice += 1

    def once() -> None:
        world.inventory.lies.twice -= 1

    return once


def never_starts(trouble: Trouble) -> Callable[[], None]:
    """Some of those that are launched meanwhile."""
    return _fate(trouble, Behaviour(never_starts=True))


def slow_start(trouble: Trouble) -> Callable[[], None]:
    """Some of those that are launched meanwhile."""
    seconds = trouble.stage.world.chance.uniform(5.0, SLOWEST_START_SECONDS)
    return _fate(trouble, Behaviour(start_seconds=seconds))


def flap(trouble: Trouble) -> Callable[[], None]:
    """Some of those that live, and some of those that are launched meanwhile."""
    world = trouble.stage.world
    every = world.chance.uniform(3.0, 60.0)
    world.stir()
    flapping = _some(trouble, 6)
    before = [(machine, machine.behaviour) for machine in flapping]
    for machine in flapping:
        machine.behaviour = replace(machine.behaviour, flaps_every_seconds=every)
    undo = _fate(trouble, Behaviour(flaps_every_seconds=every))

    def steady() -> None:
        undo()
        for machine, behaviour in before:
            machine.behaviour = behaviour

    return steady


def die(trouble: Trouble) -> None:
    """Now."""
    for machine in _some(trouble, 6):
        trouble.stage.world.kill(machine.id)


def ill(trouble: Trouble) -> Callable[[], None]:
    """A few hang, or all; those that are still there afterwards are well again."""
    world = trouble.stage.world
    living = len(world.living(trouble.stage.fleet))
    fallen = _some(trouble, living if world.chance.random() < 1 / 3 else 6)
    for machine in fallen:
        world.hang(machine.id)

    def well() -> None:
        for machine in fallen:
            world.cure(machine.id)

    return well


def lie_in_health(trouble: Trouble) -> Callable[[], None]:
    """Checks find them well all along."""
    lying = _some(trouble, 6)
    for machine in lying:
        machine.lies = True

    def honest() -> None:
        for machine in lying:
            machine.lies = False

    return honest


def _some(trouble: Trouble, most: int) -> list[Machine]:
    """Up to so many of those that live."""
    world = trouble.stage.world
    living = [m for m in world.living(trouble.stage.fleet) if not m.dead(world.clock.now())]
    return world.chance.sample(living, min(len(living), world.chance.randint(1, max(1, most))))


def _fate(trouble: Trouble, behaviour: Behaviour) -> Callable[[], None]:
    """How some of the instances turn out that are launched until it is undone."""
    world = trouble.stage.world
    world.stir()
    world.fates.append(behaviour)

    def undo() -> None:
        world.stir()
        world.fates.remove(behaviour)

    return undo
