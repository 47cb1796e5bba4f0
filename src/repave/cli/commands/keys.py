"""``repave keys``."""

from typing import Annotated

from repave.cli.codes import FAILED, OK
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.parameters import Option
from repave.cli.screen import Screen
from repave.cli.verbs import example

Public = Annotated[bool, Option("--public", help="Print only the public half of the key that signs, as PEM.")]


@example("repave keys", "repave keys --public > release.pub", "repave keys --json")
def keys(*, public: Public = False, as_json: Json = False, file: File = None) -> int:
    """Show the key that signs, and those whose signatures count, by their fingerprints.

    The private key is opened, wherever it is: in a file, a token, or a cloud's key service. What --public prints is
    pinned by naming its file under `signing.verify`; to verify, nobody asks the token or the service again. Ends with 1
    when what is signed here could not be deployed here.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        if public:
            signing = wiring.keyring.signing()
            screen.answer(signing)
            screen.show(signing.pem.rstrip("\n"))
            return OK
        shown = wiring.keyring.shown()
    screen.answer({"signs": shown.signs, "counts": shown.counts, "may_be_deployed": shown.may_be_deployed})
    for key in (shown.signs,) if shown.signs else ():
        screen.show(f"signs   {key.fingerprint}  {key.name}")
    for key in shown.counts:
        screen.show(f"counts  {key.fingerprint}  {key.name}")
    if not shown.signs and not shown.counts:
        screen.say("repave.yaml names no keys: nothing is signed, and no signature is required")
    if shown.may_be_deployed:
        return OK
    screen.say("what is signed here could not be deployed here: the key that signs is none of those that count")
    screen.hint("`repave keys --public > release.pub`, and name that file under `signing.verify`")
    return FAILED
