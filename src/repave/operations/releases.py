"""Releases by the names people give them, and what fleets run of them."""

import re

from repave.config.policies import fleet_named, revision_for
from repave.model.names import FleetKey, ReleaseNumber
from repave.model.project import Project
from repave.model.release import Release, Revision
from repave.operations.errors import Refused
from repave.ports.catalog import Catalog
from repave.ports.store import Store


def release_named(catalog: Catalog, name: str) -> Release:
    """The release that ``r17`` or ``17`` names. Raises Refused, with those there are."""
    releases = catalog.releases()
    match = re.fullmatch(r"r?([0-9]+)", name)
    for release in releases:
        if match and release.number == int(match.group(1)):
            return release
    known = ", ".join(str(release) for release in releases[-5:])
    hint = f"the newest are {known}" if known else "`repave bake` makes the first"
    raise Refused(f"there is no release {name}", hint=hint)


def newest_release(catalog: Catalog) -> Release:
    """The last one baked. Raises Refused when there is none."""
    releases = catalog.releases()
    if not releases:
        raise Refused("nothing is baked yet, so there is no release", hint="`repave lock`, then `repave bake`")
    return releases[-1]


def revision_asked(project: Project, key: FleetKey, release: Release, store: Store) -> Revision:
    """What the fleet is to run of the release: of its image, or of the one that it ran of it before.

    So a release can be kept alive and returned to although the file has another name for its image since. Raises
    UnknownName, NotInRelease.
    """
    own = fleet_named(project, key.environment, key.fleet).image
    if own in release.artifacts:
        return revision_for(project, key.environment, key.fleet, release)
    ran = [revision.image for revision in store.revisions(key) if revision.release == release.number]
    return revision_for(project, key.environment, key.fleet, release, image=ran[-1] if ran else None)


def title(number: ReleaseNumber) -> str:
    """``r17``."""
    return f"r{number}"
