"""What of a server's units a machine can start as they were, and what must be said otherwise there: pure.

Sources: systemd.unit(5), systemd.service(5), systemd.exec(5).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from repave.config.words import UNIT_PATTERN
from repave.model.recipe import ImageKind
from repave.operations.adopting import judging
from repave.operations.adopting.applications import Environment
from repave.operations.adopting.facts import Facts
from repave.operations.adopting.findings import MADE, Fate
from repave.operations.adopting.rules import WITHIN_A_MACHINE, serves_machine
from repave.operations.adopting.units import Unit, unit_of
from repave.operations.adopting.withholding import may_stand, unit_without_secrets, variables_of

OWN = "/etc/systemd/system"
DROP_IN = "zz-adopted.conf"
"""Read after those of the server, and before the one that repave gives a machine."""

PACKAGE_UNITS = "/usr/lib/systemd/system"


@dataclass(frozen=True, kw_only=True)
class Had:
    """What the recipe has before a machine's own is looked at."""

    packages: frozenset[str]
    """With all that they need."""

    environments: tuple[Environment, ...]
    files: Mapping[str, Fate]
    """What became of the server's own files, by their places."""

    wrapped: frozenset[str]
    """Programs in the places of those of virtual environments."""

    @property
    def taken(self) -> frozenset[str]:
        """The places of those that are in the recipe."""
        return frozenset(place for place, fate in self.files.items() if fate is Fate.TAKEN)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One unit, and what the recipe has of it."""

    unit: Unit
    fate: Fate
    why: str = ""
    made: Mapping[str, str] = field(default_factory=dict)
    withheld: frozenset[str] = frozenset()
    by: str = ""
    """The unit that starts it; empty for one that starts by itself."""


def judged_units(facts: Facts, had: Had) -> tuple[Judged, ...]:
    """Every enabled unit, and of the server's own those that they start; without what it needs none is whole."""
    known = {unit.name: _judged(unit, facts, had) for unit in facts.units}
    waiting = [one.unit for one in known.values() if one.fate is Fate.TAKEN]
    while waiting:
        above = waiting.pop()
        for name in (*above.needs, *above.wishes):
            unit = unit_of(name, facts.texts)
            if name not in known and unit.file and name not in facts.masked and _is_own(unit, facts):
                known[name] = _judged(unit, facts, had, by=above.name)
                waiting += [unit] if known[name].fate is Fate.TAKEN else []
    while lost := [(one, need) for one in known.values() if (need := _lacking(one, known, facts, had))]:
        for one, need in lost:
            why = f"the recipe does not start {need}, which it needs"
            known[one.unit.name] = replace(one, fate=Fate.OPEN, why=why, made={}, withheld=frozenset())
    return tuple(known.values())


def _lacking(one: Judged, known: Mapping[str, Judged], facts: Facts, had: Had) -> str:
    """Of what a unit of the server's own needs, the first that the recipe does not have; empty for nothing."""
    if one.fate is not Fate.TAKEN or one.unit.file in facts.database.owners:
        return ""
    return next((name for name in one.unit.needs if not _can_start(name, known, facts, had)), "")


def _can_start(name: str, known: Mapping[str, Judged], facts: Facts, had: Had) -> bool:
    if name in known:
        return known[name].fate in {Fate.TAKEN, Fate.AGAIN}
    package = facts.database.owners.get(facts.target(unit_of(name, facts.texts).file), "")
    return not package or package in had.packages or is_of_any_machine(package, facts)


def is_of_any_machine(package: str, facts: Facts) -> bool:
    """Whether every machine has it, and starts of it what it should."""
    base = facts.database.packages[package].is_base and not WITHIN_A_MACHINE.fullmatch(package)
    return base or serves_machine(package, ImageKind.VM)


def _is_own(unit: Unit, facts: Facts) -> bool:
    """Whether somebody here has made it, or changed what it does; a link to a package's is another name of it."""
    return any(facts.target(path) not in facts.database.owners for path in (unit.file, *unit.drop_ins))


