"""``repave doctor``."""

from collections.abc import Iterable

from repave.cli.codes import FAILED, OK
from repave.cli.opening import opened_anyhow
from repave.cli.options import File, Json
from repave.cli.phrases import counted
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.model.names import FleetKey
from repave.operations.doctor import Examined, examine_machine
from repave.wiring.fleets import BALANCER_OF


@example("repave doctor", "repave doctor --json | jq '.examined[] | select(.works | not)'")
def doctor(*, as_json: Json = False, file: File = None) -> int:
    """Try everything that repave needs on this machine, and say how to get what is missing.

    Works before there is a repave.yaml, too. Ends with 1 when something needed is missing, or when something runs here
    that no record knows: it is named, and left alone. What only makes things slower, such as emulation, is told.
    """
    screen = Screen(as_json=as_json)
    with opened_anyhow(file) as wiring:

        def recorded() -> Iterable[FleetKey]:
            """The store is opened only where something runs: looking at a machine leaves nothing behind on it."""
            return wiring.store.fleets()

        providers = tuple(dict.fromkeys(environment.provider for environment in wiring.project.environments.values()))
        examined = examine_machine(
            folder=wiring.state,
            commands=wiring.commands,
            bakers=wiring.bakers.values(),
            providers=[wiring.machines(provider) for provider in providers],
            balancers=[(BALANCER_OF.get(name, name), wiring.traffic(name)) for name in providers],
            recorded=recorded,
        )
    broken = [one for one in examined if not one.works]
    missing = [one for one in broken if one.needed]
    screen.answer({"works": not missing, "examined": examined})
    screen.table(
        ("AREA", "WHAT", "WORKS", "DETAIL"),
        [(one.area, one.name, _word(one), one.detail) for one in examined],
    )
    for one in broken:
        screen.hint(f"{one.name}: {one.hint}" if one.hint else f"{one.name}: {one.detail}")
    screen.say(f"{counted(len(missing), 'thing')} to look at" if missing else "everything needed works")
    return FAILED if missing else OK


def _word(one: Examined) -> str:
    if one.works:
        return "yes"
    return "NO" if one.needed else "no"
