"""``repave logs``."""

from typing import Annotated

from repave.cli.codes import OK
from repave.cli.misuse import Misused
from repave.cli.opening import opened
from repave.cli.options import EnvironmentArgument, File, Json
from repave.cli.parameters import Argument, Option
from repave.cli.phrases import ago
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.cli.visible import visible
from repave.config.policies import environment_named, fleet_named
from repave.model.names import FleetName
from repave.operations.keys import fleets_of
from repave.operations.logs import Console, chosen, consoles, lines
from repave.ports.provider import Machines
from repave.wiring import Wiring

FleetArgument = Annotated[str | None, Argument(help="A fleet [default: the only one].", metavar="FLEET")]
InstanceArgument = Annotated[
    str | None, Argument(help="An instance or slot [default: all living].", metavar="INSTANCE")
]
Follow = Annotated[bool, Option("--follow", help="Go on as it prints; needs one instance.")]
Previous = Annotated[bool, Option("--previous", help="The last instance that ended.")]
Check = Annotated[str | None, Option("--check", help="The last run of this check.", metavar="CHECK")]
Failed = Annotated[bool, Option("--failed", help="The last instance that failed.")]


@example(
    "repave logs test",
    "repave logs test web --failed",
    "repave logs test web web-7 --follow",
    "repave logs test --check smoke.sh",
)
def logs(
    environment: EnvironmentArgument,
    fleet: FleetArgument = None,
    instance: InstanceArgument = None,
    *,
    follow: Follow = False,
    previous: Previous = False,
    failed: Failed = False,
    check: Check = None,
    as_json: Json = False,
    file: File = None,
) -> int:
    """Show what instances printed, the ended ones too while their output is kept; or what a check of the gates did."""
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        if check is not None:
            return _checked(wiring, environment, check, screen)
        machines, found = _found(wiring, environment, fleet)
        picked = chosen(found, named=instance, previous=previous, failed=failed)
        if follow and (len(picked) > 1 or as_json):
            raise Misused(
                "following needs one instance, and no --json",
                hint=f"as in `repave logs {environment} {picked[-1].fleet.fleet} {picked[-1].slot} --follow`",
            )
        if as_json:
            screen.answer({"instances": [_document(console, machines) for console in picked]})
            return OK
        for console in picked:
            if len(picked) > 1:
                screen.show(f"== {console.slot} {console.instance} ==")
            for line in lines(console, machines, follow=follow):
                screen.show(line)
    return OK


def _checked(wiring: Wiring, name: str, check: str, screen: Screen) -> int:
    ran, output = wiring.checking.log(environment_named(wiring.project, name), check)
    screen.answer({"checked": ran, "lines": output.splitlines()})
    came = "passed" if ran.passed else "failed"
    screen.say(f"{ran.check} {came} on r{ran.release} in {ran.environment}, {ago(ran.at, wiring.clock.now())}")
    for line in output.splitlines():
        screen.show(visible(line))
    return OK


def _found(wiring: Wiring, name: str, fleet: str | None) -> tuple[Machines, tuple[Console, ...]]:
    environment = environment_named(wiring.project, name)
    if fleet:
        fleet_named(wiring.project, environment.name, fleet)
    keys = [key for key in fleets_of(wiring.project, environment) if fleet in {None, FleetName(key.fleet)}]
    if len(keys) > 1:
        raise Misused(f"{name} has several fleets", hint=f"name one: {', '.join(key.fleet for key in keys)}")
    machines = wiring.machines(environment.provider)
    target = wiring.store.target(keys[0])
    failures = frozenset(str(failure.slot) for failure in target.failures) if target else frozenset()
    return machines, consoles(keys[0], machines, wiring.store, failures)


def _document(console: Console, machines: Machines) -> dict[str, object]:
    return {
        "environment": console.fleet.environment,
        "fleet": console.fleet.fleet,
        "instance": console.instance,
        "slot": console.slot,
        "lives": console.lives,
        "failed": console.failed,
        "lines": list(lines(console, machines, follow=False)),
    }
