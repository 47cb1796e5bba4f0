"""The application's files of an image, pinned by content and brought into the vault."""

import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from io import BytesIO
from pathlib import Path, PurePosixPath

from repave.model.lock import LockedFile
from repave.model.recipe import LEFT_OUT, NODE_MODULES, FileMapping
from repave.ports.errors import Invalid
from repave.ports.pinner import PinRequest, Pins
from repave.ports.progress import Progress
from repave.ports.vault import Vault

PLAIN, EXECUTABLE = 0o644, 0o755


class FilesPinner:
    """The pinner port for the project's own files."""

    def __init__(self, *, vault: Vault) -> None:
        self._vault = vault

    def pin(self, request: PinRequest, *, progress: Progress) -> Pins:
        """Every file of every mapping, sorted by target; see the port.

        Of two mappings to the same target the later one wins, as it stands in the file.
        """
        root = request.folder.resolve()
        sources: dict[str, Path] = {}
        left_out = LEFT_OUT | ({NODE_MODULES} if request.image.node else frozenset())
        for mapping in request.image.files:
            sources |= dict(_mapped(root, mapping, left_out))
        _check_targets(sources)
        instead = {one.path: one.content for one in request.rewritten}
        locked = []
        with progress.task(f"Reading files of {request.image.name}", total=len(sources)) as task:
            for target, source in sorted(sources.items()):
                origin = source.relative_to(root).as_posix()
                sha256 = self._kept(instead[origin]) if origin in instead else self._vault.add(source)
                locked.append(
                    LockedFile(
                        target=target,
                        sha256=sha256,
                        size_bytes=self._vault.path(sha256).stat().st_size,
                        mode=EXECUTABLE if source.stat().st_mode & stat.S_IXUSR else PLAIN,
                        origin=origin,
                        images=(request.image.name,),
                    )
                )
                task.advance()
        return Pins(files=tuple(locked))

    def _kept(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        self._vault.take(BytesIO(content), sha256=sha256, size_bytes=len(content))
        return sha256


def _mapped(root: Path, mapping: FileMapping, left_out: Collection[str]) -> Iterator[tuple[str, Path]]:
    """Target and source of each file of one mapping."""
    target = PurePosixPath(mapping.target)
    if not target.is_absolute() or ".." in target.parts:
        raise Invalid(f"the target {mapping.target} is not absolute", hint="write it from the image's root: /srv/app/")
    source = root / mapping.source
    if ".." in PurePosixPath(mapping.source).parts:
        raise Invalid(f"the source {mapping.source} leads upwards", hint="sources lie below the folder of repave.yaml")
    if not source.exists():
        raise Invalid(
            f"{mapping.source} is to go to {mapping.target}, but is not in {root}",
            hint="sources are relative to the folder of repave.yaml",
        )
    _check_inside(root, source)
    if source.is_dir():
        for path in _files_below(root, source, left_out):
            yield str(target / path.relative_to(source).as_posix()), path
    elif mapping.source.endswith("/"):
        raise Invalid(f"{mapping.source} is a file, not a folder", hint="leave out the trailing slash")
    else:
        yield str(target / source.name if mapping.target.endswith("/") else target), source


def _files_below(root: Path, folder: Path, left_out: Collection[str]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in left_out:
            continue
        _check_name(root, path)
        _check_inside(root, path)
        if path.is_symlink() and path.is_dir():
            raise Invalid(
                f"{path.relative_to(root)} is a symbolic link to a folder, which may never end",
                hint="take the link away, and map what it leads to by a line of its own under `files`",
            )
        if path.is_dir():
            yield from _files_below(root, path, left_out)
        elif path.is_file():
            yield path
        else:
            raise Invalid(
                f"{path.relative_to(root)} is neither a file nor a folder", hint="sockets, devices and pipes stay out"
            )


def _check_name(root: Path, path: Path) -> None:
    """The lock is UTF-8, and so is every name in it."""
    try:
        path.name.encode()
    except UnicodeEncodeError as error:
        shown = os.fsencode(path.relative_to(root)).decode(errors="backslashreplace")
        raise Invalid(f"the name of {shown} is not UTF-8", hint="rename it, or leave it out") from error


def _check_inside(root: Path, path: Path) -> None:
    """A link out of the project would put into the image what no reviewer of the project sees."""
    try:
        inside = path.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError) as broken:
        raise Invalid(
            f"{path.relative_to(root)} is a symbolic link that leads nowhere", hint="repair or remove it"
        ) from broken
    if not inside:
        raise Invalid(
            f"{path} leads out of the project to {path.resolve()}: it is not taken",
            hint="copy what is needed into the project",
        )


def _check_targets(sources: dict[str, Path]) -> None:
    for target in sources:
        for parent in PurePosixPath(target).parents:
            if str(parent) in sources:
                raise Invalid(
                    f"{parent} would be both a file and a folder of the image", hint="change one of the two targets"
                )
