"""Which Debian package of an image satisfies which relation of another (Debian policy 7)."""

import re
from collections.abc import Iterator, Mapping

from univers.debian import compare_versions

from repave.attestations.sbom.inventory import Facts

RELATION = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9+.-]+)(?::[a-z0-9-]+)?\s*(?:\(\s*(<<|<=|=|>=|>>)\s*([^)\s]+)\s*\))?")
HOLDS = {"<<": {-1}, "<=": {-1, 0}, "=": {0}, ">=": {0, 1}, ">>": {1}}
"""By relation, in which orders of the two versions it holds."""


Packages = Mapping[str, tuple[str, Facts]]
"""By name: version, and what it says of itself."""


def debian_needs(packages: Packages) -> Mapping[str, tuple[str, ...]]:
    """By name of each Debian package, the names of those that its relations are satisfied by."""
    offers = _offers(packages)
    return {name: tuple(sorted(set(_satisfying(facts, offers)))) for name, (_, facts) in packages.items()}


Offers = Mapping[str, tuple[tuple[str, str], ...]]
"""By name, real or virtual: who offers it, and in which version (empty: none). A package of that name stands first."""


def _offers(packages: Packages) -> Offers:
    offers = {name: [(name, version)] for name, (version, _) in packages.items()}
    for name, (_, facts) in sorted(packages.items()):
        for provided in facts.provides:
            if match := RELATION.match(provided):
                offers.setdefault(match[1], []).append((name, match[3] or ""))
    return {name: tuple(found) for name, found in offers.items()}


def _satisfying(facts: Facts, offers: Offers) -> Iterator[str]:
    """For each relation the first that satisfies it; none where it is satisfied by nothing that was locked."""
    for relation in facts.needs:
        alternatives = (match for part in relation.split("|") if (match := RELATION.match(part)))
        found = next((name for match in alternatives if (name := _first(match, offers))), None)
        if found is not None:
            yield found


def _first(wanted: re.Match[str], offers: Offers) -> str | None:
    for name, version in offers.get(wanted[1], ()):
        # Who provides a virtual package without a version satisfies no relation that wants one.
        if not wanted[2] or (version and _satisfies(version, wanted[2], wanted[3])):
            return name
    return None


def _satisfies(version: str, relation: str, wanted: str) -> bool:
    try:
        order: int = compare_versions(version, wanted)  # type: ignore[no-untyped-call] # univers ships no types
    except ValueError:
        return True  # apt has chosen it, so it knew better how such versions compare
    return (order > 0) - (order < 0) in HOLDS[relation]
