"""Which of a server's services an image starts, and how it is started where no init is: pure, from the facts."""

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from repave.model.recipe import ImageKind
from repave.operations.adopting.applications import Environment, NodeApplication
from repave.operations.adopting.facts import Facts
from repave.operations.adopting.findings import Area, Covered, Fate, Found
from repave.operations.adopting.judging import stateful
from repave.operations.adopting.listening import Port
from repave.operations.adopting.rules import serves_machine
from repave.operations.adopting.secrecy import variable_tells
from repave.operations.adopting.units import Unit, words
from repave.operations.adopting.withholding import variables_of

SCRIPTS = "/usr/local/bin/"
"""Where an image has the programs of its Python packages."""

DEFAULT_USER = "www-data"
EVERYWHERE = frozenset({"www-data", "nobody", "daemon", "mail", "news", "backup", "proxy", "games", "irc", "list"})
"""Users that every image of Debian or Ubuntu has (base-passwd)."""

FOREGROUND: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "nginx": (("nginx", "-g", "daemon off;"), ("/var/lib/nginx/", "/var/log/nginx/")),
    "apache2": (("apachectl", "-D", "FOREGROUND"), ("/var/cache/apache2/", "/var/log/apache2/", "/var/lib/apache2/")),
    "haproxy": (("haproxy", "-W", "-db", "-f", "/etc/haproxy/haproxy.cfg"), ("/var/lib/haproxy/",)),
}
"""Servers that go to the background by themselves: how they stay, and where they write while they run."""

OWN_FOLDERS = {"LogsDirectory": "/var/log", "CacheDirectory": "/var/cache", "StateDirectory": "/var/lib"}
"""Folders that systemd makes for a service (systemd.exec(5))."""

AROUND = ("ExecCondition", "ExecStartPre", "ExecStartPost", "ExecStop", "ExecStopPost")
"""What systemd runs beside a service's own command (systemd.service(5)); a reload is for who changes files in place."""

STAND_IN = ("sleep", "infinity")
NOT_SERVED = frozenset(
    {"sshd", "systemd", "systemd-resolved", "rpcbind", "exim4", "master", "cupsd", "init", "containerd", "dockerd"}
)
"""Programs that serve the machine."""

PREFIXES = ("python", "pypy")


@dataclass(frozen=True, kw_only=True)
class Service:
    """What an image runs."""

    command: tuple[str, ...]
    user: str = DEFAULT_USER
    unit: Unit | None = None
    port: Port | None = None
    scratch: tuple[str, ...] = ()
    """Folders in which it writes while it runs, and which may be lost."""

    variables: Mapping[str, str] = field(default_factory=dict)
    withheld: tuple[str, ...] = ()
    """Variables whose values look like secrets, or stand in a file of their own: by name only."""

    places: tuple[str, ...] = ()
    """Files and folders that its command names."""


def services(facts: Facts, environments: Iterable[Environment], node: Iterable[NodeApplication]) -> tuple[Service, ...]:
    """Every service that waits on a port, the one that a client meets first at the front."""
    known = tuple(environments)
    by_name = {unit.name: unit for unit in facts.units}
    served = [port for port in facts.ports if is_served(port, facts)]
    found = [_service(port, by_name.get(port.unit), facts, known) for port in sorted(served, key=_rank)]
    if found:
        return tuple(found)
    starts = [one for one in node if one.start]
    return tuple(
        Service(command=("sh", "-c", f"cd {shlex.quote(one.folder)} && exec {one.start}"), places=(one.folder,))
        for one in starts[:1]
    )


def ports(facts: Facts, served: tuple[Service, ...]) -> tuple[tuple[Found, ...], Covered]:
    """What becomes of each port, and how many the image serves; those of the machine do not count."""
    front = served[0].port if served else None
    ours = {service.port.number: service for service in served if service.port}
    found = [_port(port, facts, front, ours.get(port.number)) for port in facts.ports]
    counted = [one for one in found if one.fate is not Fate.AGAIN]
    return tuple(found), Covered(covered=sum(one.fate is Fate.TAKEN for one in counted), total=len(counted))


