"""``repave vault push`` and ``pull``: a lock's files to those who share, and from them."""

from collections.abc import Iterable
from dataclasses import dataclass

from repave.operations.errors import Refused
from repave.operations.vaults.needs import NamedLock, Need, needs
from repave.ports.progress import Progress
from repave.ports.shared_vault import SharedFile, SharedLock, SharedVault
from repave.ports.vault import Vault


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """What one shared vault has now."""

    place: str
    lock: str
    """By name."""

    files: int
    """Of the lock, all of them."""

    sent: int
    sent_bytes: int


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """What came into the project's own vault."""

    lock: str
    files: int
    came: int
    came_bytes: int


def push(named: NamedLock, shared: Iterable[SharedVault], vault: Vault, progress: Progress) -> tuple[Pushed, ...]:
    """Give a lock and all its files to shared vaults. May be called again after any failure.

    Raises Refused when the own vault lacks a file, and what shared vaults raise.
    """
    wanted = needs((named,))
    lacking = [name for need in wanted if not vault.has(need.sha256) for name in need.what]
    if lacking:
        raise Refused(
            f"the vault lacks {len(lacking)} files of {named}, the first is {lacking[0]}",
            hint="`repave vault pull` or `repave vault verify --repair` brings them in",
        )
    files = tuple(_shared(need, vault) for need in wanted)
    lock = SharedLock(digest=named.digest, text=named.text, files=files)
    return tuple(_push(lock, str(named), one, progress) for one in shared)


def _push(lock: SharedLock, name: str, shared: SharedVault, progress: Progress) -> Pushed:
    missing = shared.missing(lock.files)
    shared.keep(lock, progress=progress)
    sent = [file for file in lock.files if file.sha256 in missing]
    return Pushed(
        place=shared.place,
        lock=name,
        files=len(lock.files),
        sent=len(sent),
        sent_bytes=sum(file.size_bytes for file in sent),
    )


def pull(named: NamedLock, vault: Vault, progress: Progress) -> Pulled:
    """Bring in every file of a lock that is missing: from shared vaults, else from where it was locked.

    May be called again after any failure. Raises what the vault's ``fetch`` raises; files of the application have no
    origin, and are Gone when no shared vault has them.
    """
    wanted = needs((named,))
    missing = [need for need in wanted if not vault.has(need.sha256)]
    vault.fetch([need.fetch() for need in missing], progress=progress)
    return Pulled(
        lock=str(named),
        files=len(wanted),
        came=len(missing),
        came_bytes=sum(need.size_bytes for need in missing),
    )


def _shared(need: Need, vault: Vault) -> SharedFile:
    return SharedFile(
        sha256=need.sha256, size_bytes=need.size_bytes, path=vault.path(need.sha256), name=", ".join(need.what)
    )
