"""``repave record``."""

from pathlib import Path
from typing import Annotated

from repave.cli.codes import OK
from repave.cli.misuse import Misused, no_action
from repave.cli.moments import past_moment
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.parameters import Argument, Option
from repave.cli.phrases import counted
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.ports.signatures import TrustedKey
from repave.wiring import Wiring

Action = Annotated[str, Argument(help="export or rotate.", metavar="ACTION")]
Place = Annotated[
    Path | None,
    Argument(help="export: the file to write; rotate: the public half of the new key.", metavar="PATH"),
]
From = Annotated[str | None, Option("--from", help="export: events since then [default: all].", metavar="TIME")]
To = Annotated[str | None, Option("--to", help="export: events until then [default: now].", metavar="TIME")]

ACTIONS = ("export", "rotate")


@example(
    "repave record export shop.record",
    "repave record export march.record --from 2026-03-01 --to 2026-04-01",
    "repave record rotate new.pub",
)
def record(
    action: Action,
    path: Place = None,
    *,
    since: From = None,
    until: To = None,
    as_json: Json = False,
    file: File = None,
) -> int:
    """Hand the record over to somebody who checks it, or its signing to another key.

    `export` checks the whole record, and writes it with a signed head to one file, which `repave verify FILE --key PUB`
    checks anywhere: what was changed, removed, moved or added since then is named by its number. `rotate` lets the key
    under `signing.key` say that another signs from now on; then name that one there. docs/explanation/record.md says
    what can be found, and what cannot.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        match action:
            case "export":
                return _export(wiring, screen, _given(path, action), since, until)
            case "rotate":
                return _rotate(wiring, screen, _given(path, action))
            case _:
                raise no_action("record", action, ACTIONS)


def _given(path: Path | None, action: str) -> Path:
    if path is None:
        example_path = "shop.record" if action == "export" else "new.pub"
        raise Misused(f"`repave record {action}` needs a file", hint=f"`repave record {action} {example_path}`")
    return path


def _export(wiring: Wiring, screen: Screen, path: Path, since: str | None, until: str | None) -> int:
    with screen.progress() as progress:
        done = wiring.exporting.export(
            path,
            since=None if since is None else past_moment("--from", since),
            until=None if until is None else past_moment("--to", until),
            progress=progress,
        )
    screen.answer(done)
    screen.show(f"{done.sha256}  {path}")
    screen.say(f"events {done.first} to {done.last}, the head signed by {done.key}")
    screen.say(f"the whole record holds, with {counted(done.heads, 'signed head')} in it")
    if done.strange_heads:
        screen.warn(
            f"heads in it by keys that are not known here: {done.strange_heads}. Nothing follows from those: name an "
            "older key of yours under `signing.verify`; where there is none, somebody may have changed the store"
        )
    screen.hint(f"elsewhere, with the public half of that key: `repave verify {path.name} --key release.pub`")
    return OK


def _rotate(wiring: Wiring, screen: Screen, path: Path) -> int:
    to: TrustedKey = wiring.keys.trusted(str(path.absolute()))
    wiring.keeping.rotate(to)
    screen.answer({"key": to.fingerprint})
    screen.show(f"the record is signed by {to.fingerprint} from now on")
    screen.hint("name its private half under `signing.key`; bundles are checked by the old key as well as by the new")
    return OK
