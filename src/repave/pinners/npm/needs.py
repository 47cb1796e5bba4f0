"""Which package of a package-lock needs which, by their places."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from repave.pinners.npm.packagelock import Entry, PackageLock

NEEDED, SPARED = ("dependencies", "peerDependencies"), "optionalDependencies"
OF_THE_APPLICATION = "devDependencies"


@dataclass(frozen=True, kw_only=True)
class Need:
    """That one package needs another; both by place, the application's is empty."""

    by: str
    of: str
    spared: bool
    """Whether it goes on without."""

    kind: str
    """The table that says so."""

    name: str
    """As it stands there: an alias has a name of its own."""

    range: str
    """Of versions, as npm writes it."""


def needs_of(lock: PackageLock) -> Iterator[Need]:
    """All that are met within the lock; of the application's own folders also those for developing."""
    for entry in (lock.root, *lock.entries.values()):
        optional = entry.names(SPARED)
        for kind in (*NEEDED, SPARED, *((OF_THE_APPLICATION,) if entry.own_folder else ())):
            for name in sorted(entry.names(kind)):
                found = lock.found_from(entry, name)
                if found is not None:
                    spared = name in optional or may_be_missing(entry, name)
                    yield Need(
                        by=entry.path, of=found.path, spared=spared, kind=kind, name=name, range=entry.range(kind, name)
                    )


def may_be_missing(entry: Entry, name: str) -> bool:
    """Whether a peer is no must."""
    about = entry.table.get("peerDependenciesMeta")
    told = about.get(name) if isinstance(about, dict) else None
    return isinstance(told, dict) and told.get("optional") is True


def closure(start: set[str], more: Callable[[set[str]], Iterable[str]]) -> set[str]:
    """``start``, and all that comes of it."""
    found = set(start)
    while new := set(more(found)) - found:
        found |= new
    return found
