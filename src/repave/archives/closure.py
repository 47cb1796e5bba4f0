"""Which of Debian's packages need which others: the base below everything, and what dpkg cannot do without."""

from collections.abc import Collection, Mapping

from repave.archives.control import Fields, groups

Chosen = Mapping[str, Fields]
"""Packages by name, closed under dependencies: each relation has an alternative or a provider among them."""


def base_names(chosen: Chosen, also: Collection[str] = ()) -> frozenset[str]:
    """The essential packages among ``chosen``, those in ``also``, and all that they need.

    Of each relation the first alternative or provider is taken, so that the answer depends on nothing but the packages.
    """
    providers = _providers(chosen)
    reached: set[str] = set()
    waiting = [name for name, fields in chosen.items() if fields.get("Essential") == "yes" or name in also]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        waiting.extend(_needed(chosen[name], ("Pre-Depends", "Depends"), chosen, providers))
    return frozenset(reached)


def first_names(chosen: Chosen) -> frozenset[str]:
    """What is to lie in a root before dpkg can unpack the others there: scripts run then (Debian policy 6.6, 7.2).

    The essential packages, those that any of ``chosen`` depends on in advance, and all that they need.
    """
    providers = _providers(chosen)
    ahead = (_needed(fields, ("Pre-Depends",), chosen, providers) for fields in chosen.values())
    return base_names(chosen, {name for names in ahead for name in names})


def unmet(chosen: Chosen) -> Mapping[tuple[str, ...], str]:
    """The relations that nothing among ``chosen`` meets, by the names of their alternatives, and who has each first."""
    providers = _providers(chosen)
    return {
        group: name
        for name in sorted(chosen, reverse=True)
        for group in groups(chosen[name], "Pre-Depends", "Depends")
        if _first(group, chosen, providers) is None
    }


def _providers(chosen: Chosen) -> Mapping[str, list[str]]:
    """The packages that stand for each name that is no package's own, or not only."""
    providers: dict[str, list[str]] = {}
    for name in sorted(chosen):
        for group in groups(chosen[name], "Provides"):
            providers.setdefault(group[0], []).append(name)
    return providers


def _needed(
    fields: Fields, relations: tuple[str, ...], chosen: Chosen, providers: Mapping[str, list[str]]
) -> list[str]:
    found = (_first(group, chosen, providers) for group in groups(fields, *relations))
    return [name for name in found if name is not None]


def _first(group: tuple[str, ...], chosen: Chosen, providers: Mapping[str, list[str]]) -> str | None:
    for name in group:
        if name in chosen:
            return name
        if name in providers:
            return providers[name][0]
    return None
