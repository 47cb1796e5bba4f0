"""Faults of zones and of the balancer."""

from collections.abc import Callable

from repave.simulation.chaos.trouble import Trouble

LATEST_BALANCER_SECONDS = 180.0


def zone_loss(trouble: Trouble) -> Callable[[], None] | None:
    """One of the zones that are there; the last one stays."""
    world = trouble.stage.world
    there = [zone for zone in trouble.stage.policy.zones if zone not in world.stopped_zones]
    if len(there) == 1:
        return None
    zone = world.chance.choice(there)
    world.stop_zone(zone)
    trouble.tell("zone-loss", f"zone {zone} is lost")
    return lambda: world.start_zone(zone)


def capacity(trouble: Trouble) -> Callable[[], None]:
    """One zone that has room, or all."""
    world = trouble.stage.world
    with_room = [zone for zone in trouble.stage.policy.zones if zone not in world.full_zones]
    every = world.chance.random() < 1 / 3
    filled = set(with_room if every else with_room[:1])
    world.stir()
    world.full_zones |= filled

    def room() -> None:
        world.stir()
        world.full_zones -= filled

    return room


def slow_balancer(trouble: Trouble) -> Callable[[], None]:
    """Late for a while."""
    world = trouble.stage.world
    world.stir()
    world.balancer_delay_seconds = world.chance.uniform(5.0, LATEST_BALANCER_SECONDS)

    def quick() -> None:
        world.stir()
        world.balancer_delay_seconds = 0.0

    return quick


def balancer_death(trouble: Trouble) -> None:
    """Now."""
    trouble.stage.world.kill_balancer()
