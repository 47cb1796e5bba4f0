"""The image as the commands of ``build:`` see it, and what they made of it as a layer; runs inside ``chamber``.

All of the image is read-only. The application's folders are copies in a file system in memory, as large as the output
may be: it is full for who writes too much, and gone with the job however that ends.
"""

import filecmp
import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from hashlib import file_digest
from pathlib import Path

from repave.bakers.rootfs.hooks import USER, Limits, Room, run_hooks
from repave.bakers.rootfs.isolation import chroot, mounted, run
from repave.bakers.rootfs.layertar import FIRST_TIME, WHITEOUT, LayerTar, content_time
from repave.bakers.rootfs.skeleton import NEW_DIRECTORY
from repave.ports.errors import Invalid

PAGE_BYTES = 4096
"""A file takes at least one, so there are at most so many files in the room as pages."""

SHARED = {"tmp": 0o1777, "shm": 0o1777}
"""What else may be written, by the name of its folder in the room: /tmp and /dev/shm."""


def build(
    merged: Path, work: Path, *, commands: Sequence[Sequence[str]], folders: Sequence[str], limits: Limits
) -> None:
    """Run the commands in the image at ``merged``, starting in the first folder, and write ``layer.tar`` in ``work``.

    Raises HookFailed; Invalid for what no layer can hold, or does not fit into the room before anything has run.
    """
    room = work / "room"
    room.mkdir()
    with ExitStack() as stack:
        options = f"size={limits.output_bytes},nr_inodes={limits.output_bytes // PAGE_BYTES},mode=755"
        stack.enter_context(mounted(["-t", "tmpfs", "-o", options, "tmpfs"], room))
        copies = {folder: room / f"copy{number}" for number, folder in enumerate(folders)}
        for folder, copy in copies.items():
            _copy(merged / folder, copy, limits)
        for name, mode in SHARED.items():
            (room / name).mkdir()
            (room / name).chmod(mode)
        with chroot(merged, epoch=FIRST_TIME) as inside, ExitStack() as bound:
            places = {**{f"/{folder}": copy for folder, copy in copies.items()}, "/tmp": room / "tmp"}  # noqa: S108 - in the image
            for place, source in {**places, "/dev/shm": room / "shm"}.items():  # noqa: S108 - as above
                bound.enter_context(mounted(["--bind", os.fspath(source)], merged / place.lstrip("/")))
            run(["mount", "-o", "remount,bind,ro,nosuid,nodev", os.fspath(merged)])
            run_hooks(commands, Room(root=inside.root, folder=folders[0], written=room, epoch=inside.epoch), limits)
        with LayerTar(work / "layer.tar") as layer:
            write_changes(layer, copies, merged)


def write_changes(layer: LayerTar, copies: Mapping[str, Path], below: Path) -> None:
    """What in the copies differs from the folders in ``below``: owned by root, without a time of their own."""
    written: set[str] = set()
    for folder, copy in sorted(copies.items()):
        for path in _changed(copy, below, folder):
            for parent in [*_parents(path), *([path] if _is_folder(_in(copy, folder, path)) else [])]:
                if parent not in written:
                    written.add(parent)
                    layer.directory(parent, owner=_owner(below / parent), time=FIRST_TIME)
            _write(layer, path, _in(copy, folder, path))


def _write(layer: LayerTar, path: str, place: Path) -> None:
    """One entry that is no folder."""
    if not os.path.lexists(place):
        layer.removed(path, time=FIRST_TIME)
        return
    status = place.lstat()
    if stat.S_ISLNK(status.st_mode):
        layer.link(path, os.fspath(place.readlink()), time=FIRST_TIME)
    elif stat.S_ISREG(status.st_mode):
        mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
        with place.open("rb") as content:
            time = content_time(file_digest(content, "sha256").hexdigest())
            content.seek(0)
            layer.file(path, content, size=status.st_size, owner=(mode, 0, 0), time=time)


def _changed(copy: Path, below: Path, folder: str) -> Iterator[str]:
    """Every path that was made, changed or removed, parents first, in the order of the names' bytes."""
    made = _names(copy)
    there = _names(below / folder) if _is_folder(below / folder) else frozenset()
    for name in sorted(made | there, key=os.fsencode):
        path, place, before = f"{folder}/{name}", copy / name, below / folder / name
        if name not in made:
            yield path
            continue
        _check(path, place)
        if _is_folder(place):
            if not _is_folder(before):
                yield path
            yield from _changed(place, below, path)
        elif not _same(place, before):
            yield path


def _same(place: Path, before: Path) -> bool:
    """Whether a file or link is what it was."""
    if place.is_symlink() or before.is_symlink() or not before.is_file():
        return place.is_symlink() and before.is_symlink() and place.readlink() == before.readlink()
    executable = (place.stat().st_mode ^ before.stat().st_mode) & stat.S_IXUSR
    return not executable and filecmp.cmp(place, before, shallow=False)


def _check(path: str, place: Path) -> None:
    """Refuse what no layer can hold."""
    mode = place.lstat().st_mode
    if not (stat.S_ISDIR(mode) or stat.S_ISLNK(mode) or stat.S_ISREG(mode)):
        raise Invalid(
            f"`build` left /{path}, which is neither file, folder nor link",
            hint="have the last command remove it: pipes and sockets belong to a running process",
        )
    if place.name.startswith(WHITEOUT):
        raise Invalid(
            f"`build` left /{path}: names that begin with `{WHITEOUT}` mean in a layer that something is removed",
            hint="choose another name",
        )


def _copy(source: Path, copy: Path, limits: Limits) -> None:
    try:
        shutil.copytree(source, copy, symlinks=True)
    except shutil.Error as error:
        raise Invalid(
            f"the files of the application do not fit into the {limits.output_bytes >> 20} MiB that `build` may fill",
            hint="raise `build_limits: {output: ...}` of the image",
        ) from error
    for folder, _, names in os.walk(copy):
        for place in (folder, *(os.path.join(folder, name) for name in names)):  # noqa: PTH118 - a hot loop
            os.chown(place, USER, USER, follow_symlinks=False)


def _names(folder: Path) -> frozenset[str]:
    return frozenset(place.name for place in folder.iterdir())


def _in(copy: Path, folder: str, path: str) -> Path:
    """Where the copy has what is ``path`` in the image."""
    return copy / path.removeprefix(f"{folder}/")


def _is_folder(place: Path) -> bool:
    return place.is_dir() and not place.is_symlink()


def _owner(place: Path) -> tuple[int, int, int]:
    """Mode, user and group of a folder: as it was; of a new one, root's."""
    if not _is_folder(place):
        return NEW_DIRECTORY
    status = place.stat()
    return stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
