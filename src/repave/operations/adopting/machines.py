"""What a virtual machine brings back as it is, and a container cannot: units, accounts, jobs; pure, from the facts.

Sources: systemd.unit(5), systemd.service(5), systemd.exec(5), deb-systemd-helper(1p).
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from repave.config.words import UNIT_PATTERN
from repave.model.recipe import ImageKind
from repave.operations.adopting import accounts, jobs, judging
from repave.operations.adopting.applications import Environment
from repave.operations.adopting.facts import Facts
from repave.operations.adopting.findings import Area, Covered, Fate, Found
from repave.operations.adopting.listening import Port
from repave.operations.adopting.rules import WITHIN_A_MACHINE, serves_machine
from repave.operations.adopting.secrecy import secret_in, tells_secret
from repave.operations.adopting.serving import is_served, owner_of, program_in, whose_port, whose_unit
from repave.operations.adopting.units import Unit, words
from repave.ports.server import Kind

OWN = "/etc/systemd/system"
DROP_IN = "50-adopted.conf"
"""Read before those that repave gives a machine."""

ENABLED_ONCE = re.compile(r"/var/lib/systemd/deb-systemd-helper-enabled/([^/]+)\.dsh-also")
"""What a package's script leaves of each unit that it has enabled."""

COMMAND = re.compile(r"Exec[A-Z]\w+")
ASSIGNMENTS = re.compile(r"(?m)^[ \t]*Environment[ \t]*=[ \t]*(.*)$")
SET = re.compile(r"(?m)^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=")
ACCOUNTS_MADE = "systemd-sysusers.service"
NOTHING = "/dev/null"


@dataclass(frozen=True, kw_only=True)
class Had:
    """What the recipe has before a machine's own is looked at."""

    packages: frozenset[str]
    """With all that they need."""

    environments: tuple[Environment, ...]
    files: Mapping[str, Fate]
    """What became of the server's own files, by their places."""

    @property
    def taken(self) -> frozenset[str]:
        """The places of those that are in the recipe."""
        return frozenset(place for place, fate in self.files.items() if fate is Fate.TAKEN)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What more the recipe of a machine has."""

    units: tuple[str, ...]
    """Those that it names."""

    made: Mapping[str, str]
    """Files that stood on no server, by their places: what they say."""

    withheld: tuple[str, ...]
    """Variables of its units that are secrets, or stand in a file that is none of the recipe's: by name only."""

    found: tuple[Found, ...]
    units_covered: Covered
    ports_covered: Covered


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """One unit, and what the recipe has of it."""

    unit: Unit
    fate: Fate
    why: str = ""
    made: Mapping[str, str] = field(default_factory=dict)
    withheld: frozenset[str] = frozenset()


def machine(facts: Facts, had: Had, front: int | None) -> Machine:
    """What becomes of each unit, port, account, job and kernel parameter; ``front`` is the port of the fleet."""
    judged = [_judged(unit, facts, had) for unit in facts.units]
    taken = [one for one in judged if one.fate is Fate.TAKEN]
    off = _switched_off(facts, had)
    crontabs = jobs.of_users(facts)
    whom = (*(one.unit.last("User") for one in taken), *jobs.users(facts, had.taken), *(one.user for one in crontabs))
    wanted = accounts.wanted(facts, whom)
    made = {
        **{place: text for one in taken for place, text in one.made.items()},
        **{f"{OWN}/{name}": "" for name in off},
        **{one.place: one.text for one in crontabs},
        **accounts.files(facts, wanted, [one.folder for one in had.environments if one.virtual]),
    }
    names = frozenset(one.unit.name for one in taken)
    ports = [_port(port, facts, names, front) for port in facts.ports]
    return Machine(
        units=(*(one.unit.name for one in taken), *([ACCOUNTS_MADE] if judging.ACCOUNTS in made else [])),
        made=made,
        withheld=tuple(sorted({name for one in taken for name in one.withheld})),
        found=(
            *(_told(one, facts) for one in judged),
            *(_told_off(name) for name in off),
            *ports,
            *judging.users(facts, wanted),
            *judging.crontabs(facts, had.taken.union(one.origin for one in crontabs)),
            *judging.kernel_parameters(facts, had.taken),
        ),
        units_covered=_covered([one.fate for one in judged]),
        ports_covered=_covered([one.fate for one in ports]),
    )


def _covered(fates: Collection[Fate]) -> Covered:
    counted = [fate for fate in fates if fate is not Fate.AGAIN]
    return Covered(covered=counted.count(Fate.TAKEN), total=len(counted))


def _judged(unit: Unit, facts: Facts, had: Had) -> _Judged:
    fate, why = _by_its_package(unit, facts, had), ""
    texts, secret = _texts(unit, facts, had)
    missing = next((program for program in unit.programs if not _has(program, facts, had)), "")
    if fate is Fate.OPEN and _owner(unit, facts):
        why = "the recipe does not have this package"
    elif fate is Fate.TAKEN and (secret or missing):
        fate, why = Fate.OPEN, f"{secret} is not taken" if secret else f"the recipe does not have {missing}"
    if fate is not Fate.TAKEN:
        return _Judged(unit=unit, fate=fate, why=why)
    settings, dropped = _settings(unit, had)
    names = {name for path in dropped for name in SET.findall(facts.texts.get(path, ""))}
    hidden = {name for name, value in unit.environment.items() if tells_secret(f"{name}={value}")}
    drop_in = {f"{OWN}/{unit.name}.d/{DROP_IN}": settings} if settings else {}
    return _Judged(unit=unit, fate=Fate.TAKEN, made={**texts, **drop_in}, withheld=frozenset(names | hidden))


