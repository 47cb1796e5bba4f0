"""Which of the locked packages are the base below everything else."""

from collections.abc import Collection, Mapping

from repave.archives.control import Fields, groups


def base_names(chosen: Mapping[str, Fields], also: Collection[str] = ()) -> frozenset[str]:
    """The essential packages among ``chosen``, those in ``also``, and all that they need.

    ``chosen`` is closed under dependencies, so each group has an alternative or a provider in it; the first is taken,
    so that the answer depends on nothing but the packages themselves.
    """
    providers: dict[str, list[str]] = {}
    for name in sorted(chosen):
        for group in groups(chosen[name], "Provides"):
            providers.setdefault(group[0], []).append(name)
    reached: set[str] = set()
    waiting = [name for name, fields in chosen.items() if fields.get("Essential") == "yes" or name in also]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        for group in groups(chosen[name], "Pre-Depends", "Depends"):
            needed = _first(group, chosen, providers)
            if needed is not None:
                waiting.append(needed)
    return frozenset(reached)


def _first(group: tuple[str, ...], chosen: Mapping[str, Fields], providers: Mapping[str, list[str]]) -> str | None:
    for name in group:
        if name in chosen:
            return name
        if name in providers:
            return providers[name][0]
    return None
