"""What the guards saw, for people and machines."""

from collections.abc import Mapping

from repave.cli.phrases import counted
from repave.cli.screen import Screen
from repave.model.guards import Action, Guard, Judged
from repave.model.names import ImageName
from repave.operations.guards.judging import described

WARNED = {Guard.SECRETS, Guard.UNPINNED}
COUNTED = {Guard.SETUID: "with set-uid or set-gid", Guard.WRITABLE: "that anyone may write"}


def document(judged: Mapping[ImageName, tuple[Judged, ...]]) -> list[dict[str, object]]:
    """For machines: one entry for each place."""
    return [
        {
            "image": name,
            "guard": one.sight.guard,
            "path": one.sight.path,
            "line": one.sight.line,
            "what": one.sight.what,
            "action": one.action,
            "reason": one.reason,
        }
        for name, found in judged.items()
        for one in found
    ]


def show(judged: Mapping[ImageName, tuple[Judged, ...]], screen: Screen) -> None:
    """For people: a line for each secret, hook and exception; permission bits are a count, every base has some."""
    for name, found in judged.items():
        for one in found:
            if one.action is Action.ALLOW:
                screen.say(f"image {name}: {described(one.sight)}: allowed, {one.reason}")
            elif one.sight.guard in WARNED:
                screen.warn(f"image {name}: {described(one.sight)}")
        for guard, words in COUNTED.items():
            number = sum(one.sight.guard is guard and one.action is Action.REPORT for one in found)
            if number:
                screen.say(f"image {name}: {counted(number, 'path')} {words}; `--json` names them")
