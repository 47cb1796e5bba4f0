"""The bytes of one file as they come, measured against what it must be."""

import hashlib

from repave.ports.vault import Fetch, Found, Sought

Wanted = Fetch | Sought
"""A file that a lock knows whole, or one of which little is known yet."""


class Mismatch(Exception):
    """These are other bytes than those that were wanted."""


class Measure:
    """Counts and hashes; ``restart`` before anything else."""

    def __init__(self, file: Wanted) -> None:
        self._known = isinstance(file, Fetch)
        self.largest_bytes = file.size_bytes if isinstance(file, Fetch) else file.largest_bytes
        self._wanted = (("sha256", file.sha256),) if isinstance(file, Fetch) else file.hashes
        self.restart()

    @property
    def blind(self) -> bool:
        """Whether a file that was cut short would pass for the whole."""
        return not self._known and not self._wanted

    @property
    def short(self) -> bool:
        """Whether there must be more to come."""
        return self._known and self.size < self.largest_bytes

    def restart(self) -> None:
        """Forget what was taken."""
        self.size = 0
        self._hashed = {name: hashlib.new(name) for name in {"sha256", *(name for name, _ in self._wanted)}}

    def check_length(self, size: int) -> None:
        """Raises Mismatch when a file of ``size`` bytes cannot be the one."""
        if size > self.largest_bytes:
            raise Mismatch(f"is longer than the {self.largest_bytes} bytes it {'must' if self._known else 'may'} have")

    def take(self, chunk: bytes) -> None:
        """Some more bytes. Raises Mismatch when they are too many."""
        self.check_length(self.size + len(chunk))
        for hashed in self._hashed.values():
            hashed.update(chunk)
        self.size += len(chunk)

    def finish(self) -> Found:
        """What it is. Raises Mismatch when it is not what it must be."""
        if self.short:
            raise Mismatch(f"has {self.size} bytes, not {self.largest_bytes}")
        for name, wanted in self._wanted:
            if self._hashed[name].hexdigest() != wanted:
                raise Mismatch(f"has {name} {self._hashed[name].hexdigest()}, not {wanted}")
        return Found(sha256=self._hashed["sha256"].hexdigest(), size_bytes=self.size)
