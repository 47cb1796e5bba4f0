"""The project: its file, its state, its database, and this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repave.jobs.account import this_account
from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands

if TYPE_CHECKING:
    from repave.model.project import Project
    from repave.ports.clock import Clock
    from repave.ports.secrets import Secrets
    from repave.ports.store import Store

STATE_FOLDER = ".repave"
ADDING = "adding.lock"
"""Held by those who make what no lock and no release names yet, and so looks as if nobody needed it."""

STORE_VARIABLE = "REPAVE_STORE"


class ProjectFolder:
    """The project: its file, its state, its database, and this machine."""

    def __init__(self, file: Path, *, only_looks: bool = False) -> None:
        """``only_looks``: where there is no state yet, none is made."""
        self.file = file
        self.folder = file.parent
        self.clock: Clock = SystemClock()
        self.commands = LocalCommands()
        self._opened: list[Any] = []
        self._only_looks = only_looks

    def close(self) -> None:
        """Let go of what was opened."""
        while self._opened:
            self._opened.pop().close()

    @contextmanager
    def adding(self) -> Iterator[None]:
        """What enters vault or registry, or is published, within the block is not swept before it has a name."""
        from repave.jobs.fence import beside

        with beside(self.state / ADDING):
            yield

    @contextmanager
    def sweeping(self) -> Iterator[None]:
        """Nobody is ``adding`` within the block: who would, waits. Raises Conflict while somebody is."""
        from repave.jobs.fence import without

        with without(self.state / ADDING, doing=f"locking, baking, fetching or publishing for {self.project.name}"):
            yield

    @cached_property
    def project(self) -> "Project":
        """The file, read. Raises FileError."""
        from repave.wiring.reading import project_in

        return project_in(self.file, self.folder / STATE_FOLDER / "cache" / "project.json")

    @cached_property
    def state(self) -> Path:
        """The folder of everything repave keeps for this project; its owner's alone, and not for git."""
        folder = self.folder / STATE_FOLDER
        if self._only_looks:
            return folder
        folder.mkdir(mode=0o700, exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        return folder

    @cached_property
    def store(self) -> "Store":
        """The database: that of the environment, which may hold a password, or a file beside the project."""
        from repave.store.sql import SqlStore

        address = os.environ.get(STORE_VARIABLE) or f"sqlite:///{self.state / 'store.db'}"
        store = SqlStore(address, by=this_account())
        self._opened.append(store)
        return store

    @cached_property
    def secrets(self) -> "Secrets":
        """Resolved at launch, from this process's environment and this machine's files."""
        from repave.secrets.references import ReferenceSecrets

        return ReferenceSecrets(folder=self.folder, environment=os.environ)
