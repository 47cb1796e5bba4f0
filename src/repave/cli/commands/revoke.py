"""``repave revoke``."""

from typing import Annotated

from repave.cli.codes import FAILED, OK
from repave.cli.failure import Interrupted
from repave.cli.live import watching
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.parameters import Argument, Option
from repave.cli.phrases import counted, listed
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.model.names import FleetKey
from repave.model.revocation import Revocation
from repave.operations.revoking.revoking import concerned
from repave.operations.revoking.standings import Standing, State, standings
from repave.wiring import Wiring

SubjectArgument = Annotated[
    str | None,
    Argument(help="A digest, rN, PACKAGE=VERSION or the file of a public key.", metavar="SUBJECT"),
]
Reason = Annotated[str | None, Option("--reason", help="Why: it is recorded, and told wherever it blocks.")]
Listed = Annotated[bool, Option("--list", help="Show what is and was revoked, and whether any of it runs.")]
Undo = Annotated[bool, Option("--undo", help="Let it be started again.")]
Recorded = Annotated[bool, Option("--only-record", help="Write it down and end: who watches the fleets retires it.")]


@example(
    "repave revoke openssl=3.0.20-1~deb12u2 --reason CVE-2026-1234",
    "repave revoke r17 --reason 'it loses orders'",
    "repave revoke keys/old.pub --reason 'the key was stolen'",
    "repave revoke r17 --undo --reason 'a false alarm'",
    "repave revoke --list",
)
def revoke(
    subject: SubjectArgument = None,
    *,
    reason: Reason = None,
    list_: Listed = False,
    undo: Undo = False,
    only_record: Recorded = False,
    as_json: Json = False,
    file: File = None,
) -> int:
    """Say what must not be started any more, and retire what runs of it.

    It blocks at once: no deployment, launch, scale-out, healing or rollback onto it. Fleets that run it go back to the
    last release that was healthy here and is not revoked. Where there is none, what serves goes on serving until a good
    release is deployed, and this ends with 1. A revocation is closed once observation shows nothing of it running.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        if list_ or subject is None:
            return _list(wiring, screen)
        if undo:
            revocation = wiring.revoking.undo(subject, reason or "")
        else:
            revocation = wiring.revoking.revoke(subject, reason or "")
            _say(revocation, screen)
            if not only_record:
                _retire(wiring, revocation, subject, screen)
        (standing,) = [one for one in standings(wiring.store) if one.number == revocation.number]
    screen.answer(standing)
    _show(standing, screen)
    return OK if only_record or standing.state is not State.OPEN else FAILED


def _say(revocation: Revocation, screen: Screen) -> None:
    covered = counted(len(revocation.artifacts), "artifact")
    screen.say(f"{revocation} is revoked: {covered} must not be started any more")
    if not revocation.artifacts:
        screen.warn("nothing that was released is covered by it; what is released later will be")


def _retire(wiring: Wiring, revocation: Revocation, subject: str, screen: Screen) -> None:
    """Every environment that was asked to run it; the last of the pipeline, where most depends on it, first."""
    fleets = concerned(wiring.store, revocation)
    for name in reversed(wiring.project.pipeline):
        here = tuple(fleet for fleet in fleets if _is_declared(wiring, fleet) and fleet.environment == name)
        try:
            with watching(screen, wiring.store, wiring.clock) as watcher:
                wiring.converge(here, watcher=watcher)
        except KeyboardInterrupt as asked:
            raise Interrupted(
                "interrupted: it is revoked, and what runs stays as it is",
                hint=f"`repave revoke {subject} --reason ...` goes on",
            ) from asked


def _is_declared(wiring: Wiring, fleet: FleetKey) -> bool:
    environment = wiring.project.environments.get(fleet.environment)
    return environment is not None and fleet.fleet in environment.fleets


def _list(wiring: Wiring, screen: Screen) -> int:
    told = standings(wiring.store)
    screen.answer({"revocations": told})
    for one in told:
        _show(one, screen)
    if not told:
        screen.say("nothing is revoked")
    return OK


def _show(told: Standing, screen: Screen) -> None:
    began = f"since {told.revoked_at:%Y-%m-%d %H:%M}"
    ends = {
        State.OPEN: "",
        State.CLOSED: f", closed {told.closed_at:%Y-%m-%d %H:%M}: none is left" if told.closed_at else "",
        State.UNDONE: f", undone {told.undone_at:%Y-%m-%d %H:%M}: {told.undone_reason}" if told.undone_at else "",
    }
    screen.show(f"{told.kind} {told.subject}: {told.state}, {began}{ends[told.state]}")
    screen.show(f"  {told.reason}")
    if told.running and told.state is State.OPEN:
        names = [f"{one.environment}/{one.slot} ({one.release})" for one in told.running]
        screen.show(f"  {counted(len(names), 'instance')} of it run{'s' if len(names) == 1 else ''}: {listed(names)}")
        screen.hint("`repave explain` says what each waits for; a good release ends it: `repave patch`, or deploy one")
    for words in told.waits if told.state is State.OPEN else ():
        screen.show(f"  {words}")
