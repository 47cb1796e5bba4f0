"""What is told of a record that somebody handed over."""

from pathlib import Path

from repave.cli.codes import FAILED, OK
from repave.cli.phrases import counted
from repave.cli.screen import Screen
from repave.cli.visible import visible
from repave.operations.errors import Refused
from repave.operations.recording.verifying import Ran, Verdict
from repave.wiring.records import verified_bundle

SHOWN = 20
"""So many problems, and so many instances that no record explains, are shown; ``--json`` has all."""


def check_bundle(path: Path, key: Path | None, screen: Screen) -> int:
    """Check it by this key, and say what it is worth. Raises Refused without a key."""
    if key is None:
        raise Refused(
            f"{path} is a record, and without a public key anybody could have made it",
            hint=f"`repave verify {path} --key release.pub`; who signs prints it with `repave keys --public`",
        )
    with screen.progress() as progress:
        verdict = verified_bundle(path, (key,), progress)
    screen.answer({"verified": verdict.holds, "record": verdict})
    _show(verdict, screen)
    return OK if verdict.holds else FAILED


def _show(verdict: Verdict, screen: Screen) -> None:
    what = f"the record of {verdict.project}, events {verdict.first} to {verdict.last}"
    screen.show(f"{'verified' if verdict.holds else 'WRONG'}  {visible(what)}")
    for problem in verdict.problems[:SHOWN]:
        where = "" if problem.number is None else f"event {problem.number}: "
        screen.show(f"  {where}{visible(problem.message)}")
    if len(verdict.problems) > SHOWN:
        screen.show(f"  and {counted(len(verdict.problems) - SHOWN, 'problem')} more")
    if not verdict.holds:
        screen.hint("ask whoever gave you this for another copy, and for the heads they signed before")
        return
    inner = f", and {counted(verdict.heads, 'head')} within" if verdict.heads else ""
    screen.say(f"  the head was signed by {verdict.signed_by} at {verdict.signed_at}{inner}")
    unexplained = [one for one in verdict.ran if one.artifact is None]
    for one in unexplained[:SHOWN]:
        screen.show(f"  no record explains {visible(_told(one))}")
    screen.say(f"  {counted(len(verdict.ran), 'instance')} seen, {len(unexplained)} that no record explains")


def _told(one: Ran) -> str:
    until = f"to {one.until}" if one.until else "on, and still there at the end"
    return f"{one.instance} of {one.fleet}, seen from {one.since} {until}"
