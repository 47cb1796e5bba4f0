"""``repave gc``."""

from collections import Counter
from contextlib import nullcontext
from typing import Annotated

from repave.cli.codes import OK
from repave.cli.opening import opened
from repave.cli.options import File, Json, Yes
from repave.cli.parameters import Option
from repave.cli.phrases import counted
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.operations.gc import KEPT_RELEASES, Beside, Sweep, Sweeping

Keep = Annotated[int, Option("--keep", min=0, help="How many of the newest releases stay anyway.", metavar="N")]
Caches = Annotated[bool, Option("--caches", help="Also what only spares the next lock or bake some time.")]


@example("repave gc", "repave gc --keep 2 --yes", "repave gc --caches --yes")
def gc(
    *,
    keep: Keep = KEPT_RELEASES,
    caches: Caches = False,
    yes: Yes = False,
    as_json: Json = False,
    file: File = None,
) -> int:
    """Remove what no lock, release or instance needs; without --yes it only shows what would go.

    What runs, what is wanted, what a rollback may return to, the newest releases and the present lock stay whole.
    What was half made by a run that was killed goes too, and what bakes left of packages that nothing needs.
    While something is locked, baked, patched or fetched here, --yes is refused: what is being made has no name yet.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring, wiring.sweeping() if yes else nullcontext():
        providers = tuple(dict.fromkeys(environment.provider for environment in wiring.project.environments.values()))
        sweeping = Sweeping(
            store=wiring.store,
            vault=wiring.vault,
            registry=wiring.registry,
            machines=[wiring.machines(provider) for provider in providers],
            present=wiring.locked.present(),
            beside=Beside(scratch=wiring.scratch, uncompressed=wiring.uncompressed, caches=wiring.caches),
        )
        swept = sweeping.sweep(keep, remove=yes, caches=caches)
    screen.answer(
        {
            "removed": swept.removed,
            "size_bytes": swept.size_bytes,
            "stays_bytes": swept.stays_bytes,
            "caches_bytes": swept.caches_bytes,
            "waste": swept.waste,
            "kept": swept.kept,
        }
    )
    _show(swept, screen)
    return OK


def _show(swept: Sweep, screen: Screen) -> None:
    counts = Counter(waste.kind for waste in swept.waste)
    for kind, count in sorted(counts.items()):
        size = sum(waste.size_bytes for waste in swept.waste if waste.kind == kind)
        screen.show(f"{'went' if swept.removed else 'would go'}: {counted(count, kind)}, {_mib(size)}")
    if swept.kept:
        screen.table(
            ("STAYS FOR", "REASON", "VAULT FILES", "BLOBS", "SIZE"),
            [
                (kept.name, kept.reason, str(kept.vault_files), str(kept.blobs), _mib(kept.size_bytes))
                for kept in swept.kept
            ],
        )
        screen.say(f"{_mib(swept.stays_bytes)} stay in all; what several need is counted for each of them")
    if not swept.waste:
        screen.say("nothing is superfluous")
    elif swept.removed:
        screen.say(f"removed, {_mib(swept.size_bytes)} are free again")
    if swept.caches_bytes:
        screen.say(
            f"caches beside them hold {_mib(swept.caches_bytes)}, which only spare time: --caches takes them too"
        )
    if swept.waste and not swept.removed:
        screen.hint("nothing was removed: the same with --yes does it")


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.1f} MiB"
