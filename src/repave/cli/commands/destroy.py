"""``repave destroy``."""

from repave.cli.codes import OK
from repave.cli.failure import Interrupted
from repave.cli.live import watching
from repave.cli.opening import opened
from repave.cli.options import EnvironmentArgument, File, FleetOption, Json, Yes
from repave.cli.phrases import counted
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.operations.dropped import environment_to_end
from repave.operations.errors import Refused


@example("repave destroy test", "repave destroy test --yes", "repave destroy test --fleet web")
def destroy(
    environment: EnvironmentArgument,
    *,
    fleet: FleetOption = None,
    yes: Yes = False,
    as_json: Json = False,
    file: File = None,
) -> int:
    """Drain and end every instance of an environment, remove its frontends, forget what was wanted.

    Fleets that repave.yaml has no more go too. History, releases and artifacts stay. May be interrupted and called
    again.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        where = environment_to_end(wiring.project, environment, wiring.store)
        what = f"{environment}/{fleet}" if fleet else environment
        if not yes:
            _ask(what, screen)
        try:
            with watching(screen, wiring.store, wiring.clock) as watcher:
                ended = wiring.destroy(where, watcher, only=fleet)
        except KeyboardInterrupt as asked:
            of_it = f" --fleet {fleet}" if fleet else ""
            hint = f"`repave destroy {environment}{of_it}` goes on"
            raise Interrupted("interrupted: some of it may still run", hint=hint) from asked
    screen.answer({"environment": environment, "fleets": ended})
    for one in ended:
        screen.show(f"{one.environment}/{one.fleet} is destroyed: {counted(one.ended, 'instance')} ended")
    return OK


def _ask(what: str, screen: Screen) -> None:
    if not screen.interactive:
        raise Refused(f"destroying {what} ends every instance of it", hint="say so: --yes")
    from typer import prompt  # noqa: PLC0415 - typer takes its time, and scripts are not asked

    typed = prompt(f"This ends every instance of {what}. Type its name to go on", err=True)
    if typed != what:
        raise Refused(f"`{typed}` is not {what}: nothing was changed")
