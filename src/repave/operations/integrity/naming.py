"""Artifacts by what people call them: an image (of the newest release), a release, a digest or its start, a name."""

import re
from collections.abc import Iterable, Iterator

from repave.model.names import Digest, ImageName
from repave.model.release import Release
from repave.operations.errors import Refused
from repave.operations.integrity.records import Subject
from repave.operations.releases import newest_release, release_named
from repave.ports.catalog import Catalog
from repave.ports.registry import Registry

SHORTEST_DIGEST = 8
"""Hex digits by which an artifact may be named."""

WHOLE_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Naming:
    """Looks in the catalogue, and in the registry's index."""

    def __init__(self, *, catalog: Catalog, registry: Registry) -> None:
        self._catalog = catalog
        self._registry = registry

    def named(self, named: str | None) -> tuple[Subject, ...]:
        """What people call by this name; by default the newest release. Raises Refused when nothing has that name."""
        releases = self._catalog.releases()
        if named is None:
            return tuple(_of_release(newest_release(self._catalog)))
        if named in {image for release in releases for image in release.artifacts}:
            newest = next(release for release in reversed(releases) if named in release.artifacts)
            return tuple(subject for subject in _of_release(newest) if subject.image == named)
        found = _by_digest(named, releases) or self._by_tag(named)
        if found:
            return found
        if named[:1] == "r" and named[1:].isdigit():
            return tuple(_of_release(release_named(self._catalog, named)))
        if named.startswith("sha256:"):
            return (Subject(digest=self._present(named)),)
        known = ", ".join(sorted({image for release in releases for image in release.artifacts}))
        hint = f"images are {known}; or a release, as r3, or a digest" if known else "`repave bake` makes the first"
        raise Refused(f"nothing that was baked is named {named}", hint=hint)

    def _by_tag(self, named: str) -> tuple[Subject, ...]:
        digests = {digest for name, digest in self._registry.tags() if name == named} if ":" in named else set()
        return tuple(
            next(iter(_by_digest(digest, self._catalog.releases())), Subject(digest=digest)) for digest in digests
        )

    def _present(self, named: str) -> Digest:
        digest = Digest(named)
        if not WHOLE_DIGEST.fullmatch(named):
            raise Refused(
                f"no artifact of this project has a digest that begins with {named}",
                hint=f"{SHORTEST_DIGEST} digits or more name one; `repave bake --json` names those it makes",
            )
        if not self._registry.has(digest):
            raise Refused(f"{named} is no artifact of this project", hint="`repave bake --json` names those it makes")
        return digest


def _of_release(release: Release) -> Iterator[Subject]:
    for image, digest in release.artifacts.items():
        yield Subject(digest=digest, image=image, releases=(release,))


def _by_digest(named: str, releases: Iterable[Release]) -> tuple[Subject, ...]:
    start = named.removeprefix("sha256:")
    if len(start) < SHORTEST_DIGEST or not set(start) <= set("0123456789abcdef"):
        return ()
    found: dict[tuple[Digest, ImageName], tuple[Release, ...]] = {}
    for release in releases:
        for image, digest in release.artifacts.items():
            if digest.startswith(f"sha256:{start}"):
                found[digest, image] = (*found.get((digest, image), ()), release)
    return tuple(Subject(digest=digest, image=image, releases=held) for (digest, image), held in found.items())
