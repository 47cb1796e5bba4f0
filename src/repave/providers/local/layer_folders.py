"""The layers of artifacts as folders: unpacked once, sealed, and unpacked again where they have changed since."""

import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from repave.providers.local.mount_points import make_mount_points
from repave.providers.local.places import Places
from repave.providers.local.seals import broken, changed_since, seal
from repave.providers.local.trees import remove_tree
from repave.providers.local.unpacking import LayerFile, unpack


class LayerFolders:
    """With root, a folder for each layer, which artifacts share; without, one folder for all of an artifact's."""

    def __init__(self, *, places: Places, privileged: bool) -> None:
        self._places = places
        self._privileged = privileged

    def unpack(
        self, layers: tuple[LayerFile, ...], folder: Path, in_use: Collection[str], advance: Callable[[int], None]
    ) -> tuple[str, ...]:
        """Unpack what is not here as it was sealed; answers the names of the folders that make up the artifact.

        ``folder`` is the artifact's own. Raises Corrupt for other bytes than promised, and for a layer that has changed
        while what is ``in_use`` needs it; Invalid for a compression that is not supported.
        """
        names = tuple(layer.difference.removeprefix("sha256:") for layer in layers)
        if self._privileged:
            for name, layer in zip(names, layers, strict=True):
                self._make_room(self._places.layers / name, in_use)
                self._unpack_shared(layer, self._places.layers / name, advance)
            return names
        remove_tree(folder)
        root = folder / "root"
        root.mkdir(parents=True)
        for layer in layers:
            unpack(layer, root, privileged=False, advance=advance)
        make_mount_points(root)
        seal(root, folder / "seal")
        return ("root",)

    def _make_room(self, target: Path, in_use: Collection[str]) -> None:
        """Remove an unpacked layer that is not as it was left."""
        if target.is_dir() and (path := broken(target, self._places.seals / target.name)) is not None:
            if target.name in in_use:
                raise changed_since(target.name, path)
            remove_tree(target)

    def _unpack_shared(self, layer: LayerFile, target: Path, advance: Callable[[int], None]) -> None:
        if target.is_dir():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        for remains in target.parent.glob(".unpacking-*"):
            remove_tree(remains)
        temporary = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=target.parent))
        temporary.chmod(0o755)
        unpack(layer, temporary, privileged=True, advance=advance)
        # Its own change of state is its new name; what is below keeps what is written down.
        temporary.rename(target)
        seal(target, self._places.seals / target.name)
