"""``repave waive``."""

from typing import Annotated

from repave.cli.codes import OK
from repave.cli.moments import moment
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.parameters import Argument, Option
from repave.cli.screen import Screen
from repave.cli.signing import OwnKey, Why, own_key
from repave.cli.verbs import example

FlawArgument = Annotated[str, Argument(help="A CVE, or what `repave scan` calls the flaw.", metavar="FLAW")]
Ends = Annotated[str, Option("--until", help="So long (7d), or a time (2026-03-02T18:00+01:00).", metavar="TIME")]


@example("repave waive CVE-2026-1234 --until 14d --reason 'the module is never loaded'")
def waive(
    flaw: FlawArgument, *, until: Ends, reason: Why = "", key: OwnKey = None, as_json: Json = False, file: File = None
) -> int:
    """Answer for a flaw until a time: so long it holds no release, whatever its deadline.

    The key that signs it says who answers; its public half stands under `people` in repave.yaml. The finding stays, in
    `scan` and everywhere else.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        ends = moment("--until", until, wiring.clock.now())
        said = wiring.speaking.waive(flaw, ends, reason, own_key(key))
    screen.answer(said)
    screen.show(f"{said.person} answers for {said.flaw} until {said.until:%Y-%m-%d %H:%M} UTC: {said.reason}")
    return OK
