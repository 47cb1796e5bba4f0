"""``repave bake``."""

from collections.abc import Sequence
from typing import Annotated

from repave.cli import guarded
from repave.cli.codes import FAILED, OK
from repave.cli.misuse import Misused
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.parameters import Argument, Option
from repave.cli.phrases import counted
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.config.problems import nearest
from repave.model.artifact import Artifact
from repave.model.lock import Lock
from repave.operations.baking import Baked, bake_request
from repave.operations.reproduction import Difference, Reproduction
from repave.ports.progress import Progress
from repave.wiring import Wiring

Image = Annotated[str | None, Argument(help="With --verify: only this image.", metavar="IMAGE")]
Verify = Annotated[
    bool, Option("--verify", help="Then bake again from nothing, and name the first thing that differs.")
]


@example("repave bake", "repave bake --json | jq -r .release", "repave bake --verify web")
def bake(image: Image = None, *, verify: Verify = False, as_json: Json = False, file: File = None) -> int:
    """Make images from the lock, and a release of them.

    Layers are cached by what goes into them; the same lock gives the same digests, and the same release. What was
    made is signed when repave.yaml has a `signing.key`. With --verify the images are then baked a second time with
    nothing that was cached; ends with 1 when a digest differs. A package that says it is another than the lock says
    is refused.

    Beside each artifact its bill of materials and its provenance are kept, as OCI referrers.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        if image is not None and not verify:
            raise Misused("a release holds every image", hint="`repave bake` makes all; --verify IMAGE verifies one")
        if image is not None and image not in wiring.project.images:
            meant = nearest(image, wiring.project.images)
            hint = f"did you mean `{meant}`?" if meant else f"there are: {', '.join(wiring.project.images)}"
            raise Misused(f"there is no image `{image}`", hint=hint)
        with wiring.adding(), screen.progress() as progress:
            lock = wiring.locked.matching()
            baked = wiring.bake(lock, progress)
            wanted = [artifact for artifact in baked.artifacts if image in (None, artifact.image)]
            again = _reproduced(wiring, lock, wanted, progress) if verify else []
        told = {"verified": [_document(one) for one in again]} if verify else {}
        screen.answer({**document(baked), "layout": wiring.layout, **told})
        show(baked, screen)
        for one in again:
            _show(one, screen)
    return OK if all(one.same for one in again) else FAILED


def document(baked: Baked) -> dict[str, object]:
    """For machines."""
    return {
        "release": str(baked.release),
        "new": baked.new,
        "lock": baked.release.lock,
        "source": baked.release.source,
        "artifacts": baked.artifacts,
        "tags": baked.tags,
        "documents": baked.documents,
        "signed": baked.signed,
        "guards": guarded.document(baked.judged),
        "began_at": baked.bake.began_at,
        "ended_at": baked.bake.ended_at,
        "seconds": baked.bake.seconds,
    }


def show(baked: Baked, screen: Screen) -> None:
    """For people."""
    for artifact in baked.artifacts:
        cached = sum(layer.cached for layer in artifact.layers)
        built = len(artifact.layers) - cached
        size = f"{artifact.size_bytes / 2**20:.1f} MiB"
        screen.show(f"{baked.release}  {artifact.image}  {artifact.digest}  {size}")
        documents = counted(len(baked.documents[artifact.image]), "document")
        screen.say(f"  {counted(built, 'layer')} built, {cached} from the cache; {documents} beside it")
    for one in baked.signed:
        documents = f" and {counted(len(one.documents), 'document')}" if one.documents else ""
        screen.say(f"  signed: {one.image}{documents}")
    guarded.show(baked.judged, screen)
    words = "made" if baked.new else "unchanged: still"
    screen.say(f"{words} {baked.release} from {baked.release.source[:19]} in {baked.bake.seconds:.1f} s")
    screen.hint("`repave deploy ENVIRONMENT`")


def _reproduced(wiring: Wiring, lock: Lock, artifacts: Sequence[Artifact], progress: Progress) -> list[Reproduction]:
    requests = ((bake_request(wiring.project, artifact.image, lock), artifact) for artifact in artifacts)
    return [wiring.reproducing.reproduce(request, artifact, progress) for request, artifact in requests]


def _document(one: Reproduction) -> dict[str, object]:
    return {
        "image": one.image,
        "same": one.same,
        "digest": one.digest,
        "again": one.again,
        "difference": one.difference,
    }


def _show(one: Reproduction, screen: Screen) -> None:
    if one.difference is None:
        screen.say(f"{one.image}: baked again from nothing, the same digest")
        return
    screen.show(f"{one.image}: baked again from nothing, another digest: {one.again}")
    screen.show(f"  {_place(one.difference)}")
    screen.show(f"    was:   {one.difference.first}")
    screen.show(f"    again: {one.difference.second}")


def _place(difference: Difference) -> str:
    layer = f"layer {difference.layer}" if difference.layer else ""
    path = f"/{difference.path}" if difference.layer and difference.path else difference.path
    return ": ".join(filter(None, [layer, path, f"{difference.field} differs"]))
