"""`repave adopt`: a server is read, and a recipe is written that rebuilds it. Nothing is overwritten."""

import re
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from repave.config.project import FILENAME, parse_project
from repave.model.recipe import ImageKind
from repave.operations.adopting import applications, judging, serving
from repave.operations.adopting.applications import Environment, NodeApplication
from repave.operations.adopting.copying import copied, emptied, made
from repave.operations.adopting.facts import Facts, gather
from repave.operations.adopting.findings import Area, Coverage, Covered, Fate, Found, grouped
from repave.operations.adopting.machines import Machine, machine
from repave.operations.adopting.placing import Brought, Placed, place
from repave.operations.adopting.recipe import FILES, Recipe, written
from repave.operations.adopting.rules import Rules
from repave.operations.adopting.secrecy import tells_secret
from repave.operations.adopting.serving import Service
from repave.operations.adopting.starting import Had
from repave.operations.errors import Refused
from repave.operations.scalars import label_of
from repave.ports.progress import Progress
from repave.ports.server import Server
from repave.scratch.held import held

FOLDER_DEPTH = {Area.STATE: 3, Area.SECRET: 4, Area.FILES: 3, Area.BINARY: 4}
"""By area: so many folders of a path tell what a file belongs to."""

IN_A_HOME = re.compile(r"/home/[^/]+/(?:\..*|[^/]+)")
"""An application's folder, or file, in somebody's home; of a hidden folder what is named, and nothing else of it."""

GIBIBYTE = 1 << 30
DISK_GIBIBYTES = 4
"""Of a virtual machine that says nothing else."""

WITHHELD = "(withheld: it holds a secret)"


@dataclass(frozen=True, kw_only=True)
class Adopted:
    """A server, and the recipe that was written of it."""

    server: str
    file: Path
    found: tuple[Found, ...]
    coverage: Coverage
    unseen: tuple[str, ...]
    """What could not be read, a sentence each."""

    @property
    def open(self) -> tuple[Found, ...]:
        """What a person must decide, or put elsewhere."""
        return tuple(
            one for one in self.found if one.fate in {Fate.OPEN, Fate.STATE, Fate.SECRET} or one.area is Area.BINARY
        )


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """Everything but the files' contents."""

    packages: tuple[Found, ...]
    brought: Brought
    node: tuple[NodeApplication, ...]
    services: tuple[Service, ...]
    placed: Placed


def adopt(server: Server, folder: Path, rules: Rules, kind: ImageKind, progress: Progress) -> Adopted:
    """Read ``server`` and write its recipe into ``folder``, of an image of this kind.

    Raises Refused where there is a recipe already, or the server is none of which such an image is made; Unreachable,
    Denied; Corrupt for one whose words are those of no server.
    """
    file = folder / FILENAME
    for taken in (file, folder / FILES):
        if taken.exists():
            raise Refused(
                f"no recipe was written: `{taken}` exists already",
                hint="`repave adopt` never overwrites: name another folder by --into",
            )
    facts = gather(server, progress)
    if kind is ImageKind.VM:
        _refuse_other_machines(facts)
    judged = _judge(facts, rules, kind)
    folder.mkdir(parents=True, exist_ok=True)
    with held(folder, prefix=".adopting-") as beside:
        files = (
            *copied(server, judged.placed.copies, facts, beside, progress),
            *emptied(judged.placed.emptied, facts, beside),
        )
        own = _machine(facts, judged, files) if kind is ImageKind.VM else None
        files = (*files, *made(own.made if own else {}, facts, beside))
        adopted = _adopted(facts, judged, own, files, file)
        text = written(_recipe(facts, judged, own, adopted, files))
        parse_project(text, filename=FILENAME)  # a recipe that does not load is a defect of ours: never written
        if any(one.fate is Fate.TAKEN for one in files):
            beside.chmod(0o755)
            beside.rename(folder / FILES)
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    return adopted


def _refuse_other_machines(facts: Facts) -> None:
    status = facts.database.packages.get("dpkg")
    other = facts.release.distribution if facts.release.distribution != "debian" else status and status.architecture
    if other not in {None, "", "amd64"}:
        raise Refused(
            f"{facts.name} was not adopted as a virtual machine: it is of {other}",
            hint="virtual machines are made of Debian for amd64: `--kind container`",
        )


