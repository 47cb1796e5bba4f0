"""As many repairs as the requirements admit: all at once, else one after the other."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from repave.ports.errors import Invalid
from repave.ports.pinner import Held, Repair

Bounds = Mapping[str, str]
"""By name, the versions that are wanted, as PEP 440 writes them: ``==2.3.8``, ``>=2.3.8``."""

Found = TypeVar("Found")


def with_most(
    repairs: Sequence[Repair], resolve: Callable[[Bounds], Found], holder: Callable[[Repair, str, Invalid], Held]
) -> tuple[Found, tuple[Held, ...]]:
    """What is resolved with the repairs that can be had together, earlier ones first, and what holds the others.

    Of a package's versions the highest that can be had counts: it repairs the most. That very version is wanted, for
    a repair is to move as little as it can; a later one where it cannot be had. ``resolve`` raises Invalid for bounds
    that cannot be met; what it raises without any is raised.
    """
    if not repairs:
        return resolve({}), ()
    try:
        return resolve({repair.name: f"=={repair.versions[0]}" for repair in repairs}), ()
    except Invalid:
        found = resolve({})
    bounds: dict[str, str] = {}
    held: list[Held] = []
    for repair in repairs:
        for version in repair.versions:
            try:
                found, bounds = _bound(resolve, bounds, repair.name, version)
            except Invalid as refused:
                held.append(holder(repair, version, refused))
            else:
                break
    return found, tuple(held)


def _bound(
    resolve: Callable[[Bounds], Found], bounds: dict[str, str], name: str, version: str
) -> tuple[Found, dict[str, str]]:
    exactly = {**bounds, name: f"=={version}"}
    try:
        return resolve(exactly), exactly
    except Invalid:
        later = {**bounds, name: f">={version}"}
        return resolve(later), later