def _judged(unit: Unit, facts: Facts, had: Had, *, by: str = "") -> Judged:
    package = facts.database.owners.get(unit.file, "")
    fate = _by_its_package(unit, package, facts, had)
    if fate is not Fate.TAKEN:
        why = "the recipe does not have this package" if fate is Fate.OPEN and package else ""
        return Judged(unit=unit, fate=fate, why=why, by=by)
    made, names, lost = _texts(unit, facts, had)
    why = next((f"{path} is not taken" for path in lost), "") or _missing(unit, facts, had)
    if why and not package:
        return Judged(unit=unit, fate=Fate.OPEN, why=why, by=by)
    files = tuple(unit.settings.get("EnvironmentFile", ()))
    dropped = tuple(file for file in files if _is_lost(unit.expanded(file.lstrip("-")), had))
    names |= {name for file in dropped for name in variables_of(facts.texts.get(unit.expanded(file.lstrip("-")), ""))}
    if dropped:
        kept = [f"EnvironmentFile={file}" for file in files if file not in dropped]
        made[f"{OWN}/{unit.name}.d/{DROP_IN}"] = "\n".join([MADE, "[Service]", "EnvironmentFile=", *kept, ""])
    return Judged(unit=unit, fate=fate, why=why, made=made, withheld=frozenset(names), by=by)


def _by_its_package(unit: Unit, package: str, facts: Facts, had: Had) -> Fate:
    if package and is_of_any_machine(package, facts):
        return Fate.AGAIN
    if judging.stateful(package):
        return Fate.STATE
    mounts = unit.name.endswith(".mount")
    lost = package not in had.packages if package else not unit.file or mounts
    return Fate.OPEN if lost or not re.search(UNIT_PATTERN, unit.name) else Fate.TAKEN


def _texts(unit: Unit, facts: Facts, had: Had) -> tuple[dict[str, str], set[str], list[str]]:
    """Its own files without the secrets among their variables, whose names, and those files that cannot be had so."""
    made: dict[str, str] = {}
    names: set[str] = set()
    lost: list[str] = []
    for path in (unit.file, *unit.drop_ins):
        if path in facts.database.owners or path in had.taken:
            continue
        said = unit_without_secrets(facts.texts.get(path, ""))
        if had.files.get(path) is Fate.SECRET and may_stand(path, said):
            made[path] = said.text
            names |= said.names
        else:
            lost.append(path)
    return made, names, lost


def _missing(unit: Unit, facts: Facts, had: Had) -> str:
    """The first thing that it cannot start without and the recipe does not have, as a sentence."""
    programs = [program for program in unit.programs if not _has(program, facts, had)]
    named = [word for command in unit.commands for word in command[1:] if _is_lost(word, had)]
    return next((f"the recipe does not have {path}" for path in (*programs, *named)), "")


def _has(program: str, facts: Facts, had: Had) -> bool:
    if not program.startswith("/") or "%" in program or program in had.wrapped:
        return True
    place = facts.target(program)
    package = facts.database.owners.get(place, "")
    return package in had.packages if package else bool({place, program} & had.taken)


def _is_lost(path: str, had: Had) -> bool:
    """Whether a file, or one of those that a pattern names, is none of the recipe's."""
    if path in had.files:
        return had.files[path] is not Fate.TAKEN
    pattern = re.sub(r"%.", "*", path)
    wild = pattern != path or any(letter in pattern for letter in "*?[")
    return (
        wild
        and pattern.startswith("/")
        and any(fate is not Fate.TAKEN and fnmatchcase(place, pattern) for place, fate in had.files.items())
    )


def switched_off(facts: Facts, had: Had) -> Mapping[str, str]:
    """Places of empty files that keep what packages start from being started, with the unit of each.

    In the place of a link that has one started, such a file takes it back, and the unit may be started by others; in
    the place of the unit itself nothing may start it.
    """
    off = {f"{OWN}/{name}": name for name in facts.masked if _is_packaged(name, facts, had)}
    off |= {f"{OWN}/{link}": name for link, name in facts.disabled if _is_packaged(name, facts, had)}
    return dict(sorted(off.items()))


def _is_packaged(name: str, facts: Facts, had: Had) -> bool:
    unit = unit_of(name, {path: text for path, text in facts.texts.items() if path.startswith(PACKAGE_UNITS)})
    package = facts.database.owners.get(unit.file, "")
    return package in had.packages and not is_of_any_machine(package, facts)


def groups_of(units: Iterable[Unit]) -> Iterator[str]:
    """The groups that units run with, beside those of their users."""
    for unit in units:
        for key in ("Group", "SupplementaryGroups"):
            for line in unit.settings.get(key, ()):
                yield from unit.expanded(line).split()
