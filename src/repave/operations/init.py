"""`repave init`: a commented starter file for the application in a folder. Never overwrites."""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from repave.config.problems import Unfit
from repave.config.project import FILENAME, parse_project
from repave.config.words import command
from repave.operations.errors import Refused
from repave.operations.node_survey import LOCK, MANIFEST, NodeFound, at_home, node_survey
from repave.operations.scalars import label_of, one_line, scalar
from repave.operations.survey import Entry, Survey, survey

HOME = "/srv/app/"
DEFAULT_PORT = 8000
NODE_PORT = 3000

SERVERS = {"flask": "gunicorn", "django": "gunicorn", "fastapi": "uvicorn", "starlette": "uvicorn"}
"""What serves which framework; added to the requirements when they name no server."""

BOOKWORM_PYTHON = (3, 11)
"""What Debian 12 brings; an application that asks for a newer one is put on Debian 13, which brings 3.13."""

BOOKWORM_NODE = 18
"""What Debian 12 brings; Debian 13 brings 20."""

SYSTEM_PACKAGES = {"psycopg": "libpq5"}
"""Libraries that Python packages load by themselves and no wheel contains."""


def initialise(folder: Path) -> Path:
    """Write ``repave.yaml`` into ``folder`` and answer its path. Raises Refused when there is one already."""
    path = folder / FILENAME
    if not folder.is_dir():
        raise Refused(f"no {FILENAME} was written: `{folder}` is no folder", hint="go to the application's folder")
    text = "" if path.exists() else propose(folder)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise Refused(
            f"no starter file was written: `{path}` exists already",
            hint="`repave init` never overwrites: move the file away to get a new one",
        ) from error
    except OSError as error:
        raise Refused(f"`{path}` cannot be written: {error.strerror}", hint="may you write in this folder?") from error
    return path


def propose(folder: Path) -> str:
    """The starter file for the application in ``folder``: it loads, and every guess says where it comes from."""
    found, node = survey(folder, home=HOME), node_survey(folder, home=HOME)
    # A package.json beside a Python application is of its pages.
    of_node = node is not None and found.entry is None
    proposal = _node_proposal(found, node) if of_node and node else _proposal(found)
    unlocked = (folder / MANIFEST).is_file() and not (folder / LOCK).is_file()
    text = _text(replace(proposal, unlocked=unlocked))
    parse_project(text, filename=FILENAME)  # a proposal that does not load is a defect of ours: never written
    return text


@dataclass(frozen=True, kw_only=True)
class _Proposal:
    """The answers that the starter file gives."""

    found: Survey
    name: str
    release: str
    packages: tuple[str, ...]
    python: tuple[str, ...]
    run: str
    port: int
    added: tuple[str, ...]
    """Requirements that no file names and the application cannot do without."""

    workers: Mapping[str, tuple[str, str]]
    """What is to run beside what serves, or instead of it, by its fleet: its name in the Procfile, and the command."""

    node: NodeFound | None = None
    unlocked: bool = False
    """Whether a Node application lacks its package-lock, without which nothing pins its packages."""


def _proposal(found: Survey) -> _Proposal:
    port = found.port or DEFAULT_PORT
    names = {_requirement_name(line) for line in found.requirements}
    added = _missing(found.entry.framework if found.entry else "", names)
    return _Proposal(
        found=found,
        name=label_of(found.name),
        release=_release(found.requires_python),
        packages=("python3", "ca-certificates", *(SYSTEM_PACKAGES[name] for name in SYSTEM_PACKAGES if name in names)),
        python=(*found.requirements, *added),
        run=_command(found, names | set(added), port),
        port=port,
        added=added,
        workers=_workers(found, port),
    )