def units(facts: Facts, served: tuple[Service, ...]) -> tuple[tuple[Found, ...], Covered]:
    """What becomes of each enabled unit, and how many the image starts; those of the machine do not count."""
    started = served[0].unit.name if served and served[0].unit else ""
    found = [_unit(unit, facts, started, served) for unit in facts.units if not unit.name.endswith(".timer")]
    counted = [one for one in found if one.fate is not Fate.AGAIN]
    covered = Covered(covered=sum(one.fate is Fate.TAKEN for one in counted), total=len(counted))
    return (*found, *(one for unit in facts.units if unit.name == started for one in _around(unit, facts))), covered


def _around(unit: Unit, facts: Facts) -> Iterable[Found]:
    """What somebody has a unit run besides that the image starts: an image starts one command."""
    own = any(path not in facts.database.owners for path in (unit.file, *unit.drop_ins))
    for key in AROUND if own else ():
        commands = unit.settings.get(key, ())
        if commands:
            detail = f"{key}: {'; '.join(commands)}: not in the recipe, whose image starts one command"
            line = f"# {key}={commands[0]}"
            yield Found(area=Area.UNIT, name=unit.name, fate=Fate.OPEN, detail=detail, line=line)


def owner_of(program: str, facts: Facts) -> str:
    """The package of a program, by its path or name; empty where none has it."""
    places = [program] if program.startswith("/") else [f"{folder}/{program}" for folder in ("/usr/sbin", "/usr/bin")]
    return next(
        (facts.database.owners[place] for one in places if (place := facts.target(one)) in facts.database.owners), ""
    )


def is_served(port: Port, facts: Facts) -> bool:
    """Whether what waits there serves clients, and not the machine."""
    package = owner_of(port.program, facts)
    name = port.program.rpartition("/")[2]
    ours = not stateful(package) and not serves_machine(package, ImageKind.CONTAINER)
    return bool(port.program) and name not in NOT_SERVED and ours


def _rank(port: Port) -> tuple[int, int]:
    name = port.program.rpartition("/")[2]
    return (0 if name in {*FOREGROUND, "caddy", "traefik", "lighttpd"} else 2 if port.local else 1), port.number


def _service(port: Port, unit: Unit | None, facts: Facts, environments: tuple[Environment, ...]) -> Service:
    name = port.program.rpartition("/")[2]
    if name in FOREGROUND:
        command, scratch = FOREGROUND[name]
        if name == "nginx" and any(
            re.search(r"(?m)^\s*daemon\s+off\s*;", facts.texts.get(path, ""))
            for path in facts.texts
            if path == "/etc/nginx/nginx.conf"
        ):
            command = ("nginx",)
        return Service(command=command, unit=unit, port=port, scratch=scratch)
    command = _without_environment(unit.command if unit else port.arguments or (port.program,), environments)
    folder = unit.last("WorkingDirectory").lstrip("-") if unit else ""
    variables, withheld = _variables(unit, facts)
    wanted = unit.last("User") if unit else ""
    return Service(
        command=_in_shell(command, folder),
        user=wanted if wanted in EVERYWHERE else DEFAULT_USER,
        unit=unit,
        port=port,
        scratch=tuple(
            f"{above}/{word}/" for key, above in OWN_FOLDERS.items() for word in words(unit.last(key) if unit else "")
        ),
        variables=variables,
        withheld=withheld,
        places=tuple(word for word in (*(unit.command if unit else port.arguments), folder) if word.startswith("/")),
    )


def _without_environment(command: tuple[str, ...], environments: tuple[Environment, ...]) -> tuple[str, ...]:
    """The same command where packages are the image's own and no virtual environment is."""
    for one in environments:
        inside = f"{one.folder}/bin/"
        if one.virtual and command and command[0].startswith(inside):
            program = command[0].removeprefix(inside)
            return ("python3" if program.startswith(PREFIXES) else f"{SCRIPTS}{program}", *command[1:])
    return command


