"""``repave diff``."""

from typing import Annotated

from repave.cli.codes import OK
from repave.cli.differences import document, show
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.parameters import Argument
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.operations.comparison import Comparing, Comparison

Old = Annotated[str, Argument(help="An environment, a release (r3), or `lock`.", metavar="OLD")]
New = Annotated[str, Argument(help="Another.", metavar="NEW")]


@example("repave diff test prod", "repave diff r1 r2", "repave diff prod lock")
def diff(old: Old, new: New, *, as_json: Json = False, file: File = None) -> int:
    """Compare environments, releases or the lock: packages, files, configuration, sizes.

    Secrets are shown by their references, never by value.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        comparing = Comparing(project=wiring.project, store=wiring.store, present=wiring.locked.present())
        found = comparing.compare(old, new)
    screen.answer(
        {
            "old": {"name": found.old.name, "release": found.old.release},
            "new": {"name": found.new.name, "release": found.new.release},
            "same": found.same,
            "settings": found.settings,
            "images": found.images,
            **document(found.lock),
        }
    )
    _show(found, screen)
    return OK


def _show(found: Comparison, screen: Screen) -> None:
    names = [
        f"{side.name} ({side.release})" if side.release not in {"", side.name} else side.name
        for side in (found.old, found.new)
    ]
    screen.say(f"{names[0]} -> {names[1]}")
    for change in found.settings:
        screen.show(f"~ {change.what}: {change.old or 'nothing'} -> {change.new or 'nothing'}")
    show(found.lock, screen)
    for change in found.images:
        screen.show(f"~ image {change.what}: {change.old[:19] or 'none'} -> {change.new[:19] or 'none'}")
    if found.same:
        screen.say("nothing differs")