def _by_its_package(unit: Unit, facts: Facts, had: Had) -> Fate:
    package = _owner(unit, facts)
    if package and _is_machines(package, facts):
        return Fate.AGAIN
    if judging.stateful(package):
        return Fate.STATE
    if not re.search(UNIT_PATTERN, unit.name):
        return Fate.OPEN
    lost = package not in had.packages if package else not unit.file
    return Fate.OPEN if lost else Fate.TAKEN


def _is_machines(package: str, facts: Facts) -> bool:
    """Whether every machine has it, and starts of it what it should."""
    base = facts.database.packages[package].is_base and not WITHIN_A_MACHINE.fullmatch(package)
    return base or serves_machine(package, ImageKind.VM)


def _texts(unit: Unit, facts: Facts, had: Had) -> tuple[Mapping[str, str], str]:
    """Its own files without the secrets among their variables, and the first that cannot be had so."""
    made: dict[str, str] = {}
    for path in (unit.file, *unit.drop_ins):
        if path in facts.database.owners or path in had.taken:
            continue
        text = ASSIGNMENTS.sub(_without_secrets, facts.texts.get(path, ""))
        if had.files.get(path) is not Fate.SECRET or secret_in(path, text.encode()):
            return {}, path
        made[path] = text
    return made, ""


def _without_secrets(line: re.Match[str]) -> str:
    said = words(line[1])
    kept = [word for word in said if not tells_secret(word)]
    if len(kept) == len(said):
        return line[0]
    quoted = (word.replace("\\", "\\\\").replace('"', '\\"') for word in kept)
    return "\n".join(["# A secret was withheld here.", *(f'Environment="{word}"' for word in quoted)])


def _has(program: str, facts: Facts, had: Had) -> bool:
    if not program.startswith("/") or any(program.startswith(f"{one.folder}/bin/") for one in _virtual(had)):
        return True
    place = facts.target(program)
    package = facts.database.owners.get(place, "")
    return package in had.packages if package else bool({place, program} & had.taken)


def _virtual(had: Had) -> Iterator[Environment]:
    """Those whose packages are the image's own."""
    return (one for one in had.environments if one.virtual and one.pins)


def _settings(unit: Unit, had: Had) -> tuple[str, tuple[str, ...]]:
    """What must be said otherwise in a machine, as a drop-in, and the files of variables that it does not have."""
    lines: list[str] = []
    for key, commands in unit.settings.items():
        moved = [_moved(command, had) for command in commands]
        if COMMAND.fullmatch(key) and moved != list(commands):
            lines += [f"{key}=", *(f"{key}={command}" for command in moved)]
    files = unit.settings.get("EnvironmentFile", ())
    dropped = [file for file in files if had.files.get(file.lstrip("-"), Fate.TAKEN) is not Fate.TAKEN]
    if dropped:
        lines += ["EnvironmentFile=", *(f"EnvironmentFile={file}" for file in files if file not in dropped)]
    text = "\n".join([accounts.WORDS.rstrip(), "[Service]", *lines]) + "\n" if lines else ""
    return text, tuple(file.lstrip("-") for file in dropped)


def _moved(command: str, had: Had) -> str:
    """The same command where packages are the image's own and no virtual environment is."""
    for one in _virtual(had):
        command = re.sub(
            rf"{re.escape(one.folder)}/bin/([\w.+-]+)", lambda program: program_in(program[1]), command, flags=re.ASCII
        )
    return command


def _switched_off(facts: Facts, had: Had) -> tuple[str, ...]:
    """Units that their packages would start, and somebody has switched off."""
    on = {unit.name for unit in facts.units}
    once = {match[1] for path in facts.standing if (match := ENABLED_ONCE.fullmatch(path))}
    masked = {
        path.rpartition("/")[2]
        for path, one in facts.standing.items()
        if one.kind is Kind.LINK and one.link == NOTHING and path.rpartition("/")[0] == OWN
    }
    return tuple(sorted(name for name in (once | masked) - on if _is_had(name, facts, had)))


def _is_had(unit: str, facts: Facts, had: Had) -> bool:
    package = facts.database.owners.get(f"/usr/lib/systemd/system/{unit}", "")
    return package in had.packages and not _is_machines(package, facts)


def _told(one: _Judged, facts: Facts) -> Found:
    detail = whose_unit(one.unit, facts) + (f": {one.why}" if one.why else "")
    line = "" if one.fate is Fate.AGAIN else f"units: [{one.unit.name}]"
    return Found(area=Area.UNIT, name=one.unit.name, fate=one.fate, detail=detail, line=line)


def _told_off(unit: str) -> Found:
    detail = "switched off by hand: an empty file keeps it so"
    return Found(area=Area.UNIT, name=unit, fate=Fate.TAKEN, detail=detail, line=f"files: {{...: {OWN}/{unit}}}")


def _port(port: Port, facts: Facts, units: Collection[str], front: int | None) -> Found:
    package = owner_of(port.program, facts)
    detail = f"{whose_port(port, package, facts)}{', reached from the server itself only' if port.local else ''}"
    starts = {port.unit} if port.unit else {one.name for one in facts.units if _owner(one, facts) == package != ""}
    line = f"port: {port.number}" if port.number == front else f"units: [{port.unit}]" if port.unit else ""
    if judging.stateful(package):
        fate = Fate.STATE
    elif not starts.isdisjoint(units):
        fate = Fate.TAKEN
    else:
        fate = Fate.OPEN if is_served(port, facts) or not port.program else Fate.AGAIN
    return Found(area=Area.PORT, name=str(port.number), fate=fate, detail=detail, line=line)


def _owner(unit: Unit, facts: Facts) -> str:
    return facts.database.owners.get(unit.file, "")
