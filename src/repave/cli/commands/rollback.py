"""``repave rollback``."""

from functools import partial
from typing import Annotated

from repave.cli.commands.deploy import follow, write_down
from repave.cli.failure import Interrupted
from repave.cli.opening import opened
from repave.cli.options import EnvironmentArgument, File, Json
from repave.cli.outcomes import document, exit_code, show
from repave.cli.parameters import Option
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.config.policies import environment_named
from repave.operations.rollback import GOING_BACK, release_to_return_to, was_healthy

To = Annotated[str | None, Option("--to", help="A release [default: the last healthy one].", metavar="rN")]


@example("repave rollback prod", "repave rollback prod --to r12")
def rollback(environment: EnvironmentArgument, *, to: To = None, as_json: Json = False, file: File = None) -> int:
    """Go back to the last release that was healthy here, and is not the present one.

    May be interrupted or killed: while the environment is on its way back, the same command goes on to that release.
    It rolls out like any other: nothing is baked, and no request is lost. What --to names and was never healthy here
    asks every gate, as with `repave deploy`: where one holds it, this ends with 5. `repave promote` lets nothing in
    there that was baked by now; `repave deploy --release` does.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        where = environment_named(wiring.project, environment)
        release = release_to_return_to(wiring.project, where, wiring.store, to)
        if not was_healthy(wiring.project, where, wiring.store, release):
            with screen.progress() as progress:
                wiring.promoting.admit(where, release, progress)
        screen.say(f"going back to {release}")
        try:
            wiring.read_ahead(wiring.deploying.revisions(where, release))
            # Nothing is waited for that only makes starts quicker.
            with wiring.adding():
                with screen.progress() as progress:
                    wiring.publish(where, release, progress)
                word = partial(wiring.promoting.went_back, where.name, release.number)
                write_down(wiring, where, release, GOING_BACK, word=word)
            result = follow(wiring, where, release, screen)
        except KeyboardInterrupt as asked:
            raise Interrupted(
                "interrupted: what runs stays as it is", hint=f"`repave rollback {environment} --to {release}` goes on"
            ) from asked
    screen.answer(document(result))
    show(result, screen)
    return exit_code(result)
