"""A disk on which nothing grows any more."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

LARGEST_BYTES = 1000
"""Less than a page of any database, and than its shared memory."""


@contextmanager
def full_disk() -> Iterator[None]:
    """A limit on the sizes of files stands for it: SQLite says the same of both."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_BYTES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
