"""Published artifacts: verified, unpacked, and shown as one root filesystem while an instance needs it."""

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

from repave.model.artifact import Artifact
from repave.model.names import Digest
from repave.ports.clock import Clock
from repave.ports.commands import Commands
from repave.ports.errors import Corrupt, Invalid
from repave.ports.progress import Progress
from repave.ports.registry import Registry
from repave.providers.local.containers import MOUNT_POINTS, WRITABLE
from repave.providers.local.errors import mapped
from repave.providers.local.images import facts_of, read_image
from repave.providers.local.locks import locked
from repave.providers.local.mapping import ImageFacts, read_facts, written_facts
from repave.providers.local.places import Places
from repave.providers.local.records import write_whole
from repave.providers.local.seals import broken, seal
from repave.providers.local.settings import COMMAND_SECONDS
from repave.providers.local.unpacking import LayerFile, unpack

MOUNT_POINTS_LAYER = "mount-points"
"""The topmost layer of every root: empty folders for what runc mounts."""

CHECKED_FOR = timedelta(minutes=1)
"""How long a look at what is unpacked holds: a rollout looks when it publishes, a watched fleet before each repair."""


class Artifacts:
    """Publishes artifacts from the registry; with root their layers are shared and stacked by overlayfs."""

    def __init__(
        self, *, places: Places, registry: Registry, commands: Commands, clock: Clock, privileged: bool
    ) -> None:
        self._places = places
        self._registry = registry
        self._commands = commands
        self._clock = clock
        self._privileged = privileged
        self._checking = Lock()
        self._checked: dict[Digest, datetime] = {}

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
                    self._checked[artifact.digest] = self._clock.now()
                    return
                self._drop(artifact.digest, changed, in_use)
            self._places.root.mkdir(parents=True, exist_ok=True)
            # Layers hold set-user-ID programs of the image: nobody else of this machine may reach them.
            self._places.root.chmod(0o700)
            image = read_image(self._registry, artifact.digest)
            size = sum(layer.path.stat().st_size for layer in image.layers)
            with progress.task(f"unpack {artifact.image}", total=size, unit="B") as task:
                folders = self._unpack_all(image.layers, folder, in_use, task.advance)
            facts = facts_of(image, folders, self._places.layers if self._privileged else folder)
            write_whole(folder / "artifact.json", written_facts(facts), durable=True)
            self._checked[artifact.digest] = self._clock.now()

    def withdraw(self, digest: Digest) -> None:
        """Forget the artifact, and the layers that no other artifact has."""
        folder = self._places.artifact(digest)
        with locked(self._places.lock("artifacts")), mapped(f"withdrawing {digest}"):
            self.hide(digest)
            # First the file that makes it count as published: a crash then leaves only what `publish` overwrites.
            (folder / "artifact.json").unlink(missing_ok=True)
            _remove_tree(folder)
            used = {layer for other in self.published() for layer in self.facts(other).layers}
            if self._places.layers.is_dir():
                for layer in self._places.layers.iterdir():
                    if layer.name not in used and layer.name != MOUNT_POINTS_LAYER:
                        (self._places.seals / layer.name).unlink(missing_ok=True)
                        _remove_tree(layer)

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
            now = self._clock.now()
            last = self._checked.get(digest)
            if last is not None and now - last < CHECKED_FOR:
                return
            with mapped(f"looking at the artifact {digest}"):
                for layer, path in self._changed(digest).items():
                    raise _changed_since(layer, path)
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
        self._make_mount_points(self._places.layers / MOUNT_POINTS_LAYER)
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
                raise _changed_since(layer, path)
        self.hide(digest)
        (self._places.artifact(digest) / "artifact.json").unlink()

    def _make_room(self, target: Path, in_use: Collection[str]) -> None:
        """Remove an unpacked layer that is not as it was left."""
        if target.is_dir() and (path := broken(target, self._places.seals / target.name)) is not None:
            if target.name in in_use:
                raise _changed_since(target.name, path)
            _remove_tree(target)

    def _unpack_all(
        self, layers: tuple[LayerFile, ...], folder: Path, in_use: Collection[str], advance: Callable[[int], None]
    ) -> tuple[str, ...]:
        names = tuple(layer.difference.removeprefix("sha256:") for layer in layers)
        if self._privileged:
            for name, layer in zip(names, layers, strict=True):
                self._make_room(self._places.layers / name, in_use)
                self._unpack_shared(layer, self._places.layers / name, advance)
            return names
        _remove_tree(folder)
        root = folder / "root"
        root.mkdir(parents=True)
        for layer in layers:
            unpack(layer, root, privileged=False, advance=advance)
        self._make_mount_points(root)
        seal(root, folder / "seal")
        return ("root",)

    def _unpack_shared(self, layer: LayerFile, target: Path, advance: Callable[[int], None]) -> None:
        if target.is_dir():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        for remains in target.parent.glob(".unpacking-*"):
            _remove_tree(remains)
        temporary = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=target.parent))
        temporary.chmod(0o755)
        unpack(layer, temporary, privileged=True, advance=advance)
        # Its own change of state is its new name; what is below keeps what is written down.
        temporary.rename(target)
        seal(target, self._places.seals / target.name)

    def _make_mount_points(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o755)  # whatever our umask is: this becomes the instance's own root
        for name in MOUNT_POINTS:
            if _leads_astray(root, name):
                continue
            folder = root / name
            if not folder.is_dir():
                folder.mkdir()
                folder.chmod(0o755)
            if f"/{name}" in WRITABLE:
                # A tmpfs mounted by runc takes the mode of the folder below it, whatever its own options say.
                folder.chmod(0o1777)
        if not _leads_astray(root, "etc/hosts"):
            (root / "etc" / "hosts").touch()


def _changed_since(layer: str, path: str) -> Corrupt:
    return Corrupt(
        f"the unpacked layer {layer} has changed since it was verified: /{path}",
        hint="nothing is started from it; end what runs from it (`repave destroy ENVIRONMENT`) and deploy: "
        "then it is unpacked anew",
    )


def _leads_astray(root: Path, name: str) -> bool:
    """Whether a step of the way below ``root`` is a link, which could lead to a folder of this machine."""
    path = root
    for part in name.split("/"):
        path /= part
        if path.is_symlink():
            return True
    return False


def _remove_tree(folder: Path) -> None:
    """Remove the folder and all below it, also where the image made folders read-only; not there is no error."""
    if not folder.is_dir():
        return
    for path, names, _ in os.walk(folder):
        for name in names:
            below = Path(path) / name
            if not below.is_symlink() and not stat.S_IMODE(below.lstat().st_mode) & stat.S_IWUSR:
                below.chmod(0o700)
    shutil.rmtree(folder)
