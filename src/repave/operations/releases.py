"""Releases by the names people give them."""

import re

from repave.model.names import ReleaseNumber
from repave.model.release import Release
from repave.operations.errors import Refused
from repave.ports.catalog import Catalog


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


def title(number: ReleaseNumber) -> str:
    """``r17``."""
    return f"r{number}"
