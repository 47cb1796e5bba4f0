"""The layers of artifacts as folders: unpacked once, sealed, and unpacked again where they have changed since."""

from collections.abc import Callable, Collection
from pathlib import Path

from repave.ports.commands import Commands
from repave.providers.local.mount_points import make_mount_points
from repave.providers.local.places import Places
from repave.providers.local.seals import broken, changed_since, made_sealed
from repave.providers.local.settings import FLUSH_SECONDS
from repave.providers.local.trees import remove_tree
from repave.providers.local.unpacking import LayerFile, unpack


class LayerFolders:
    """With root, a folder for each layer, which artifacts share; without, one folder for all of an artifact's."""

    def __init__(self, *, places: Places, commands: Commands, privileged: bool) -> None:
        self._places = places
        self._commands = commands
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
                target, place = self._places.layers / name, self._places.seals / name
                self._make_room(target, in_use)
                if not target.is_dir():
                    self._unpack((layer,), target, place, advance)
            return names
        remove_tree(folder)
        self._unpack(layers, folder / "root", folder / "seal", advance)
        return ("root",)

    def _make_room(self, target: Path, in_use: Collection[str]) -> None:
        """Remove an unpacked layer that is not as it was left."""
        if target.is_dir() and (path := broken(target, self._places.seals / target.name)) is not None:
            if target.name in in_use:
                raise changed_since(target.name, path)
            remove_tree(target)

    def _unpack(self, layers: tuple[LayerFile, ...], target: Path, place: Path, advance: Callable[[int], None]) -> None:
        """Several into one folder only without root, where it is all that runc is shown."""
        with made_sealed(target, place) as folder:
            folder.chmod(0o755)
            for layer in layers:
                unpack(layer, folder, privileged=self._privileged, advance=advance)
            if not self._privileged:
                make_mount_points(folder)
            # All at once: to wait for each of some ten thousand files would take minutes.
            self._commands.run(["sync", "--file-system", str(folder)], timeout_seconds=FLUSH_SECONDS)
