"""``repave plan``."""

from typing import Annotated

from repave.cli import differences, flaw_changes, previews
from repave.cli.codes import OK
from repave.cli.misuse import Misused
from repave.cli.opening import opened
from repave.cli.options import EnvironmentArgument, File, Json
from repave.cli.parameters import Option
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.config.difference import difference
from repave.config.policies import environment_named
from repave.model.project import Environment
from repave.model.release import Release
from repave.operations.flaw_change import flaw_change
from repave.operations.preview import preview
from repave.operations.releases import release_named
from repave.operations.rollback import release_to_return_to
from repave.wiring import Wiring

ReleaseOption = Annotated[str | None, Option("--release", help="A release [default: the newest].", metavar="rN")]
Back = Annotated[bool, Option("--rollback", help="The way back, as `repave rollback` would take it.")]
Cves = Annotated[bool, Option("--cves/--no-cves", help="Ask the sources of advisories what it closes and opens.")]


@example("repave plan prod", "repave plan prod --release r17", "repave plan prod --rollback --no-cves")
def plan(
    environment: EnvironmentArgument,
    *,
    release: ReleaseOption = None,
    rollback: Back = False,
    cves: Cves = True,
    as_json: Json = False,
    file: File = None,
) -> int:
    """Show what deploying would replace, in which order, how long it takes, and what it closes. Nothing is written.

    The order is the planner's own: it rehearses the rollout over what was last seen, in a world where nothing fails and
    where starts and ends take as long as they took here before.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        where = environment_named(wiring.project, environment)
        chosen = _chosen(wiring, where, release, back=rollback)
        with screen.progress() as progress:
            fleets = preview(wiring.project, where, chosen, wiring.store, wiring.clock, progress)
        running = wiring.deploying.wanted(where)
        new = wiring.store.lock(chosen.lock)
        old = wiring.store.lock(running.lock) if running else new
        changed = difference(old, new)
        with screen.progress() as progress:
            flaws = flaw_change(old, new, wiring.advisories, progress) if cves and running else None
        now = wiring.clock.now()
    screen.answer(
        {
            "environment": environment,
            "release": str(chosen),
            "running": str(running) if running else None,
            "fleets": fleets,
            "flaws": flaws,
            **differences.document(changed),
        }
    )
    screen.say(f"{where.name}: {running or 'nothing'} -> {chosen}")
    differences.show(changed, screen)
    if flaws is not None and old != new:
        flaw_changes.show(flaws, screen)
    for fleet in fleets:
        previews.show(fleet, now, screen)
    return OK


def _chosen(wiring: Wiring, environment: Environment, named: str | None, *, back: bool) -> Release:
    if back:
        if named:
            raise Misused(
                "--rollback chooses the release, and --release names another",
                hint=f"`repave plan {environment.name} --release {named}` shows the way to that one",
            )
        return release_to_return_to(wiring.project, environment, wiring.store, None)
    return release_named(wiring.store, named) if named else wiring.deploying.choose(environment)
