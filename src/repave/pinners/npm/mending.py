"""Repairs in a package-lock: another version in the place of a flawed one, where all who need it admit that.

Nothing is resolved here, which is npm's work: a version is taken only if every range that holds the place admits it,
and if all that it needs lies there already, and is installed wherever it is itself.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from semantic_version import Version

from repave.pinners.npm.fitting import Machine, admits, installed, is_readable
from repave.pinners.npm.needs import NEEDED, SPARED, Need, closure, may_be_missing, needs_of
from repave.pinners.npm.packagelock import FOLDER, Entry, PackageLock
from repave.pinners.npm.places import of_entry, of_overrides, of_range
from repave.ports.pinner import Held, Repair

ALIAS = re.compile(r"npm:@?[^@]+(?:@(?P<range>.*))?", re.DOTALL)
BUNDLES = ("bundleDependencies", "bundledDependencies")


@dataclass(frozen=True, kw_only=True)
class _Obstacle:
    """Why a version cannot take a place."""

    why: str
    place: str
    remedy: str


def taken(
    lock: PackageLock, repair: Repair, published: Mapping[str, Entry], on: Machine
) -> tuple[PackageLock, tuple[Held, ...]]:
    """The lock with a repair in every place that admits it, and what holds the others.

    ``published`` are the versions that a registry has. Of those that repair, the highest that is asked for counts, for
    it repairs the most: that very version, or the next one that can be had.
    """
    before = lock
    held: dict[Held, None] = {}
    for entry in lock.entries.values():
        if entry.of_registry and (entry.name, entry.version) == (repair.name, repair.locked):
            lock, refused = _in_place(lock, entry, repair, published, on)
            held |= dict.fromkeys(refused)
    return _without_orphans(before, lock), tuple(held)


def _in_place(
    lock: PackageLock, entry: Entry, repair: Repair, published: Mapping[str, Entry], on: Machine
) -> tuple[PackageLock, list[Held]]:
    holders = [need for need in needs_of(lock) if need.of == entry.path and _holds(need, entry.version)]
    held: list[Held] = []
    for wanted in repair.versions:
        first: _Obstacle | None = None
        for version in _later(published, wanted):
            candidate = replace(published[version], path=entry.path)
            obstacle = next(_obstacles(lock, entry, candidate, holders, on), None)
            if obstacle is None:
                stays = [replace(one, locked=version) for one in held]
                return replace(lock, entries={**lock.entries, entry.path: candidate}), stays
            first = first or obstacle
        first = first or _Obstacle(
            why="the registry it was locked from has no such version", place=of_entry(lock, entry.path), remedy=""
        )
        held.append(
            Held(
                name=entry.name,
                version=wanted,
                locked=entry.version,
                why=first.why,
                place=first.place,
                remedy=first.remedy,
            )
        )
    return lock, held


def _later(published: Mapping[str, Entry], wanted: str) -> list[str]:
    """The versions from the wanted one on, in their order; no previews, unless one is wanted."""
    least = _version(wanted)
    if least is None:
        return []
    known = ((found, text) for text in published if (found := _version(text)) is not None)
    return [text for found, text in sorted(known) if found >= least and (not found.prerelease or found == least)]


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except ValueError:
        return None


def _obstacles(
    lock: PackageLock, entry: Entry, candidate: Entry, holders: list[Need], on: Machine
) -> Iterator[_Obstacle]:
    """What keeps a candidate from the place of an entry; the person's own ranges first."""
    update = f"`npm update {entry.name} --package-lock-only` beside {lock.file}, then `repave lock`"
    if of_overrides(lock, entry.name):
        yield _Obstacle(
            why=f"`overrides` holds {entry.name}", place=of_overrides(lock, entry.name), remedy="change it there"
        )
    for need in sorted(holders, key=lambda need: need.by):
        if not _meets(need.range, candidate.version):
            yield _held_by(lock, need, candidate)
    here = of_entry(lock, entry.path)
    below = f"{entry.path}/{FOLDER}/"
    if entry.bundled or any(candidate.table.get(key) for key in BUNDLES):
        yield _Obstacle(why=f"{entry.name} and another package share one archive", place=here, remedy=update)
    if any(one.bundled for path, one in lock.entries.items() if path.startswith(below)):
        yield _Obstacle(why=f"the archive of {entry.name} holds other packages", place=here, remedy=update)
    after = replace(lock, entries={**lock.entries, entry.path: candidate})
    for kind, name in _wishes(candidate):
        lies = _unmet(after, candidate, kind, name, on)
        if lies:
            wanted = f"`{name} {candidate.range(kind, name)}`"
            yield _Obstacle(
                why=f"{candidate.name} {candidate.version} needs {wanted}, {lies}", place=here, remedy=update
            )
    if not (on.takes(candidate) and on.runs(candidate)):
        yield _Obstacle(
            why=f"{candidate.name} {candidate.version} is for Node `{candidate.engine('node')}`, or another machine",
            place=here,
            remedy="give the image a later Node",
        )


