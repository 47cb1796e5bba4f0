"""``repave bake``."""

from repave.cli.codes import OK
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.phrases import counted
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.operations.baking import Baked


@example("repave bake", "repave bake --json | jq -r .release")
def bake(*, as_json: Json = False, file: File = None) -> int:
    """Make images from the lock, and a release of them.

    Layers are cached by what goes into them; the same lock gives the same digests, and the same release.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        lock = wiring.locking.matching()
        with screen.progress() as progress:
            baked = wiring.bake(lock, progress)
        screen.answer({**document(baked), "layout": wiring.layout})
        show(baked, screen)
    return OK


def document(baked: Baked) -> dict[str, object]:
    """For machines."""
    return {
        "release": str(baked.release),
        "new": baked.new,
        "lock": baked.release.lock,
        "source": baked.release.source,
        "artifacts": baked.artifacts,
        "tags": baked.tags,
        "seconds": baked.took.total_seconds(),
    }


def show(baked: Baked, screen: Screen) -> None:
    """For people."""
    for artifact in baked.artifacts:
        cached = sum(layer.cached for layer in artifact.layers)
        built = len(artifact.layers) - cached
        size = f"{artifact.size_bytes / 2**20:.1f} MiB"
        screen.show(f"{baked.release}  {artifact.image}  {artifact.digest}  {size}")
        screen.say(f"  {counted(built, 'layer')} built, {cached} from the cache")
    words = "made" if baked.new else "unchanged: still"
    screen.say(f"{words} {baked.release} from {baked.release.source[:19]} in {baked.took.total_seconds():.1f} s")
    screen.hint("`repave deploy ENVIRONMENT`")
