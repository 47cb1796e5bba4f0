"""Unpacked folders that are found as they were left: what the file system says of each file, written down once.

The time of a file's last change of state (ctime) cannot be set by programs, so a file that was written to, replaced or
given other rights since then is noticed without reading it. git notices changed files the same way.
"""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

from repave.ports.errors import Corrupt
from repave.providers.local.trees import remove_tree
from repave.scratch.whole import flush, write_whole

UNPACKING = ".unpacking-"


@contextmanager
def made_sealed(folder: Path, place: Path) -> Iterator[Path]:
    """A folder to fill, which then becomes ``folder``, sealed in ``place``; of one that fails nothing is left.

    Who fills it waits until the disk has all of it: the seal is looked at, never the bytes, and must not outlast them
    when the power fails. One at a time: what a crash left beside it is removed first.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for remains in folder.parent.glob(f"{UNPACKING}*"):
        remove_tree(remains)
    temporary = Path(tempfile.mkdtemp(prefix=UNPACKING, dir=folder.parent))
    try:
        yield temporary
        # Its own change of state is its new name; what is below keeps what is written down.
        temporary.rename(folder)
        flush(folder.parent)
        seal(folder, place)
    except BaseException:
        place.unlink(missing_ok=True)
        for remains in (temporary, folder):
            remove_tree(remains)
        raise


def seal(folder: Path, place: Path) -> None:
    """Write down how everything below ``folder`` is now."""
    place.parent.mkdir(parents=True, exist_ok=True)
    write_whole(place, b"".join(_lines(folder)))


def broken(folder: Path, place: Path) -> str | None:
    """The first path below ``folder`` that is not as it was sealed, ``.`` for the folder; None when all is."""
    try:
        sealed = place.read_bytes()
    except FileNotFoundError:
        return "."
    found = b"".join(_lines(folder))
    if found == sealed:
        return None
    pairs = zip_longest(sealed.splitlines(keepends=True), found.splitlines(keepends=True))
    return next(_name(min(line for line in pair if line is not None)) for pair in pairs if pair[0] != pair[1])


def changed_since(layer: str, path: str) -> Corrupt:
    """What to say of an unpacked layer of which ``path`` is not as it was sealed."""
    return Corrupt(
        f"the unpacked layer {layer} has changed since it was verified: /{path}",
        hint="nothing is started from it; end what runs from it (`repave destroy ENVIRONMENT`) and deploy: "
        "then it is unpacked anew",
    )


def _lines(folder: Path) -> Iterator[bytes]:
    """A line for each path, in the order of their names."""
    if not folder.is_dir():
        return
    yield _line(b".", folder.lstat())
    waiting = [(os.fsencode(folder), b"")]
    while waiting:
        path, prefix = waiting.pop()
        with os.scandir(path) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
        for entry in ordered:
            status = entry.stat(follow_symlinks=False)
            yield _line(prefix + entry.name, status)
            if stat.S_ISDIR(status.st_mode):
                waiting.append((entry.path, prefix + entry.name + b"/"))


def _line(name: bytes, status: os.stat_result) -> bytes:
    # Names may hold anything but NUL, newlines too.
    quoted = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    facts = (status.st_mode, status.st_uid, status.st_gid, status.st_ino, status.st_ctime_ns)
    size = -1 if stat.S_ISDIR(status.st_mode) else status.st_size
    return b"%b\0%d %d %d %d %d %d\n" % (quoted, *facts, size)


def _name(line: bytes) -> str:
    return line.partition(b"\0")[0].decode(errors="replace")
