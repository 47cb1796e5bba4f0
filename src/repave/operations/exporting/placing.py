"""A file that a person asked for: there whole or not at all, and never in the place of another."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from repave.operations.errors import Refused

WITHOUT_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP})
"""What file systems that know no second name for a file, such as FAT, answer to who asks for one."""


def refuse_taken(path: Path) -> None:
    """Raises Refused when something is there."""
    if os.path.lexists(path):
        raise Refused(f"{path} exists already", hint="name another, or remove it first")


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Where it is made: on the same file system, and nobody else's. What is left there is removed after the block."""
    with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        yield Path(folder, path.name)


def put(made: Path, path: Path) -> None:
    """Give it its name. Raises Refused when something has come there meanwhile, and OSError."""
    try:
        path.hardlink_to(made)
    except OSError as failure:
        refuse_taken(path)
        if failure.errno not in WITHOUT_LINKS:
            raise
        made.rename(path)
