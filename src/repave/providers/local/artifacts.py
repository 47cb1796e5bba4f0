"""Published artifacts: verified, unpacked, and shown as one root filesystem while an instance needs it."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from threading import Lock
from time import monotonic

from repave.model.artifact import Artifact
from repave.model.names import Digest
from repave.ports.commands import Commands
from repave.ports.errors import Invalid
from repave.ports.progress import Progress
from repave.ports.registry import Registry
from repave.providers.local.errors import mapped
from repave.providers.local.locks import locked
from repave.providers.local.mapping import ImageFacts, read_facts, written_facts
from repave.providers.local.mount_points import make_mount_points
from repave.providers.local.places import Places
from repave.providers.local.seals import broken, changed_since
from repave.providers.local.settings import COMMAND_SECONDS
from repave.providers.local.trees import remove_tree
from repave.scratch.whole import write_whole

MOUNT_POINTS_LAYER = "mount-points"
"""The topmost layer of every root: empty folders for what runc mounts."""

CHECKED_SECONDS = 60.0
"""How long a look at what is unpacked holds: a rollout looks when it publishes, a watched fleet before each repair."""


class Artifacts:
    """Publishes artifacts from the registry; with root their layers are shared and stacked by overlayfs."""

    def __init__(self, *, places: Places, registry: Registry, commands: Commands, privileged: bool) -> None:
        self._places = places
        self._registry = registry
        self._commands = commands
        self._privileged = privileged
        self._checking = Lock()
        self._checked: dict[Digest, float] = {}
        """When each was found as it was left, on the monotonic clock: the other may be set back."""

    def publish(self, artifact: Artifact, *, used: Collection[Digest], progress: Progress) -> None:
        """Unpack what is not here yet; the artifact is published once all of it is verified and in place.

        What was unpacked before and changed since is unpacked again, unless one of the artifacts ``used`` runs from it:
        then Corrupt is raised.
        """
        folder = self._places.artifact(artifact.digest)
        with locked(self._places.lock("artifacts")), mapped(f"publishing {artifact.image} {artifact.digest}"):
            in_use = self._in_use(artifact.digest, used)
            if (folder / "artifact.json").exists():
                changed = self._changed(artifact.digest)
                if not changed:
                    self._checked[artifact.digest] = monotonic()
                    return
                self._drop(artifact.digest, changed, in_use)
            # Who finds all unpacked, as most rollouts do, needs nothing that reads archives.
            from repave.providers.local.images import facts_of, read_image  # noqa: PLC0415 - the reason stands above
            from repave.providers.local.layer_folders import LayerFolders  # noqa: PLC0415 - the same

            self._places.root.mkdir(parents=True, exist_ok=True)
            # Layers hold set-user-ID programs of the image: nobody else of this machine may reach them.
            self._places.root.chmod(0o700)
            image = read_image(self._registry, artifact.digest)
            size = sum(layer.path.stat().st_size for layer in image.layers)
            layers = LayerFolders(places=self._places, commands=self._commands, privileged=self._privileged)
            with progress.task(f"unpack {artifact.image}", total=size, unit="B") as task:
                names = layers.unpack(image.layers, folder, in_use, task.advance)
            facts = facts_of(image, names, self._places.layers if self._privileged else folder)
            write_whole(folder / "artifact.json", written_facts(facts))
            self._checked[artifact.digest] = monotonic()

    def withdraw(self, digest: Digest) -> None:
        """Forget the artifact, and the layers that no other artifact has."""
        folder = self._places.artifact(digest)
        with locked(self._places.lock("artifacts")), mapped(f"withdrawing {digest}"):
            self.hide(digest)
            # First the file that makes it count as published: a crash then leaves only what `publish` overwrites.
            (folder / "artifact.json").unlink(missing_ok=True)
            remove_tree(folder)
            used = {layer for other in self.published() for layer in self.facts(other).layers}
            if self._places.layers.is_dir():
                for layer in self._places.layers.iterdir():
                    if layer.name not in used and layer.name != MOUNT_POINTS_LAYER:
                        (self._places.seals / layer.name).unlink(missing_ok=True)
                        remove_tree(layer)

    def published(self) -> frozenset[Digest]:
        """What can be started here now."""
        found = self._places.artifacts.glob("*/artifact.json")
        return frozenset(Digest(f"sha256:{path.parent.name}") for path in found)

    def facts(self, digest: Digest) -> ImageFacts:
        """What starting it needs to know. Raises Invalid when it is not published or cannot be started."""
        path = self._places.artifact(digest) / "artifact.json"
        if not path.exists():
            raise Invalid(f"the artifact {digest} is not published on this machine", hint="publish it before launching")
        return read_facts(path.read_bytes())

    def check(self, digest: Digest) -> None:
        """Raise Corrupt when what would be started has changed since it was unpacked and verified."""
        # One at a time: of instances that start together only the first has to look.
        with self._checking:
            now = monotonic()
            last = self._checked.get(digest)
            if last is not None and now - last < CHECKED_SECONDS:
                return
            with mapped(f"looking at the artifact {digest}"):
                for layer, path in self._changed(digest).items():
                    raise changed_since(layer, path)
            self._checked[digest] = now

    def root(self, digest: Digest) -> Path:
        """The root filesystem's folder, as far as it is shown."""
        return self._places.artifact(digest) / "root"

    def show(self, digest: Digest) -> None:
        """Mount the root filesystem where it is not. Call under the project's lock."""
        root = self.root(digest)
        if not self._privileged or os.path.ismount(root):
            return
        root.mkdir(exist_ok=True)
        stacked = [MOUNT_POINTS_LAYER, *reversed(self.facts(digest).layers)]
        make_mount_points(self._places.layers / MOUNT_POINTS_LAYER)
        # Relative to the layers' folder, since the option's value is limited to a page and splits at colons.
        options = f"ro,nodev,lowerdir={':'.join(stacked)}"
        with mapped(f"mounting the artifact {digest}"):
            self._commands.run(
                ["mount", "-t", "overlay", "-o", options, f"repave-{self._places.token}", str(root)],
                cwd=self._places.layers,
                timeout_seconds=COMMAND_SECONDS,
            )

    def hide(self, digest: Digest) -> None:
        """Unmount the root filesystem; not mounted is no error. Call under the project's lock."""
        root = self.root(digest)
        while self._privileged and os.path.ismount(root):
            with mapped(f"unmounting the artifact {digest}"):
                self._commands.run(["umount", str(root)], timeout_seconds=COMMAND_SECONDS)

    def _changed(self, digest: Digest) -> dict[str, str]:
        """The unpacked layers that are not as they were left, each with the first path of which that is true."""
        found = {}
        for layer in self.facts(digest).layers:
            path = broken(*self._sealed(digest, layer))
            if path is not None:
                found[layer] = path
        return found

    def _sealed(self, digest: Digest, layer: str) -> tuple[Path, Path]:
        """A folder, and where its seal is."""
        if self._privileged:
            return self._places.layers / layer, self._places.seals / layer
        folder = self._places.artifact(digest)
        return folder / layer, folder / "seal"

    def _in_use(self, digest: Digest, used: Collection[Digest]) -> frozenset[str]:
        """The unpacked layers from which instances run."""
        others = self.published() & set(used)
        if not self._privileged:  # each artifact has a folder of its own
            others &= {digest}
        return frozenset(layer for other in others for layer in self.facts(other).layers)

    def _drop(self, digest: Digest, changed: Mapping[str, str], in_use: Collection[str]) -> None:
        """Make room for unpacking again what has changed."""
        for layer, path in changed.items():
            if layer in in_use:
                raise changed_since(layer, path)
        self.hide(digest)
        (self._places.artifact(digest) / "artifact.json").unlink()
