"""``repave destroy``."""

from repave.cli.codes import OK
from repave.cli.failure import Interrupted
from repave.cli.live import watching
from repave.cli.opening import opened
from repave.cli.options import EnvironmentArgument, File, Json, Yes
from repave.cli.phrases import counted
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.config.policies import environment_named
from repave.operations.errors import Refused


@example("repave destroy test", "repave destroy test --yes")
def destroy(environment: EnvironmentArgument, *, yes: Yes = False, as_json: Json = False, file: File = None) -> int:
    """Drain and end every instance of an environment, remove its frontends, forget what was wanted.

    History, releases and artifacts stay. May be interrupted and called again.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        where = environment_named(wiring.project, environment)
        if not yes:
            _ask(environment, screen)
        try:
            with watching(screen, wiring.store, wiring.clock) as watcher:
                ended = wiring.destroy(where, watcher)
        except KeyboardInterrupt as asked:
            hint = f"`repave destroy {environment}` goes on"
            raise Interrupted("interrupted: some of it may still run", hint=hint) from asked
    screen.answer({"environment": environment, "fleets": ended})
    for fleet in ended:
        screen.show(f"{fleet.environment}/{fleet.fleet} is destroyed: {counted(fleet.ended, 'instance')} ended")
    return OK


def _ask(environment: str, screen: Screen) -> None:
    if not screen.interactive:
        raise Refused(f"destroying {environment} ends every instance of it", hint="say so: --yes")
    from typer import prompt  # noqa: PLC0415 - typer takes its time, and scripts are not asked

    typed = prompt(f"This ends every instance of {environment}. Type its name to go on", err=True)
    if typed != environment:
        raise Refused(f"`{typed}` is not {environment}: nothing was changed")
