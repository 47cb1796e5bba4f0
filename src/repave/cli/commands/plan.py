"""``repave plan``."""

from datetime import datetime
from typing import Annotated

import typer

from repave.cli import differences
from repave.cli.codes import OK
from repave.cli.dates import ages_told
from repave.cli.opening import opened
from repave.cli.options import EnvironmentArgument, File, Json
from repave.cli.phrases import counted, lasting, listed
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.config.difference import LockDifference, difference
from repave.config.policies import environment_named
from repave.model.project import Environment
from repave.model.release import Release
from repave.operations.preview import FleetPreview, preview
from repave.operations.releases import release_named
from repave.operations.scan import cves_of, examine
from repave.ports.progress import Progress
from repave.wiring import Wiring

ReleaseOption = Annotated[str | None, typer.Option("--release", help="A release [default: the newest].", metavar="rN")]
Cves = Annotated[bool, typer.Option("--cves", help="Ask the sources of advisories which CVEs it closes.")]


@example("repave plan prod", "repave plan prod --release r17 --cves")
def plan(
    environment: EnvironmentArgument,
    *,
    release: ReleaseOption = None,
    cves: Cves = False,
    as_json: Json = False,
    file: File = None,
) -> int:
    """Show what deploying would replace, in which order, and which packages it changes. Nothing is written down.

    The order is the planner's own: it rehearses the rollout over what was last seen, in a world where nothing fails.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        where = environment_named(wiring.project, environment)
        chosen = release_named(wiring.store, release) if release else wiring.deploying.choose(where)
        fleets = preview(wiring.project, where, chosen, wiring.store, wiring.clock)
        running = wiring.deploying.wanted(where)
        changed = _difference(wiring, running, chosen)
        with screen.progress() as progress:
            closed = _closed(wiring, running, chosen, progress) if cves and running else None
    screen.answer(
        {
            "environment": environment,
            "release": str(chosen),
            "running": str(running) if running else None,
            "fleets": fleets,
            "cves_closed": closed,
            **differences.document(changed),
        }
    )
    screen.say(f"{where.name}: {running or 'nothing'} -> {chosen}")
    differences.show(changed, screen)
    if closed is not None:
        screen.show(f"closes {counted(len(closed), 'CVE')}{': ' + listed(closed, most=10) if closed else ''}")
    for fleet in fleets:
        _show(fleet, where, wiring.clock.now(), screen)
    return OK


def _difference(wiring: Wiring, running: Release | None, chosen: Release) -> LockDifference:
    if running is None:
        return LockDifference()
    return difference(wiring.store.lock(running.lock), wiring.store.lock(chosen.lock))


def _closed(wiring: Wiring, running: Release, chosen: Release, progress: Progress) -> tuple[str, ...]:
    before = examine(wiring.store.lock(running.lock), wiring.advisories, progress)
    after = examine(wiring.store.lock(chosen.lock), wiring.advisories, progress)
    return tuple(cve for cve in cves_of(before.standing) if cve not in cves_of(after.standing))


def _show(fleet: FleetPreview, environment: Environment, now: datetime, screen: Screen) -> None:
    where = f"{environment.name}/{fleet.fleet}"
    for change in fleet.changes:
        screen.show(f"~ {where} {change.what}: {change.old or 'nothing'} -> {change.new or 'nothing'}")
    if fleet.sizes:
        screen.show(f"{where}: {counted(fleet.size, 'instance')}, moved within {fleet.sizes} by its `scale`")
    if fleet.ages:
        screen.show(f"{where}: {ages_told(fleet.ages, now)}")
    if fleet.nothing_to_do:
        screen.show(f"{where}: nothing to do")
        return
    screen.show(
        f"{where}: {counted(fleet.replaces, 'instance')} replaced, at most {fleet.extra} extra, "
        f"never fewer than {fleet.rehearsal.least_serving} serving"
    )
    if fleet.after:
        screen.show(f"  starts once {fleet.release} is carried by {listed(fleet.after, most=10)}")
    for number, batch in enumerate(fleet.rehearsal.batches, start=1):
        launches = ", ".join(f"{count} in {zone}" for zone, count in batch.launches.items())
        parts = [f"start {launches}"] if launches else []
        parts += [f"switch all requests to {listed(batch.admits, most=10)}"] if batch.admits else []
        parts += [f"keep {listed(batch.stand_bys, most=10)} ready"] if batch.stand_bys else []
        parts += [f"drain and end {listed(batch.retires, most=10)}"] if batch.retires else []
        screen.show(f"  {number}. {'; '.join(parts)}")
    if not fleet.rehearsal.finished:
        screen.warn(f"{where} would not get there by itself: {fleet.rehearsal.waits}")
    if fleet.seconds:
        screen.show(f"  about {lasting(fleet.seconds)}, judged by earlier starts here")
