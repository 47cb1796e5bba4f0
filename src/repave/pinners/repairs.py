"""As many repairs as the requirements admit: all at once, else one after the other."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from repave.ports.errors import Invalid
from repave.ports.pinner import Held, Repair

Floors = Mapping[str, str]
"""By name, the version from which on a package may be."""

Found = TypeVar("Found")


def with_most(
    repairs: Sequence[Repair], resolve: Callable[[Floors], Found], why: Callable[[Repair, str, Invalid], str]
) -> tuple[Found, tuple[Held, ...]]:
    """What is resolved with the repairs that can be had together, earlier ones first, and what holds the others.

    ``resolve`` raises Invalid for floors that cannot be met; what it raises without any is raised. Of a package's
    versions the highest that can be had counts: it repairs the most.
    """
    if not repairs:
        return resolve({}), ()
    try:
        return resolve({repair.name: repair.versions[0] for repair in repairs}), ()
    except Invalid:
        found = resolve({})
    floors: dict[str, str] = {}
    held: list[Held] = []
    for repair in repairs:
        for version in repair.versions:
            try:
                found = resolve({**floors, repair.name: version})
            except Invalid as refused:
                held.append(Held(name=repair.name, version=version, why=why(repair, version, refused)))
            else:
                floors[repair.name] = version
                break
    return found, tuple(held)
