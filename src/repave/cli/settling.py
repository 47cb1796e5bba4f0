"""What verbs share that say what is wanted of running fleets, and then have them follow."""

from collections.abc import Iterable

from repave.cli.codes import FAILED, OK
from repave.cli.failure import Interrupted
from repave.cli.live import watching
from repave.cli.screen import Screen
from repave.model.names import FleetKey
from repave.model.project import Environment
from repave.operations.converge import Settled
from repave.wiring import Wiring


def settle(
    wiring: Wiring, environment: Environment, fleets: tuple[FleetKey, ...], screen: Screen, *, kept: str
) -> tuple[Settled, ...]:
    """Act until every fleet is as wanted; ``kept`` says what an interruption does not undo. Raises Interrupted."""
    try:
        with watching(screen, wiring.store, wiring.clock) as watcher:
            return wiring.converge(fleets, watcher=watcher)
    except KeyboardInterrupt as asked:
        raise Interrupted(f"interrupted: {kept}", hint=f"`{carrying_on(wiring, environment)}` goes on") from asked


def carrying_on(wiring: Wiring, environment: Environment) -> str:
    """The command that follows what is wanted, and lets nothing in that was baked since."""
    release = wiring.deploying.wanted(environment)
    return f"repave deploy {environment.name}{f' --release {release}' if release else ''}"


def tell_settled(settled: Iterable[Settled], screen: Screen) -> int:
    """How each ended, in words; answers the exit code."""
    fleets = tuple(settled)
    for fleet in fleets:
        ended = f"{fleet.serving} of {fleet.size} serve"
        screen.show(
            f"{fleet.fleet.environment}/{fleet.fleet.fleet}: {ended}{f'; {fleet.reason}' if fleet.reason else ''}"
        )
    return OK if all(fleet.reached for fleet in fleets) else FAILED
