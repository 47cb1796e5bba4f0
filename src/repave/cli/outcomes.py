"""How the end of a deployment is told."""

from repave.cli.codes import FAILED, OK, ROLLED_BACK
from repave.cli.phrases import lasting
from repave.cli.screen import Screen
from repave.operations.deploy import DEPLOYED, OVERTAKEN, PAUSED, DeployResult, FleetResult


def document(result: DeployResult) -> dict[str, object]:
    """For machines."""
    return {
        "environment": result.environment,
        "release": result.release,
        "deployed": result.as_asked,
        "fleets": result.fleets,
        "seconds": result.seconds,
    }


def exit_code(result: DeployResult) -> int:
    """What the command line ends with."""
    if result.as_asked:
        return OK
    return ROLLED_BACK if result.failed else FAILED


def show(result: DeployResult, screen: Screen) -> None:
    """For people: one line per fleet, and where to look when it did not end as asked."""
    for fleet in result.fleets:
        _show(fleet, result.seconds, screen)


def _show(fleet: FleetResult, seconds: float, screen: Screen) -> None:
    where = f"{fleet.environment}/{fleet.fleet}"
    if fleet.result == DEPLOYED:
        serving = f"{fleet.serving}/{fleet.size} serving"
        at = f" at {fleet.endpoint}" if fleet.endpoint else ""
        screen.show(f"{where}: {fleet.release}, {serving}{at}, {lasting(seconds)}")
        return
    overtaken = fleet.result == OVERTAKEN
    again = "now" if overtaken else "again"
    now = f", {fleet.release} is wanted {again}" if fleet.release != fleet.asked else ""
    screen.show(f"{where}: {fleet.asked} {fleet.result}{now}, {fleet.serving}/{fleet.size} serving")
    if fleet.reason:
        screen.warn(fleet.reason)
    if overtaken:
        screen.hint(f"`repave deploy {fleet.environment} --release {fleet.asked}` asks for it once more")
        return
    if fleet.result == PAUSED:
        name = fleet.environment
        screen.hint(f"`repave resume {name}`, then `repave deploy {name} --release {fleet.asked}` sees it through")
        return
    screen.hint(
        f"`repave logs {fleet.environment} {fleet.fleet} --failed` shows what those that started and failed said"
    )