def _in_shell(command: tuple[str, ...], folder: str) -> tuple[str, ...]:
    """Through a shell where it counts on the folder it is started in, or on variables; as it is elsewhere."""
    moved = folder not in {"", "/", "~"}
    if not moved and not any(VARIABLE.search(word) for word in command):
        return command
    said = " ".join(
        f'"{word}"' if VARIABLE.search(word) and SAFE.fullmatch(word) else shlex.quote(word) for word in command
    )
    return ("sh", "-c", f"cd {shlex.quote(folder)} && exec {said}" if moved else f"exec {said}")


def _variables(unit: Unit | None, facts: Facts) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Those that may stand in the file, and the names of those that may not: all that a file of its own holds."""
    said = dict(unit.environment) if unit else {}
    files = unit.settings.get("EnvironmentFile", ()) if unit else ()
    filed = [name for file in files for name in variables_of(facts.texts.get(file.lstrip("-"), ""))]
    secret = [name for name, value in said.items() if variable_tells(name, value)]
    return {name: value for name, value in said.items() if name not in secret}, tuple(sorted({*secret, *filed}))


VARIABLE = re.compile(r"\$\{?[A-Za-z_]")
SAFE = re.compile(r"[\w${}./:=,@%+-]+")


def _port(port: Port, facts: Facts, front: Port | None, service: Service | None) -> Found:
    package = owner_of(port.program, facts)
    detail = f"{whose_port(port, package, facts)}{', reached from the server itself only' if port.local else ''}"
    if front is not None and port.number == front.number:
        return Found(area=Area.PORT, name=str(port.number), fate=Fate.TAKEN, detail=detail, line=f"port: {port.number}")
    fate = Fate.STATE if stateful(package) else Fate.OPEN if service or not port.program else Fate.AGAIN
    same = (
        front is not None and service is not None and service.port is not None and service.port.program == front.program
    )
    if same and front is not None and front.program.rpartition("/")[2] in FOREGROUND:
        detail += "; the image's own server listens there too, and a fleet sends requests to one port"
    run = f"run: {shlex.join(service.command)}, port: {port.number}" if service else ""
    return Found(area=Area.PORT, name=str(port.number), fate=fate, detail=detail, line=run)


def whose_unit(unit: Unit, facts: Facts) -> str:
    """The package or file that it comes from, and what changed it."""
    package = facts.database.owners.get(unit.file, "")
    changed = [path for path in unit.drop_ins if path not in facts.database.owners]
    whose = f"of package {package}" if package else f"of nobody's package: {unit.file or 'its file is gone'}"
    return whose + (f", changed by {', '.join(changed)}" if changed else "")


def whose_port(port: Port, package: str, facts: Facts) -> str:
    """The package or file that waits there."""
    named = (facts.target(word) for word in (*port.arguments, port.origin) if word.startswith("/"))
    own = next((path for path in named if path in facts.standing and path not in facts.database.owners), "")
    if own and own != port.program and not own.startswith("/etc/"):
        return f"{own}, which no package owns" + (f", started by {port.unit}" if port.unit else "")
    if package:
        return f"{port.program}, of package {package}"
    return f"{port.program}, which no package owns" if port.program else "a program that may not be seen"


def _unit(unit: Unit, facts: Facts, started: str, served: tuple[Service, ...]) -> Found:
    package = facts.database.owners.get(unit.file, "")
    detail = whose_unit(unit, facts)
    if unit.name == started:
        line = f"run: {shlex.join(served[0].command)}"
        return Found(area=Area.UNIT, name=unit.name, fate=Fate.TAKEN, detail=detail, line=line)
    machines = bool(package) and serves_machine(package, ImageKind.CONTAINER)
    if package and (machines or facts.database.packages[package].is_base):
        return Found(area=Area.UNIT, name=unit.name, fate=Fate.AGAIN, detail=detail)
    other = next((service for service in served[1:] if service.unit and service.unit.name == unit.name), None)
    command = other.command if other else unit.command
    line = f"run: {shlex.join(command)}" if command else ""
    fate = Fate.STATE if stateful(package) else Fate.OPEN
    why = "" if fate is Fate.STATE else ": an image runs one command; this wants an image and fleet of its own"
    return Found(area=Area.UNIT, name=unit.name, fate=fate, detail=detail + why, line=line)
