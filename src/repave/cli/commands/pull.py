"""``repave pull``."""

from typing import Annotated

from repave.cli.codes import OK
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.parameters import Argument, Option
from repave.cli.phrases import counted
from repave.cli.progress import size
from repave.cli.screen import Screen
from repave.cli.verbs import example

What = Annotated[str, Argument(help="As registry.example/shop/web:r3, or by its digest.", metavar="REFERENCE")]
As = Annotated[str | None, Option("--as", help="Its name here [default: as there].", metavar="NAME:TAG")]


@example("repave pull registry.example/shop/web:r3", "repave pull registry.example/shop/web@sha256:2c26... --as web:r3")
def pull(what: What, *, name: As = None, as_json: Json = False, file: File = None) -> int:
    """Bring an artifact in from a registry, with its signatures and documents.

    Every blob is verified by its digest. Where repave.yaml names public keys under `signing.verify`, what none of them
    has signed is refused. Afterwards `repave verify NAME:TAG` checks it again offline. An artifact of a release that
    was lost here is had back this way.
    """
    from repave.ports.distribution import Reference  # noqa: PLC0415 - beside its one use

    screen = Screen(as_json=as_json)
    reference = Reference.parse(what)
    here = name or f"{reference.repository.name.rpartition('/')[2]}:{reference.tag or 'pulled'}"
    with opened(file) as wiring, wiring.adding(), screen.progress() as progress:
        done = wiring.pulling.pull(reference, here, progress)
    screen.answer(done)
    screen.show(f"{done.digest}  {done.reference}")
    words = "signed" if done.signed else "not signed"
    screen.say(f"{size(done.size_bytes)}, {words}, {counted(done.documents, 'document')} beside it")
    screen.hint(f"`repave verify {done.reference}` checks it again, offline")
    return OK
