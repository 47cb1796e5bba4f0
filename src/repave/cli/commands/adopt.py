"""``repave adopt``."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from repave.cli.codes import OK
from repave.cli.misuse import Misused
from repave.cli.options import Json
from repave.cli.parameters import Argument, Option
from repave.cli.phrases import counted
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.model.recipe import ImageKind
from repave.operations.adopting.adopt import Adopted
from repave.operations.adopting.adopt import adopt as adopting
from repave.operations.adopting.findings import Area, Coverage, Covered, Fate, Found
from repave.operations.adopting.rules import Rules
from repave.wiring.servers import mounted, over_ssh, this_machine

if TYPE_CHECKING:
    from repave.ports.server import Server


class Kind(StrEnum):
    """What a recipe makes of a server."""

    CONTAINER = ImageKind.CONTAINER
    VM = ImageKind.VM


Destination = Annotated[
    str | None, Argument(help="Whom SSH is to reach: user@host, or a Host of ~/.ssh/config.", metavar="SERVER")
]
Root = Annotated[Path | None, Option("--root", help="Read the disk that is mounted here.", metavar="FOLDER")]
Here = Annotated[bool, Option("--here", help="Read this very machine.")]
Into = Annotated[Path | None, Option("--into", help="Where the recipe goes [default: here].", metavar="FOLDER")]
State = Annotated[
    list[str] | None,
    Option("--state", help="This path is state, and belongs elsewhere. Repeatable.", metavar="PATH"),
]
Take = Annotated[list[str] | None, Option("--take", help="This path is the application. Repeatable.", metavar="PATH")]
KindOption = Annotated[
    Kind, Option("--kind", help="container runs what a client meets first; vm starts all that the server starts.")
]
SshConfig = Annotated[
    Path | None, Option("--ssh-config", help="Instead of ~/.ssh/config: ports, keys, jumps.", metavar="FILE")
]


LEFT_BY_CONTAINERS = frozenset({Area.UNIT, Area.PORT, Area.USER, Area.CRON, Area.KERNEL})


@example(
    "repave adopt deploy@shop-1.example.org --into shop",
    "repave adopt --root /mnt/old-disk --into shop --kind vm",
    "repave adopt --here --into shop --state /srv/shop/invoices --json",
)
def adopt(
    server: Destination = None,
    *,
    root: Root = None,
    here: Here = False,
    into: Into = None,
    kind: KindOption = Kind.CONTAINER,
    state: State = None,
    take: Take = None,
    ssh_config: SshConfig = None,
    as_json: Json = False,
) -> int:
    """Read a server that was made by hand, and write a recipe that rebuilds it.

    Of the server it only reads: a mounted disk, this machine, or one over SSH (by a key; no password is asked for).
    Here it writes repave.yaml and files/, and overwrites nothing. A container runs what a client meets first; a virtual
    machine starts all that the server starts, with its accounts, jobs and kernel parameters. What a person must decide
    is listed, each with the line that would say it. Secrets are named and never copied; what would be lost with an
    instance is told as state, with its size. Without root on the server it reads what it may, and says what it may not.
    """
    screen = Screen(as_json=as_json)
    rules = Rules(state=_absolute("--state", state), take=_absolute("--take", take))
    with screen.progress() as progress:
        read, folder = _server(server, root, ssh_config, here=here), (into or Path()).resolve()
        adopted = adopting(read, folder, rules, ImageKind(kind), progress)
    screen.answer(_document(adopted))
    _show(adopted, kind, screen)
    return OK


def _server(destination: str | None, root: Path | None, ssh_config: Path | None, *, here: bool) -> "Server":
    named = [one for one in (destination, root, here or None) if one is not None]
    if len(named) != 1:
        raise Misused(
            f"{'no server was' if not named else 'more than one server was'} named to be adopted",
            hint="name one: `repave adopt user@host`, `repave adopt --root FOLDER` or `repave adopt --here`",
        )
    if root is not None:
        return mounted(root)
    return this_machine() if destination is None else over_ssh(destination, ssh_config)


def _absolute(option: str, paths: list[str] | None) -> tuple[str, ...]:
    for path in paths or ():
        if not path.startswith("/"):
            raise Misused(f"{option} {path} is no path of the server", hint=f"write it from its root: {option} /{path}")
    return tuple(paths or ())


def _document(adopted: Adopted) -> dict[str, object]:
    coverage = adopted.coverage
    return {
        "server": adopted.server,
        "file": adopted.file,
        "coverage": {
            name: {"covered": one.covered, "total": one.total, "percent": one.percent}
            for name, one in _kinds(coverage).items()
        },
        "found": adopted.found,
        "to_decide": adopted.open,
        "unseen": adopted.unseen,
    }


def _show(adopted: Adopted, kind: Kind, screen: Screen) -> None:
    told = sorted(adopted.found, key=lambda one: list(Fate).index(one.fate))
    rows = [one for one in told if one.fate is not Fate.AGAIN]
    screen.table(("WHAT", "NAME", "SIZE", "BECOMES", "DETAIL"), [_row(one) for one in rows])
    screen.show()
    screen.table(
        ("COVERED", "OF", "AMOUNT"),
        [
            (f"{one.percent:g} %", name, f"{_amount(name, one.covered)} of {_amount(name, one.total)}")
            for name, one in _kinds(adopted.coverage).items()
        ],
    )
    if adopted.open:
        screen.show()
        screen.table(("TO DECIDE", "NAME", "THE LINE"), [(one.area, one.name, one.line) for one in adopted.open])
    for sentence in adopted.unseen:
        screen.warn(f"not seen: {sentence}")
    screen.say(f"wrote {adopted.file}: {counted(len(adopted.open), 'thing')} to decide, listed at its end")
    if kind is Kind.CONTAINER and any(one.area in LEFT_BY_CONTAINERS and one.fate is Fate.OPEN for one in adopted.open):
        screen.hint("with `--kind vm` the recipe starts other services and jobs, too")
    screen.hint("read it, then `repave lock`")


def _kinds(coverage: Coverage) -> dict[str, Covered]:
    return {
        "packages": coverage.packages,
        "units": coverage.units,
        "ports": coverage.ports,
        "bytes": coverage.bytes,
    }


def _row(one: Found) -> tuple[object, ...]:
    return one.area, one.name, _bytes(one.size_bytes) if one.size_bytes else "", one.fate, one.detail


def _amount(name: str, number: int) -> str:
    return _bytes(number) if name == "bytes" else str(number)


def _bytes(size: int) -> str:
    """As a person reads it: the largest unit of which there is one."""
    for power, unit in ((3, "GiB"), (2, "MiB"), (1, "KiB")):
        if size >= 1024**power:
            return f"{size / 1024**power:.1f} {unit}"
    return f"{size} B"
