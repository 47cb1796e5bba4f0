"""A distribution's archive: signed indexes, read by apt in a folder of its own."""

import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from repave.model.recipe import Base
from repave.pinners.debian import sources, versions
from repave.pinners.debian.index import Entry, Index
from repave.pinners.debian.workspace import Workspace, emptied
from repave.pinners.mirrors import Mirrors
from repave.ports.archive import Candidate, SuiteView
from repave.ports.clock import Clock
from repave.ports.commands import Commands
from repave.ports.logins import Access
from repave.scratch.cached import bytes_below

FRESH_SECONDS = 60.0
"""Several images locked together, and one lock after the other, are asked about once, and from the same indexes."""


@dataclass(frozen=True, kw_only=True)
class _Brought:
    """Indexes at hand."""

    workspace: Workspace
    newest: bool
    """Whether this run asked the archive for them."""

    at: float
    """On the monotonic clock."""


class DebianArchive:
    """The archive port for Debian and Ubuntu; the pinner asks it for more, by ``index``."""

    def __init__(
        self,
        root: Path,
        *,
        commands: Commands,
        clock: Clock,
        keyring: Path | None = None,
        access: Access | None = None,
        fresh_seconds: float = FRESH_SECONDS,
    ) -> None:
        """``keyring`` stands in for the distributions' own."""
        self._root = root
        self._commands = commands
        self._clock = clock
        self._keyring = keyring
        self._access = access or Access()
        self._fresh_seconds = fresh_seconds
        self._refreshing = Lock()
        self._mirrors = Mirrors()
        self._brought: dict[tuple[Base, tuple[str, ...]], _Brought] = {}
        """By what is asked for of which base, whatever else that draws from."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Which mirrors were passed over, a sentence each."""
        return self._mirrors.remarks

    def security_suites(self, base: Base) -> tuple[str, ...]:
        """The suites in which the distribution publishes security repairs for this release."""
        return sources.security_suites(base)

    def view(self, base: Base, suites: Iterable[str], names: Iterable[str]) -> SuiteView:
        """The newest of each name in ``suites``; see the port."""
        index = self.index(base, tuple(suites))
        newest: dict[str, Entry] = {}
        for key, entry in index.entries(names).items():
            known = newest.get(key.name)
            if known is None or versions.newer(key.version, known.key.version):
                newest[key.name] = entry
        return SuiteView(
            as_of=index.as_of(),
            candidates={name: _candidate(entry) for name, entry in sorted(newest.items())},
            remarks=self.remarks,
        )

    def newer(self, version: str, than: str) -> bool:
        """Whether ``version`` is newer, in Debian's own order."""
        return versions.newer(version, than)

    def cached_bytes(self) -> int:
        """Of the indexes, and of what apt has made of them."""
        return bytes_below(self._root)

    def clear_cache(self) -> None:
        """Remove them, where nobody asks just now; they are brought again when they are needed."""
        for folder in filter(Path.is_dir, self._root.glob("*")):
            emptied(folder)

    def index(self, base: Base, suites: tuple[str, ...], *, newest: bool = True) -> Index:
        """Refresh the indexes of ``suites`` and answer what reads them. Raises Corrupt, Invalid, Unreachable.

        Without ``newest`` those that another run refreshed within the last minute will do.
        """
        sources.check(base)
        with self._refreshing:
            asked = (replace(base, suites=()), suites)
            known = self._brought.get(asked)
            outdated = known is None or (newest and not known.newest) or time.monotonic() - known.at > FRESH_SECONDS
            if known is None or outdated:
                known = self._mirrors.first_reached(
                    self._choices(base, suites),
                    lambda places: self._brought_from(places, base, suites, newest),
                    addresses=lambda places: places.values(),
                )
                self._brought[asked] = known
        return Index(known.workspace, suites, newest=known.newest)

    def _brought_from(self, places: Mapping[str, str], base: Base, suites: tuple[str, ...], newest: bool) -> _Brought:
        workspace = Workspace(
            self._folder(base, places),
            base=base,
            commands=self._commands,
            keyring=self._keyring_of(base),
            places=places,
            logins=self._access.logins,
        )
        last = workspace.refreshed_at(suites)
        asking = newest or last is None or not 0 <= self._clock.now().timestamp() - last < self._fresh_seconds
        if asking:
            workspace.refresh(suites)
        return _Brought(workspace=workspace, newest=asking, at=time.monotonic())

    def _choices(self, base: Base, suites: tuple[str, ...]) -> list[Mapping[str, str]]:
        """Where each archive is asked, the first mirrors of all together first."""
        places = {(archive := sources.address(base, suite)): self._access.origins.places(archive) for suite in suites}
        most = max(len(mirrors) for mirrors in places.values())
        return [
            {archive: mirrors[min(number, len(mirrors) - 1)] for archive, mirrors in places.items()}
            for number in range(most)
        ]

    def _keyring_of(self, base: Base) -> Path:
        """The keys that must have signed the indexes: the file's own, else the distribution's."""
        return Path(base.keyring) if base.keyring else self._keyring or sources.distribution(base).keyring

    def _folder(self, base: Base, places: Mapping[str, str]) -> Path:
        # The suites' own archives follow from the base's address: only what stands in for them is told apart.
        moved = "".join(f"\n{archive} {place}" for archive, place in sorted(places.items()) if archive != place)
        determines = f"{base.distribution}\n{sources.archive(base)}\n{self._keyring_of(base)}{moved}"
        place = hashlib.sha256(determines.encode()).hexdigest()[:12]
        return self._root / f"{base.release}-{base.architecture}-{place}"


def _candidate(entry: Entry) -> Candidate:
    source, source_version = entry.source
    return Candidate(
        name=entry.key.name,
        version=entry.key.version,
        source=source,
        source_version=source_version,
        suite=entry.suites[0],
        url=entry.url,
        sha256=entry.fields["SHA256"],
        size_bytes=int(entry.fields["Size"]),
        architecture=entry.fields.get("Architecture", ""),
    )
