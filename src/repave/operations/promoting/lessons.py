"""Which releases failed in which environment, by the record: also those that nobody waited for."""

from collections.abc import Iterator

from repave.model.event import Event
from repave.model.evidence import Failed
from repave.model.names import ReleaseNumber
from repave.model.project import Project
from repave.model.release import Release
from repave.operations.keys import fleets_of
from repave.ports.store import Store

ENDS = frozenset({"rollback", "stop"})
"""Events by which a fleet gives a release up."""


def failures(project: Project, store: Store) -> Iterator[Failed]:
    """The last release that each fleet gave up, for another reason than that it was revoked."""
    releases = {release.number: release for release in store.releases()}
    for name in project.pipeline:
        for key in fleets_of(project, project.environments[name]):
            ended = store.newest_of(key, ENDS)
            number = ended.details.get("release") if ended else None
            release = releases.get(ReleaseNumber(number)) if isinstance(number, int) else None
            if ended and release and not _was_revoked(store, release, ended):
                detail = f"{key.fleet}: {ended.message}"
                yield Failed(environment=name, release=release.number, at=ended.at, detail=detail)


def _was_revoked(store: Store, release: Release, ended: Event) -> bool:
    made = frozenset(release.artifacts.values())
    return any(
        made & frozenset(revocation.artifacts)
        and revocation.at <= ended.at
        and (revocation.undone_at is None or ended.at < revocation.undone_at)
        for revocation in store.revocations()
    )
