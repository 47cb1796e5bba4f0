"""Where shared vaults have a file, as addresses that are asked before its origin."""

from collections.abc import Callable, Sequence
from pathlib import Path

from repave.model.names import Digest
from repave.ports.distribution import Repository
from repave.ports.vault import Fetch
from repave.registries.measuring import Wanted


def shared_places(shared: Sequence[str], *, folder: Path) -> Callable[[Wanted], tuple[str, ...]]:
    """Answers the addresses of a file; ``folder`` is the project's, to which relative paths belong.

    A folder is looked into here, which costs nothing; a registry says for itself what it has not.
    """
    folders = [(folder / place).resolve() for place in shared if not place.startswith("oci://")]
    repositories = [Repository.parse(place) for place in shared if place.startswith("oci://")]

    def places(file: Wanted) -> tuple[str, ...]:
        if not isinstance(file, Fetch):
            return ()  # nothing is shared before a lock says what it is
        kept = (place / "sha256" / file.sha256[:2] / file.sha256 for place in folders)
        here = tuple(place.as_uri() for place in kept if place.is_file())
        return here + tuple(repository.blob(Digest(f"sha256:{file.sha256}")) for repository in repositories)

    return places