def _node_proposal(found: Survey, node: NodeFound) -> _Proposal:
    port = node.port or NODE_PORT
    told = replace(
        found,
        name=node.name,
        requirements=(),
        left_out=(),
        requirements_from="",
        port=node.port,
        port_from=node.port_from,
        health_path=node.health_path,
        files=node.files,
    )
    lowest = re.search(r"\d+", node.engine)
    return _Proposal(
        found=told,
        name=label_of(node.name),
        release="trixie" if lowest and int(lowest[0]) > BOOKWORM_NODE else "bookworm",
        packages=("nodejs", "ca-certificates"),
        python=(),
        run=at_home(re.sub(r"\$\{PORT(:-\d+)?\}|\$PORT\b", str(port), node.start), home=HOME),
        port=port,
        added=(),
        workers=_workers(found, port),
        node=node,
    )


def _missing(framework: str, names: set[str]) -> tuple[str, ...]:
    """The framework and a server for it, where no requirement names them."""
    if not framework:
        return ()
    served = names & {"gunicorn", "uvicorn", "hypercorn", "waitress", "daphne", "granian"}
    return (*(() if framework in names else (framework,)), *(() if served else (SERVERS[framework],)))


def _requirement_name(line: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;(]", line, maxsplit=1)[0]).lower()


def _release(requires_python: str) -> str:
    lowest = re.search(r">=?\s*(\d+)\.(\d+)", requires_python)
    return "trixie" if lowest and (int(lowest[1]), int(lowest[2])) > BOOKWORM_PYTHON else "bookworm"


def _command(found: Survey, requirements: set[str], port: int) -> str:
    if found.procfile:
        return _from_procfile(found.procfile, port)
    if found.entry is None:
        return f"python3 -m http.server --directory /usr/share {port}"
    return _served(found.entry, requirements, port)


def _workers(found: Survey, port: int) -> Mapping[str, tuple[str, str]]:
    """Those of the Procfile, each under a name of its own that a fleet may have."""
    named: dict[str, tuple[str, str]] = {}
    for name, line in found.workers.items():
        label = label_of(name)
        numbered = (f"{label}-{number}" for number in count(2))
        free = label if label not in {"web", *named} else next(one for one in numbered if one not in named)
        named[free] = (name, _from_procfile(line, port))
    return named


def _served(entry: Entry, requirements: set[str], port: int) -> str:
    """The server's command line for one entry point."""
    target = entry.target
    if entry.framework in {"fastapi", "starlette"} and "uvicorn" in requirements:
        factory = " --factory" if target.endswith("()") else ""
        return f"python3 -m uvicorn{factory} --app-dir {HOME} --host 0.0.0.0 --port {port} {target.removesuffix('()')}"
    if "gunicorn" in requirements:
        worker = " --worker-class uvicorn.workers.UvicornWorker" if entry.framework in {"fastapi", "starlette"} else ""
        quoted = shlex.quote(target)
        return f"python3 -m gunicorn --chdir {HOME} --bind 0.0.0.0:{port} --threads 4{worker} {quoted}"
    if "waitress" in requirements:
        call = " --call" if target.endswith("()") else ""
        return _at_home(f"python3 -m waitress --listen=0.0.0.0:{port}{call} {target.removesuffix('()')}")
    server = next(iter(sorted(requirements & {"hypercorn", "daphne", "granian", "uvicorn"})), "gunicorn")
    bind = f"-b 0.0.0.0 -p {port}" if server == "daphne" else f"--bind 0.0.0.0:{port}"
    bind = f"--host 0.0.0.0 --port {port}" if server in {"granian", "uvicorn"} else bind
    return _at_home(f"python3 -m {server} {bind} {shlex.quote(target)}")


def _from_procfile(line: str, port: int) -> str:
    """The Procfile's command with the port filled in, started where the application lives."""
    filled = re.sub(r"\$\{PORT(:-\d+)?\}|\$PORT\b", str(port), line)
    try:
        arguments = list(command(filled))
    except Unfit:
        return _at_home(filled)
    program = arguments[0].rsplit("/", 1)[-1]
    if program == "gunicorn":
        words = " ".join(arguments[1:])
        bound = re.search(r"(^|\s)(-b|--bind)\b", words)
        home = "" if "--chdir" in words else f" --chdir {HOME}"
        bind = "" if bound else f" --bind 0.0.0.0:{port}"
        return f"python3 -m gunicorn{home}{bind} {shlex.join(arguments[1:])}"
    if program == "uvicorn":
        words = " ".join(arguments[1:])
        home = "" if "--app-dir" in words else f" --app-dir {HOME}"
        host = "" if "--host" in words else " --host 0.0.0.0"
        bind = "" if "--port" in words else f" --port {port}"
        return f"python3 -m uvicorn{home}{host}{bind} {shlex.join(arguments[1:])}"
    if program in {"python", "python3"}:
        return _at_home(shlex.join(["python3", *arguments[1:]]))
    return _at_home(filled)


_MODULES = "(gunicorn|uvicorn|hypercorn|waitress|daphne|granian|celery|flask|alembic)"
"""Programs that are started as modules, because an image has Python's packages and not the scripts beside them."""


def _at_home(text: str) -> str:
    """Through a shell, because the command counts on the folder it is started in, or on the shell itself."""
    text = re.sub(rf"(^|[;&|]\s*){_MODULES}\b", lambda match: f"{match[1]}python3 -m {match[2]}", text)
    text = re.sub(r"(^|[;&|]\s*)python\b(?!3)", r"\1python3", text)
    before, also, last = text.rpartition("&&")
    quoted = also and re.search(r"['\"]", text)
    if not quoted and re.search(r"\|\||;|\|", text) is None:
        text = f"{before}{also}{' ' if also else ''}exec {last.strip()}"  # it takes the shell's place, and its signals
    return f"sh -c {shlex.quote(f'cd {HOME} && {text}')}"


def _text(proposal: _Proposal) -> str:
    serves = proposal.node is not None or bool(proposal.found.procfile or proposal.found.entry) or not proposal.workers
    sizes = [*(["web: {size: 2}"] if serves else []), *(f"{name}: {{size: 1}}" for name in proposal.workers)]
    lines = [
        "# What this application is made of, and how many run where. `repave schema` describes every key.",
        "# Next: `repave lock` pins every byte, `repave bake` makes the image, `repave deploy test` runs it.",
        f"project: {proposal.name}",
        "",
        "images:",
        *(_image_lines(proposal, "web", _run_lines(proposal)) if serves else ()),
        *(
            line
            for name, (said, run) in proposal.workers.items()
            for line in _image_lines(proposal, name, _work_lines(said, run))
        ),
        "",
        "fleets:",
        *(_fleet_lines(proposal) if serves else ()),
        *(line for name in proposal.workers for line in _worker_lines(name)),
        "",
        "environments:",
        "  test:",
        "    provider: local                  # containers on this machine",
        "    zones: [a, b]",
        f"    fleets: {{{', '.join(sizes)}}}"
        + ("         # add `listen: 8080` to choose the port clients use" if serves else ""),
        "    # Environment variables, delivered at start. A secret is given by where it is kept, never by itself.",
        "    # config:",
        "    #   LOG_LEVEL: info",
        '    #   DATABASE_URL: {secret: "env:DATABASE_URL"}',
        "",
        "# The order in which releases travel, once there are more environments:",
        "# pipeline: [test, prod]",
        *_advisory_lines(proposal),
    ]
    return "\n".join(lines) + "\n"


def _image_lines(proposal: _Proposal, name: str, run: Iterable[str]) -> Iterator[str]:
    release = proposal.release
    yield f"  {name}:"
    yield "    kind: container"
    yield "    # What is locked comes from these suites; the security suite brings the repairs."
    yield f"    base: {{distribution: debian, release: {release}, suites: [{release}, {release}-security]}}"
    yield f"    packages: [{', '.join(proposal.packages)}]"
    yield from _python_lines(proposal)
    yield from _node_lines(proposal)
    yield from _file_lines(proposal)
    yield from run
    yield "    user: www-data"


def _work_lines(name: str, run: str) -> Iterator[str]:
    yield f"    # From the Procfile's `{name}` line{_without_shell(run)}."
    yield f"    run: {scalar(run)}"


def _without_shell(run: str) -> str:
    return "" if run.startswith("sh -c ") else "; no shell interprets it"


def _fleet_lines(proposal: _Proposal) -> Iterator[str]:
    yield "  web:"
    yield "    image: web"
    yield f"    port: {proposal.port}{_comment(_port_origin(proposal))}"
    yield from _health_lines(proposal.found)
    yield "    # A rollout starts the new first and takes an old one away only when a new one serves."
    yield "    rollout: {strategy: rolling, surge: 25%, unavailable: 0}"


def _worker_lines(name: str) -> Iterator[str]:
    yield f"  {name}:"
    yield f"    image: {name}"
    yield "    port: none                       # nobody asks it anything"
    yield "    # Well once it has run so long. One that leaves gets SIGTERM, and `drain` to finish what it has begun."
    yield "    health: {steady: 10s}"
    yield "    drain: 30s"


def _python_lines(proposal: _Proposal) -> Iterable[str]:
    found = proposal.found
    if found.requirements_from:
        yield f"    # From {found.requirements_from}. Ranges are enough: the lock pins versions and hashes."
    for line in found.left_out:
        yield f"    # Left out, for it names no package of an index, which alone can vouch by hash: {one_line(line)}"
    if proposal.python:
        yield "    python:"
    for line in proposal.python:
        yield f"      - {scalar(line)}" + ("  # added: nothing named it" if line in proposal.added else "")


def _node_lines(proposal: _Proposal) -> Iterable[str]:
    if proposal.node is not None:
        yield f"    # Its packages, as {LOCK} pins them; no install script is run."
        yield f"    node: {{lock: {LOCK}, into: {HOME.rstrip('/')}}}"


def _file_lines(proposal: _Proposal) -> Iterable[str]:
    found = proposal.found
    if not found.files and proposal.unlocked:
        yield f"    # {MANIFEST} is here, and no {LOCK}, which pins its packages: `npm install --package-lock-only`"
        yield "    # makes one. Then move this file away, and `repave init` again."
    if not found.files:
        yield "    # No application was found here. Its files go in like this, folders with a trailing slash:"
        yield f"    # files: {{app/: {HOME}}}"
        return
    yield "    # The application: what of this folder goes where in the image."
    yield "    files:"
    for source, target in found.files.items():
        yield f"      {scalar(source)}: {scalar(target)}"


def _run_lines(proposal: _Proposal) -> Iterable[str]:
    found = proposal.found
    if proposal.node is not None:
        yield f"    # From {proposal.node.start_from}, in the application's folder."
    elif found.procfile:
        yield f"    # From the Procfile's `web` line{_without_shell(proposal.run)}."
    elif found.entry:
        yield f"    # {found.entry.framework} in {found.entry.module.as_posix()}; no shell interprets it."
    else:
        yield "    # A stand-in that answers every request with a list of files: put your command here."
    yield f"    run: {scalar(proposal.run)}"


def _advisory_lines(proposal: _Proposal) -> Iterable[str]:
    """Who is told what is locked, a person decides."""
    if proposal.python or proposal.node is not None:
        yield ""
        yield "# Who knows the flaws of Python and npm packages. Without a source they are not judged, and scans end"
        yield "# with 3. This one is told their names and versions; a copy of its records (`zip`) is told nothing."
        yield "# advisories:"
        yield '#   sources: [{osv: {api: "https://api.osv.dev"}}]'


def _health_lines(found: Survey) -> Iterable[str]:
    if found.health_path:
        yield f"    health: {{path: {found.health_path}}}"
    else:
        yield "    # No health check was found: `/` must answer with 2xx or 3xx for an instance to get requests."
        yield "    health: {path: /}"


def _port_origin(proposal: _Proposal) -> str:
    found = proposal.found
    if found.port:
        return f"from {found.port_from}"
    if proposal.node is not None:
        return "where the command above listens"
    return "" if found.procfile or found.entry else "where the command below `run` listens"


def _comment(text: str) -> str:
    return f"  # {one_line(text)}" if text else ""