def _wishes(candidate: Entry) -> Iterator[tuple[str, str]]:
    return ((kind, name) for kind in (*NEEDED, SPARED) for name in sorted(candidate.names(kind)))


def _unmet(lock: PackageLock, candidate: Entry, kind: str, name: str, on: Machine) -> str:
    """In what state a package lies there that the candidate needs in another; empty when all is well."""
    found, spared = lock.found_from(candidate, name), may_be_missing(candidate, name)
    if found is None:
        return "" if spared else "which is not there"
    if not _meets(candidate.range(kind, name), found.version):
        return f"and there lies {found.version}"
    if kind == SPARED or spared or not _stays_away(lock, candidate, found, on):
        return ""
    reason = "for developing only" if found.flag("dev") else "where it may be missing"
    return f"and {found.version} is there {reason}"


def _stays_away(lock: PackageLock, candidate: Entry, found: Entry, on: Machine) -> bool:
    """Whether something is left out where the candidate is not: npm marks in a lock what each place is for."""
    choices = product((True, False), repeat=2)
    if any(_kept(candidate, dev, optional) and not _kept(found, dev, optional) for dev, optional in choices):
        return True
    # Where both may be missing, the one is not to go for the sake of the other.
    return found.optional and candidate.installed and found not in installed(lock, on)


def _kept(entry: Entry, dev: bool, optional: bool) -> bool:
    """Whether npm installs it, with or without tools for developing, and packages that may be missing."""
    if entry.flag("devOptional"):
        return dev or optional
    return not entry.flag("extraneous") and (dev or not entry.flag("dev")) and (optional or not entry.optional)


def _held_by(lock: PackageLock, need: Need, candidate: Entry) -> _Obstacle:
    wanted = f"`{need.name}: {need.range}`"
    by = lock.entries.get(need.by, lock.root)
    if by.own_folder:
        within = f" --workspace {need.by}" if need.by else ""
        install = f"`npm install {candidate.name}@{candidate.version} --package-lock-only{within}`"
        return _Obstacle(
            why=f"{wanted} under `{need.kind}` holds it",
            place=of_range(lock, need),
            remedy=f"let it admit {candidate.version}: {install} beside {lock.file} does, then `repave lock`",
        )
    return _Obstacle(
        why=f"{wanted} of {by.name} {by.version} holds it",
        place=of_entry(lock, need.by),
        remedy=f"take a {by.name} that admits it: `npm update {by.name} --package-lock-only`, then `repave lock`",
    )


def _holds(need: Need, version: str) -> bool:
    """Whether a range holds what lies there; one that nobody can read may be any, so it does."""
    return _meets(need.range, version) or not is_readable(_behind_alias(need.range))


def _meets(wanted: str, version: str) -> bool:
    """Whether a range admits a version."""
    return admits(_behind_alias(wanted), version)


def _behind_alias(wanted: str) -> str:
    """An alias has its range behind the name it stands for, if it has any."""
    found = ALIAS.fullmatch(wanted.strip())
    return found["range"] or "" if found else wanted


def _without_orphans(before: PackageLock, after: PackageLock) -> PackageLock:
    """Without what only the replaced versions needed; what nobody needed before stays, with all that it needs."""
    orphans = _needed(before) - _needed(after)
    stays = _with_needs(after, after.entries.keys() - orphans)
    return replace(after, entries={path: entry for path, entry in after.entries.items() if path in stays})


def _needed(lock: PackageLock) -> set[str]:
    return _with_needs(lock, {one.path for one in lock.own})


def _with_needs(lock: PackageLock, paths: set[str]) -> set[str]:
    needs = tuple(needs_of(lock))
    return closure(paths, lambda found: (need.of for need in needs if need.by in found))