def _judge(facts: Facts, rules: Rules, kind: ImageKind) -> _Judged:
    paths = [path for path in facts.standing if path not in facts.database.owners]
    packages = judging.packages(facts, kind)
    environments = applications.environments(paths, facts.texts)
    texts = {path: facts.texts[path] for path in paths if path in facts.texts}
    services = serving.services(facts, environments, applications.node_applications(texts))
    started = tuple(path for service in services for path in service.places)
    if kind is ImageKind.VM:
        own = (unit for unit in facts.units if unit.file not in facts.database.owners)
        started += tuple(path for unit in own for path in unit.places)
    rules = _with_homes(rules, started)
    environments = tuple(
        one
        for one in environments
        if rules.of(f"{one.site}/METADATA") is Fate.TAKEN or any(path.startswith(f"{one.folder}/") for path in started)
    )
    node = applications.node_applications({path: texts[path] for path in texts if rules.of(path) is Fate.TAKEN})
    asked = [one for one in packages if one.area is Area.PACKAGE and one.fate is not Fate.AGAIN]
    brought = Brought(
        asked=facts.database.closure(one.name for one in asked),
        packages=facts.database.closure(one.name for one in asked if one.fate is Fate.TAKEN),
        environments=environments,
        node=tuple(one for one in node if one.locked)[:1],
    )
    return _Judged(
        packages=packages,
        brought=brought,
        node=node,
        services=services,
        placed=place(facts, rules, brought, kind),
    )


def _with_homes(rules: Rules, started: tuple[str, ...]) -> Rules:
    """What a service is started from is an application, though it lies in somebody's home."""
    homes = (match[0] for path in started if (match := IN_A_HOME.match(path)))
    return replace(rules, take=(*rules.take, *dict.fromkeys(homes)))


def _machine(facts: Facts, judged: _Judged, files: tuple[Found, ...]) -> Machine:
    had = Had(
        packages=judged.brought.packages,
        environments=judged.brought.environments,
        files={one.name: one.fate for one in (*judged.placed.found, *files)},
        wrapped=frozenset(applications.wrappers(judged.brought.environments, facts.standing)),
    )
    front = judged.services[0].port if judged.services else None
    return machine(facts, had, front.number if front else None)


def _adopted(facts: Facts, judged: _Judged, own: Machine | None, files: tuple[Found, ...], file: Path) -> Adopted:
    placed = judged.placed
    loose = [*files, *placed.found]
    told = [
        one
        for area, depth in FOLDER_DEPTH.items()
        for one in grouped([f for f in loose if f.area is area], depth=depth)
    ]
    copied_bytes = sum(one.size_bytes for one in files if one.fate is Fate.TAKEN)
    started, units, ports = _started(facts, judged, own)
    found = (
        *judged.packages,
        *judging.foreign_sources(facts),
        *started,
        *(one for one in files if one.area is Area.CONFIGURATION),
        *told,
        *judging.of_the_machine(facts),
        *_python(judged.brought.environments),
        *_node(judged.node),
        *_withheld(judged.services, own),
    )
    return Adopted(
        server=facts.name,
        file=file,
        found=tuple(_masked(one) for one in found),
        coverage=Coverage(
            packages=judging.covered_packages(facts, judged.packages),
            units=units,
            ports=ports,
            bytes=Covered(covered=placed.taken_bytes + copied_bytes, total=placed.total_bytes),
        ),
        unseen=facts.unseen,
    )


def _started(facts: Facts, judged: _Judged, own: Machine | None) -> tuple[tuple[Found, ...], Covered, Covered]:
    """Units, ports, accounts, jobs and kernel parameters; how many of the units and of the ports come back."""
    if own is not None:
        return own.found, own.units_covered, own.ports_covered
    ports, ports_covered = serving.ports(facts, judged.services)
    units, units_covered = serving.units(facts, judged.services)
    others = (*judging.users(facts), *judging.cron_jobs(facts), *judging.kernel_parameters(facts))
    return (*units, *ports, *others), units_covered, ports_covered


def _recipe(facts: Facts, judged: _Judged, own: Machine | None, adopted: Adopted, files: tuple[Found, ...]) -> Recipe:
    service = _first(judged, own)
    node = next((one for one in judged.node if one.locked), None)
    python = _pins(judged.brought.environments)
    taken = [one.name for one in judged.packages if one.area is Area.PACKAGE and one.fate is Fate.TAKEN]
    words = " ".join(service.command) if service else ""
    needed = [
        *(["python3"] if python or "python3" in words else []),
        *(["nodejs"] if node or words.startswith("node ") or "exec node " in words else []),
    ]
    hostname = facts.texts.get("/etc/hostname", "").split(".")[0].strip()
    status = facts.database.packages.get("dpkg")
    return Recipe(
        server=facts.name,
        project=label_of(hostname or facts.name.rpartition("/")[2].rpartition("@")[2]),
        release=facts.release,
        sources=facts.own,
        architecture=status.architecture if status else "",
        packages=tuple(sorted({*taken, *needed})),
        python=python,
        node=node.folder if node else "",
        files=tuple(one.name for one in files if one.fate is Fate.TAKEN),
        service=service,
        kind=ImageKind.VM if own else ImageKind.CONTAINER,
        units=own.units if own else (),
        disk_gibibytes=_disk(adopted.coverage.bytes.covered) if own else 0,
        open=adopted.open,
    )


