"""The application's files as a layer, put where the layers below would have them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO, cast

from repave.bakers.rootfs.layertar import FIRST_TIME, LayerTar, Verified, content_time
from repave.bakers.rootfs.skeleton import Skeleton
from repave.model.lock import LockedFile
from repave.ports.errors import Invalid
from repave.ports.vault import Vault

Owner = tuple[int, int, int]
"""Mode, user, group."""


def write_application(
    target: Path, files: Iterable[LockedFile], *, vault: Vault, below: Skeleton, data: Mapping[str, Owner]
) -> None:
    """Write the layer's tar; ``data`` are folders of the application's own, for instances to mount something over.

    Raises Invalid (a target that cannot be), Gone, Corrupt.
    """
    placed = _placed(files, below)
    owned = {below.resolve(path.rstrip("/")).lstrip("/"): owner for path, owner in data.items()}
    folders = {parent for path in (*placed, *owned) for parent in _parents(path)} | set(owned)
    for path in sorted(folders & set(placed)):
        raise Invalid(f"/{path} is to be a file and a folder at once", hint="see `files:` of this image")
    with LayerTar(target) as layer:
        for path in sorted([*placed, *folders], key=lambda path: path.encode()):
            if path in folders:
                layer.directory(path, owner=owned.get(path) or below.directory(path), time=FIRST_TIME)
                continue
            file = placed[path]
            with vault.path(file.sha256).open("rb") as stream:
                content = Verified(stream, file.sha256, file.origin)
                owner = (file.mode, 0, 0)
                size, time = file.size_bytes, content_time(file.sha256)
                _check_size(stream, file)
                layer.file(path, cast("BinaryIO", content), size=size, owner=owner, time=time)
                content.finish()


def _placed(files: Iterable[LockedFile], below: Skeleton) -> dict[str, LockedFile]:
    """Each file by its path in the layer: links to folders in the layers below are followed."""
    placed: dict[str, LockedFile] = {}
    for file in files:
        parts = file.target.split("/")
        if parts[0] or ".." in parts or not parts[-1]:
            raise Invalid(f"{file.target!r} is no absolute path of a file", hint="see `files:` of this image")
        path = f"{below.resolve('/'.join(parts[:-1]))}/{parts[-1]}".lstrip("/")
        if path in below.directories or path in below.links:
            raise Invalid(f"{file.target} is a folder in the image, it cannot be a file", hint="choose another target")
        if path in placed:
            raise Invalid(
                f"{file.target} and {placed[path].target} are one place in the image", hint="map only one file to it"
            )
        placed[path] = file
    return placed


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def _check_size(stream: BinaryIO, file: LockedFile) -> None:
    size = stream.seek(0, 2)
    stream.seek(0)
    if size != file.size_bytes:
        raise Invalid(f"{file.origin} has {size} bytes in the vault, {file.size_bytes} in the lock", hint="lock again")
