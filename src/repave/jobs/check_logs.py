"""What checks printed, kept in a folder of the project."""

import os
import tempfile
from hashlib import sha256
from pathlib import Path

from repave.model.names import Digest
from repave.ports.errors import Gone

LOGS_KEPT = 200
"""The newest; each is 64 KiB at most."""


class FolderLogs:
    """Implements the port for logs of checks by a file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, output: str) -> Digest:
        """In one piece, for its owner alone; see the port."""
        content = output.encode(errors="replace")
        digest = Digest(f"sha256:{sha256(content).hexdigest()}")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, fresh = tempfile.mkstemp(dir=self._folder, suffix=".new")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(fresh).replace(self._place(digest))
        for old in sorted(self._folder.glob("*.log"), key=_age)[:-LOGS_KEPT]:
            old.unlink(missing_ok=True)
        return digest

    def read(self, log: Digest) -> str:
        """See the port."""
        try:
            return self._place(log).read_bytes().decode()
        except FileNotFoundError as gone:
            raise Gone(
                f"the output of that run is not kept any more: of all checks the last {LOGS_KEPT} are",
                hint="`repave promote --recheck` runs it again",
            ) from gone

    def _place(self, digest: Digest) -> Path:
        return self._folder / f"{digest.removeprefix('sha256:')}.log"


def _age(path: Path) -> int:
    """By which they are sorted; what another run has just removed comes first."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
