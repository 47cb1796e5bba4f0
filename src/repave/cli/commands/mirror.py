"""``repave mirror``."""

from typing import Annotated

from repave.cli.codes import OK
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.parameters import Option
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.operations.mirror import mirrored
from repave.operations.releases import newest_release, release_named

ReleaseOption = Annotated[str | None, Option("--release", help="A release, as r17 [default: newest].", metavar="rN")]
Address = Annotated[str, Option("--address", help="Where it listens: an address of this machine.", metavar="ADDRESS")]
Port = Annotated[int, Option("--port", help="At which port [default: a free one].", min=0, max=65535)]


@example("repave mirror", "repave mirror --address 10.0.0.5 --port 8088", "repave mirror --release r17")
def mirror(
    *,
    address: Address = "127.0.0.1",
    port: Port = 0,
    release: ReleaseOption = None,
    as_json: Json = False,
    file: File = None,
) -> int:
    """Serve the locked files of a release over HTTP until Ctrl-C, for machines that install themselves.

    Each file is at its sha256, and beside them only their list is served; who takes one checks it by that. Anybody who
    reaches the address may read them: the application's files are among them, secrets are not.
    """
    from repave.registries.mirror import mirroring  # noqa: PLC0415 - brings an HTTP server

    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        store = wiring.store
        chosen = release_named(store, release) if release else newest_release(store)
        files = mirrored(chosen, catalog=store, vault=wiring.vault, registry=wiring.registry)
        with mirroring(
            files, address=address, port=port, told=lambda taker, sha256: screen.say(f"{taker} took {sha256}")
        ) as server:
            screen.answer({"release": str(chosen), "url": server.url, "files": len(files)})
            screen.show(server.url)
            screen.say(f"{len(files)} files of {chosen}; Ctrl-C ends it")
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                return OK
    return OK
