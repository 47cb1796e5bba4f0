"""``repave vault list``: for every lock that is kept, whether the vault can still bake it."""

from collections.abc import Iterable
from dataclasses import dataclass

from repave.model.names import Digest
from repave.operations.vaults.needs import NamedLock, needs
from repave.ports.vault import Vault


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One lock, as far as the vault has it."""

    names: tuple[str, ...]
    lock: Digest
    files: int
    size_bytes: int
    missing: tuple[str, ...]
    """What is not here: packages with versions, application files."""


def list_locks(locks: Iterable[NamedLock], vault: Vault) -> tuple[Listed, ...]:
    """Looks for the files only; `verify` reads them."""
    return tuple(_listed(named, vault) for named in locks)


def _listed(named: NamedLock, vault: Vault) -> Listed:
    wanted = needs((named,))
    return Listed(
        names=named.names,
        lock=named.digest,
        files=len(wanted),
        size_bytes=sum(need.size_bytes for need in wanted),
        missing=tuple(name for need in wanted if not vault.has(need.sha256) for name in need.what),
    )
