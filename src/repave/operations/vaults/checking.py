"""``repave vault verify``: every file read again, what is wrong named with all that needs it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from repave.operations.vaults.needs import NamedLock, Need, needs, project_path
from repave.ports.errors import Corrupt, Gone, WorldError
from repave.ports.progress import Progress, Task
from repave.ports.vault import Vault

MISSING, CORRUPT = "missing", "corrupt"


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """One file that is not as it must be."""

    sha256: str
    state: str
    """``missing`` or ``corrupt``."""

    what: tuple[str, ...]
    """The packages and application files it is; empty when no lock names it."""

    locks: tuple[str, ...]
    repaired: bool = False
    problem: str = ""
    """Why it could not be repaired."""


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What reading everything again showed."""

    files: int
    size_bytes: int
    flaws: tuple[Flaw, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong (any more)."""
        return all(flaw.repaired for flaw in self.flaws)


class Verifying:
    """Reads one vault again."""

    def __init__(self, *, vault: Vault, locks: Iterable[NamedLock], folder: Path) -> None:
        """``folder`` is the project's: files of the application may still be there."""
        self._vault = vault
        self._needs = {need.sha256: need for need in needs(locks)}
        self._folder = folder

    def verify(self, *, repair: bool, progress: Progress) -> Verified:
        """Read every file that is here or that a lock names; with ``repair`` have what is wrong again.

        May be called again after any failure.
        """
        entries = dict(self._vault.entries())
        total = sum(entries.values())
        with progress.task("Reading the vault", total=total, unit="B") as task:
            states = {sha256: self._state(sha256, entries, task) for sha256 in sorted({*entries, *self._needs})}
        wrong = {sha256: state for sha256, state in states.items() if state}
        flaws = tuple(self._flaw(sha256, state, repair=repair, progress=progress) for sha256, state in wrong.items())
        return Verified(files=len(states), size_bytes=total, flaws=flaws)

    def _state(self, sha256: str, entries: dict[str, int], task: Task) -> str:
        task.advance(entries.get(sha256, 0))
        try:
            self._vault.verify(sha256)
        except Gone:
            return MISSING
        except Corrupt:
            return CORRUPT
        return ""

    def _flaw(self, sha256: str, state: str, *, repair: bool, progress: Progress) -> Flaw:
        need = self._needs.get(sha256)
        problem = ""
        if repair:
            # Removed first: a file that is wrong would be taken for the right one by everything that asks.
            self._vault.remove(sha256)
            problem = self._have_again(need, progress) if need else ""
        return Flaw(
            sha256=sha256,
            state=state,
            what=need.what if need else (),
            locks=need.locks if need else (),
            repaired=repair and not problem,
            problem=problem,
        )

    def _have_again(self, need: Need, progress: Progress) -> str:
        if need.application:
            try:
                self._vault.add(project_path(need, self._folder), sha256=need.sha256)
            except (Gone, Corrupt):
                pass  # the folder holds another revision: a shared vault may have it
            else:
                return ""
        try:
            self._vault.fetch([need.fetch()], progress=progress)
        except WorldError as failure:
            return failure.message
        return ""
