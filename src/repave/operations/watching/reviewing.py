"""Lock changes that people look at: what they are told, and the one merge request of each kind."""

from collections.abc import Iterator, Mapping
from math import ceil
from pathlib import Path

from repave.config.difference import LockDifference, PackageChange
from repave.config.lockfile import FILENAME
from repave.model.names import EnvironmentName
from repave.model.project import Project
from repave.model.review import Review, Standing
from repave.model.watch import Kind
from repave.operations.foresight import foresee
from repave.operations.preview import FleetPreview
from repave.operations.watching.passed import Moved
from repave.ports.clock import Clock
from repave.ports.progress import Progress
from repave.ports.reviews import Change, Reviews
from repave.ports.store import Store

BRANCHES: Mapping[Kind, str] = {Kind.REPAIRS: "repave/repairs", Kind.UPDATES: "repave/updates"}
"""One for each kind: a flaw does not wait for people to look at updates."""

MOST_NAMED = 3
"""Flaws in a title."""


class Reviewing:
    """The merge requests of one project."""

    def __init__(self, *, project: Project, folder: Path, reviews: Reviews, store: Store, clock: Clock) -> None:
        self._project = project
        self._folder = folder
        self._reviews = reviews
        self._store = store
        self._clock = clock

    def newest(self) -> Mapping[Kind, Review]:
        """Of each kind, whatever became of it. Raises what the port raises."""
        found = {kind: self._reviews.newest(branch) for kind, branch in BRANCHES.items()}
        return {kind: review for kind, review in found.items() if review}

    def propose(self, moved: Moved, known: Review | None, progress: Progress) -> Review:
        """The merge request of what was moved; what people look at, or have closed, stays as it is.

        What was merged and is to be moved all the same was taken back, and is proposed anew, or this folder has not got
        it, which the port tells by Conflict. Raises what the port raises.
        """
        lock = moved.proposal.digest
        if known is not None and known.lock == lock and known.standing is not Standing.MERGED:
            return known
        previews = self._previews(progress)
        files = {one.path: one.content for one in moved.proposal.rewritten}
        return self._reviews.propose(
            Change(
                branch=BRANCHES[moved.kind],
                files={**files, FILENAME: moved.proposal.text.encode()},
                before={path: (self._folder / path).read_bytes() for path in (*files, FILENAME)},
                lock=lock,
                title=title(moved),
                text=text(moved, previews),
                at=self._clock.now(),
            )
        )

    def _previews(self, progress: Progress) -> Mapping[EnvironmentName, tuple[FleetPreview, ...]]:
        running = {key.environment for key in self._store.fleets() if key.project == self._project.name}
        where = [name for name in self._project.pipeline if name in running]
        return foresee(self._project, where, self._store, self._clock, progress) if where else {}


def title(moved: Moved) -> str:
    """In a line."""
    count = len(moved.proposal.difference.packages)
    packages = f"{count} package{'' if count == 1 else 's'}"
    if moved.kind is Kind.UPDATES:
        return f"Update {packages}"
    more = len(moved.closed) - MOST_NAMED
    named = ", ".join(moved.closed[:MOST_NAMED]) or packages
    return f"Repair {named}{f' and {more} more' if more > 0 else ''}"


def text(moved: Moved, previews: Mapping[EnvironmentName, tuple[FleetPreview, ...]]) -> str:
    """In Markdown: packages moved, flaws closed and opened, instances to be replaced, and minutes."""
    return "\n".join(
        [
            "Made by `repave watch`. Once it is merged, a pass bakes it and sends the release down the pipeline.",
            "",
            "## Packages",
            "",
            *_packages(moved.proposal.difference),
            *(f"- `{one.path}` is rewritten with them" for one in moved.proposal.rewritten),
            "",
            "## Flaws",
            "",
            *_flaws(moved),
            "",
            "## Instances",
            "",
            *_instances(previews),
        ]
    )


def _packages(difference: LockDifference) -> Iterator[str]:
    yield from ("| package | from | to | images |", "|---|---|---|---|")
    yield from dict.fromkeys(_row(change) for change in difference.packages)


def _row(change: PackageChange) -> str:
    before = change.before.version if change.before else "-"
    after = change.after.version if change.after else "-"
    return f"| `{change.package.name}` | {before} | {after} | {', '.join(change.images)} |"


def _flaws(moved: Moved) -> Iterator[str]:
    part = " by what could be read" if moved.unknown else ""
    yield f"- closes: {', '.join(moved.closed) or f'none that is known{part}'}"
    yield f"- opens: {', '.join(moved.opened) or f'none that is known{part}'}"
    yield from (f"- **not known**: {' '.join(words.split())}" for words in moved.unknown)


def _instances(previews: Mapping[EnvironmentName, tuple[FleetPreview, ...]]) -> Iterator[str]:
    if not previews:
        yield "Nothing runs yet."
        return
    yield from ("| environment | fleet | to be replaced | minutes |", "|---|---|---|---|")
    for name, fleets in previews.items():
        yield from (f"| {name} | {fleet.fleet} | {fleet.replaces} | {_minutes(fleet)} |" for fleet in fleets)
    yield from ("", "Each environment as if it began at once; what gates wait for comes to it.")


def _minutes(fleet: FleetPreview) -> str:
    if fleet.seconds is None:
        return f"it would not get there by itself: {' '.join(fleet.rehearsal.unfinished.split())}"
    return f"{'at most' if fleet.at_most else 'about'} {ceil(fleet.seconds / 60)}"