def _first(judged: _Judged, own: Machine | None) -> Service | None:
    """What a client meets first, without what tells a secret; as a unit it has its variables by itself."""
    service = judged.services[0] if judged.services else None
    if service and own and service.unit and service.unit.name in own.units:
        return replace(service, variables={}, withheld=own.withheld)
    if service and tells_secret(" ".join(service.command)):
        return replace(service, command=serving.STAND_IN)
    return service


def _disk(brought_bytes: int) -> int:
    """GiB of a disk with room for what is brought once more, beside what any machine has; 0 where any disk has that."""
    wanted = ceil(2 * brought_bytes / GIBIBYTE) + 2
    return wanted if wanted > DISK_GIBIBYTES else 0


def _pins(environments: tuple[Environment, ...]) -> tuple[str, ...]:
    """One version of each package: where environments differ, that of the first."""
    chosen: dict[str, str] = {}
    for one in environments:
        for pin in one.pins:
            chosen.setdefault(pin.partition(" == ")[0], pin)
    return tuple(chosen[name] for name in sorted(chosen))


def _python(environments: tuple[Environment, ...]) -> tuple[Found, ...]:
    """Each place with its pins, and what of it the recipe cannot have."""
    chosen = set(_pins(environments))
    found = []
    for one in environments:
        kind = "virtual environment" if one.virtual else "installed into the system by pip"
        if one.pins:
            detail = f"{kind}: {', '.join(one.pins)}"
            found.append(Found(area=Area.PYTHON, name=one.folder, fate=Fate.TAKEN, detail=detail, line="python: [...]"))
        others = [pin for pin in one.pins if pin not in chosen]
        if others:
            detail = "another environment has another version, and an image has one of each"
            line = f"python: [{', '.join(others)}]"
            found.append(Found(area=Area.PYTHON, name=one.folder, fate=Fate.OPEN, detail=detail, line=line))
        if one.local:
            detail = f"{', '.join(one.local)}: installed from a folder or repository, which no index has"
            found.append(
                Found(
                    area=Area.PYTHON,
                    name=one.folder,
                    fate=Fate.OPEN,
                    detail=detail,
                    line="git: [{url: ..., into: ...}]",
                )
            )
    return tuple(found)


def _node(node: tuple[NodeApplication, ...]) -> tuple[Found, ...]:
    found: list[Found] = []
    locked = [one for one in node if one.locked]
    for one in node:
        detail = f"{one.name}: {', '.join(one.pins) or 'no packages of others'}"
        line = f"node: {{lock: {FILES}{one.folder}/package-lock.json, into: {one.folder}}}"
        if one in locked[:1]:
            found.append(Found(area=Area.NODE, name=one.folder, fate=Fate.TAKEN, detail=detail, line=line))
        else:
            why = "an image has one: this wants an image of its own" if one.locked else "no package-lock.json pins it"
            found.append(Found(area=Area.NODE, name=one.folder, fate=Fate.OPEN, detail=f"{detail}: {why}", line=line))
    return tuple(found)


def _withheld(services: tuple[Service, ...], own: Machine | None) -> tuple[Found, ...]:
    of_services = [
        (name, service.unit.name if service.unit else "a service") for service in services for name in service.withheld
    ]
    return tuple(
        Found(
            area=Area.SECRET,
            name=name,
            fate=Fate.SECRET,
            detail=f"a variable of {whose}",
            line=f"config: {{{name}: {{secret: env:{name}}}}}",
        )
        for name, whose in ([(name, "units") for name in own.withheld] if own else of_services)
    )


def _masked(one: Found) -> Found:
    """Without what looks like a secret: the report is read by many. Lines of ours for secrets hold none."""
    if one.area is Area.SECRET:
        return one
    held = {name: WITHHELD for name in ("line", "detail") if tells_secret(getattr(one, name))}
    return replace(one, line=held.get("line", one.line), detail=held.get("detail", one.detail))
