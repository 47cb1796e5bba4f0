"""Which revision of the application's source a release was made from."""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from repave.model.lock import LockedFile
from repave.ports.commands import Commands
from repave.ports.errors import CommandFailed

GIT_TIMEOUT_SECONDS = 20.0
"""Git answers in milliseconds; a folder on a network that is away must not hold a bake."""


def source_revision(folder: Path, files: Iterable[LockedFile], commands: Commands) -> str:
    """The git commit, with ``+dirty`` if the folder differs from it; without git the digest of the locked files."""
    if commands.available("git"):
        try:
            # Only ``git status`` knows what is ignored; ``.`` keeps it to this folder of a larger repository.
            commit = git(commands, folder, "rev-parse", "--verify", "HEAD")
            dirty = git(commands, folder, "status", "--porcelain", "--", ".", ":(exclude)repave.lock")
        except CommandFailed:
            return _digest(files)
        return f"{commit}+dirty" if dirty else commit
    return _digest(files)


def git(commands: Commands, folder: Path, *arguments: str) -> str:
    """What git says in the folder. Raises CommandFailed."""
    finished = commands.run(["git", *arguments], cwd=folder, timeout_seconds=GIT_TIMEOUT_SECONDS)
    return finished.stdout.decode(errors="replace").strip()


def _digest(files: Iterable[LockedFile]) -> str:
    content = "\n".join(f"{file.sha256} {file.mode:o} {file.target}" for file in files)
    return f"sha256:{sha256(content.encode()).hexdigest()}"
