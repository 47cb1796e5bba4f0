"""`repave adopt`: a server is read, and a recipe is written that rebuilds it. Nothing is overwritten."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from repave.config.project import FILENAME, parse_project
from repave.operations.adopting import applications, judging, serving
from repave.operations.adopting.applications import Environment, NodeApplication
from repave.operations.adopting.copying import copied, emptied
from repave.operations.adopting.facts import Facts, gather
from repave.operations.adopting.findings import Area, Coverage, Covered, Fate, Found, grouped
from repave.operations.adopting.placing import Brought, Placed, place
from repave.operations.adopting.recipe import FILES, Recipe, written
from repave.operations.adopting.rules import Rules
from repave.operations.adopting.secrecy import tells_secret
from repave.operations.adopting.serving import Service
from repave.operations.errors import Refused
from repave.operations.scalars import label_of
from repave.ports.progress import Progress
from repave.ports.server import Server
from repave.scratch.held import held

FOLDER_DEPTH = {Area.STATE: 3, Area.SECRET: 4, Area.FILES: 3, Area.BINARY: 4}
"""By area: so many folders of a path tell what a file belongs to."""

IN_A_HOME = re.compile(r"/home/[^/]+/[^/]+")
"""An application's folder, or file, in somebody's home."""

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
    environments: tuple[Environment, ...]
    node: tuple[NodeApplication, ...]
    services: tuple[Service, ...]
    placed: Placed


def adopt(server: Server, folder: Path, rules: Rules, progress: Progress) -> Adopted:
    """Read ``server`` and write its recipe into ``folder``.

    Raises Refused where there is a recipe already or the server is none of Debian's or Ubuntu's; Unreachable, Denied;
    Corrupt for one whose words are those of no server.
    """
    file = folder / FILENAME
    for taken in (file, folder / FILES):
        if taken.exists():
            raise Refused(
                f"no recipe was written: `{taken}` exists already",
                hint="`repave adopt` never overwrites: name another folder by --into",
            )
    facts = gather(server, progress)
    judged = _judge(facts, rules)
    folder.mkdir(parents=True, exist_ok=True)
    with held(folder, prefix=".adopting-") as beside:
        files = (
            *copied(server, judged.placed.copies, facts, beside, progress),
            *emptied(judged.placed.emptied, facts, beside),
        )
        adopted = _adopted(facts, judged, files, file)
        text = written(_recipe(facts, judged, adopted, files))
        parse_project(text, filename=FILENAME)  # a recipe that does not load is a defect of ours: never written
        if any(one.fate is Fate.TAKEN for one in files):
            beside.chmod(0o755)
            beside.rename(folder / FILES)
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    return adopted


def _judge(facts: Facts, rules: Rules) -> _Judged:
    paths = [path for path in facts.standing if path not in facts.database.owners]
    packages = judging.packages(facts)
    environments = applications.environments(paths, facts.texts)
    texts = {path: facts.texts[path] for path in paths if path in facts.texts}
    services = serving.services(facts, environments, applications.node_applications(texts))
    rules = _with_homes(rules, services)
    started = tuple(path for service in services for path in service.places)
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
        environments=environments,
        node=node,
        services=services,
        placed=place(facts, rules, brought),
    )


def _with_homes(rules: Rules, services: tuple[Service, ...]) -> Rules:
    """What a service is started from is an application, though it lies in somebody's home."""
    places = (path for service in services for path in service.places)
    homes = (match[0] for path in places if (match := IN_A_HOME.match(path)))
    return replace(rules, take=(*rules.take, *dict.fromkeys(homes)))


def _adopted(facts: Facts, judged: _Judged, files: tuple[Found, ...], file: Path) -> Adopted:
    ports, ports_covered = serving.ports(facts, judged.services)
    units, units_covered = serving.units(facts, judged.services)
    placed = judged.placed
    loose = [*files, *placed.found]
    told = [
        one
        for area, depth in FOLDER_DEPTH.items()
        for one in grouped([f for f in loose if f.area is area], depth=depth)
    ]
    found = (
        *judged.packages,
        *judging.foreign_sources(facts),
        *units,
        *ports,
        *(one for one in files if one.area is Area.CONFIGURATION),
        *told,
        *judging.users(facts),
        *judging.cron_jobs(facts),
        *judging.kernel_parameters(facts),
        *judging.of_the_machine(facts),
        *_python(judged.environments),
        *_node(judged.node),
        *_withheld(judged.services),
    )
    copied_bytes = sum(one.size_bytes for one in files if one.fate is Fate.TAKEN)
    coverage = Coverage(
        packages=judging.covered_packages(facts, judged.packages),
        units=units_covered,
        ports=ports_covered,
        bytes=Covered(covered=placed.taken_bytes + copied_bytes, total=placed.total_bytes),
    )
    return Adopted(
        server=facts.name,
        file=file,
        found=tuple(_masked(one) for one in found),
        coverage=coverage,
        unseen=facts.unseen,
    )


def _recipe(facts: Facts, judged: _Judged, adopted: Adopted, files: tuple[Found, ...]) -> Recipe:
    service = judged.services[0] if judged.services else None
    if service and tells_secret(" ".join(service.command)):
        service = replace(service, command=serving.STAND_IN)
    node = next((one for one in judged.node if one.locked), None)
    python = _pins(judged.environments)
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
        open=adopted.open,
    )


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


def _withheld(services: tuple[Service, ...]) -> tuple[Found, ...]:
    return tuple(
        Found(
            area=Area.SECRET,
            name=name,
            fate=Fate.SECRET,
            detail=f"a variable of {service.unit.name if service.unit else 'a service'}",
            line=f"config: {{{name}: {{secret: env:{name}}}}}",
        )
        for service in services
        for name in service.withheld
    )


def _masked(one: Found) -> Found:
    """Without what looks like a secret: the report is read by many. Lines of ours for secrets hold none."""
    if one.area is Area.SECRET:
        return one
    held = {name: WITHHELD for name in ("line", "detail") if tells_secret(getattr(one, name))}
    return replace(one, line=held.get("line", one.line), detail=held.get("detail", one.detail))
