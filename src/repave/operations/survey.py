"""What kind of application lies in a folder: only what its files say plainly, and nothing of them is run."""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repave.config.problems import Unfit
from repave.config.words import requirement

LARGEST_SOURCE_BYTES = 512 * 1024
"""Larger Python files are made by programs and hold no entry point."""

MOST_SOURCES = 500
"""Files read at most: an entry point lies near the top of a project, not behind its five-hundredth file."""

NOT_SOURCES = frozenset(
    {"build", "dist", "docs", "doc", "node_modules", "site-packages", "test", "tests", "venv", "env", "__pycache__"}
)
NOT_MODULES = frozenset({"setup.py", "conftest.py", "noxfile.py", "tasks.py", "fabfile.py", "manage_test.py"})
DATA_FOLDERS = frozenset({"templates", "static", "public", "assets", "data", "locale", "migrations"})

HEALTH_PATHS = ("/healthz", "/health", "/livez", "/readyz", "/ping", "/_health", "/up", "/status")
"""What applications call their health checks, the plainest first."""

FRAMEWORKS = ("fastapi", "starlette", "django", "flask")
"""The one that carries the others first: a FastAPI application may mount a Flask one."""

_CONSTRUCTORS = {"Flask": "flask", "FastAPI": "fastapi", "Starlette": "starlette"}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Where a server finds the application."""

    framework: str
    target: str
    """``module:attribute``, with ``()`` behind a factory."""

    module: Path
    """Relative to the folder."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What was found."""

    name: str
    requirements: tuple[str, ...]
    left_out: tuple[str, ...]
    """Requirement lines that the lock could not pin by hash."""

    requirements_from: str
    """The files they are from; empty when there is none."""

    requires_python: str
    entry: Entry | None
    procfile: str
    """The command of its ``web`` line; empty when there is none."""

    workers: Mapping[str, str]
    """The commands of its other lines by their names; not of ``release``, which is run once."""

    port: int | None
    port_from: str
    health_path: str | None
    files: Mapping[str, str]
    """Source to target, as an image declares them."""


def survey(folder: Path, *, home: str) -> Survey:
    """Look through ``folder``; ``home`` is where the application is to live in the image, with a trailing slash."""
    project = _pyproject(folder)
    lines, requirements_from = _requirement_lines(folder, project)
    accepted = tuple(line for line in lines if _is_requirement(line))
    sources = dict(_sources(folder))
    entry = _entry(folder, sources)
    procfile = _procfile(folder)
    port, port_from = _port(folder, procfile, sources)
    return Survey(
        name=str(project.get("name") or folder.resolve().name),
        requirements=accepted,
        left_out=tuple(line for line in lines if line not in accepted),
        requirements_from=requirements_from,
        requires_python=str(project.get("requires-python", "")),
        entry=entry,
        procfile=procfile,
        workers=_workers(folder),
        port=port,
        port_from=port_from,
        health_path=_health_path(sources),
        files=_files(folder, entry, home),
    )


def _read(path: Path) -> str:
    """The text of a file; empty when there is none, or it is no text."""
    try:
        return path.read_text(encoding="utf-8") if path.stat().st_size <= LARGEST_SOURCE_BYTES else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _pyproject(folder: Path) -> Mapping[str, Any]:
    """The ``project`` table of pyproject.toml; empty when there is none."""
    try:
        project = tomllib.loads(_read(folder / "pyproject.toml")).get("project", {})
    except tomllib.TOMLDecodeError:
        return {}
    return project if isinstance(project, dict) else {}


def _requirement_lines(folder: Path, project: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    """What the application says it needs, and in which files."""
    files: list[str] = []
    lines = tuple(dict.fromkeys(_lines_of(folder.resolve(), "requirements.txt", files)))
    if lines:
        return lines, " and ".join(files)
    dependencies = project.get("dependencies", [])
    if isinstance(dependencies, list) and dependencies:
        return tuple(dict.fromkeys(str(line) for line in dependencies)), "pyproject.toml"
    return (), ""


def _lines_of(folder: Path, name: str, files: list[str]) -> Iterator[str]:
    """Of one file and, in their places, of those of the folder that it names by ``-r``, each once."""
    text = _read(folder / name)
    if text:
        files.append(name)
    without_comments = (re.sub(r"(^|\s)#.*$", "", line) for line in text.replace("\\\n", " ").splitlines())
    for line in (re.sub(r"\s--hash=\S+", "", line).strip() for line in without_comments):
        other = re.fullmatch(r"(?:-r\s*|--requirement[\s=]\s*)(\S+)", line)
        path = (folder / name).parent.joinpath(other[1]).resolve() if other else folder
        if other and path.is_file() and path.is_relative_to(folder):
            named = path.relative_to(folder).as_posix()
            yield from () if named in files else _lines_of(folder, named, files)
        elif line:
            yield line


def _is_requirement(line: str) -> bool:
    try:
        requirement(line)
    except Unfit:
        return False
    return True


def _sources(folder: Path) -> Iterator[tuple[Path, str]]:
    """Python files at most three folders deep, the shallowest first."""
    levels = [folder]
    count = 0
    for _ in range(4):
        deeper: list[Path] = []
        for level in levels:
            for path in sorted(_entries(level)):
                if path.is_dir() and _is_ours(path):
                    deeper.append(path)
                elif path.suffix == ".py" and path.name not in NOT_MODULES and not path.name.startswith("test_"):
                    count += 1
                    if count > MOST_SOURCES:
                        return
                    yield path.relative_to(folder), _read(path)
        levels = deeper


def _entries(folder: Path) -> tuple[Path, ...]:
    try:
        return tuple(folder.iterdir())
    except OSError:
        return ()


def _is_ours(path: Path) -> bool:
    """A folder that may belong to the application."""
    hidden = path.name.startswith(".") or path.name.endswith(".egg-info")
    return not (hidden or path.is_symlink() or path.name in NOT_SOURCES or (path / "pyvenv.cfg").exists())


def _entry(folder: Path, sources: Mapping[Path, str]) -> Entry | None:
    found = [entry for path, text in sources.items() for entry in _entries_in(folder, path, text)]
    return min(found, key=lambda entry: (FRAMEWORKS.index(entry.framework), len(entry.module.parts)), default=None)


def _entries_in(folder: Path, path: Path, text: str) -> Iterator[Entry]:
    """The applications that one module makes at its top level, or in a factory."""
    if path.name == "manage.py":
        settings = re.search(r"DJANGO_SETTINGS_MODULE['\"]\s*,\s*['\"]([\w.]+)\.settings", text)
        if settings:
            yield Entry(framework="django", target=f"{settings[1]}.wsgi:application", module=path)
        return
    if not any(name in text for name in _CONSTRUCTORS):
        return
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in body:
        framework, attribute = _made_by(node)
        if framework:
            yield Entry(framework=framework, target=f"{_module_name(folder, path)}:{attribute}", module=path)


def _made_by(node: ast.stmt) -> tuple[str, str]:
    """Framework and attribute of ``app = Flask(...)`` or ``def create_app(): ... Flask(...)``."""
    if isinstance(node, ast.FunctionDef) and node.name in {"create_app", "make_app"}:
        calls = (_constructed(call) for call in ast.walk(node) if isinstance(call, ast.Call))
        return next((framework for framework in calls if framework), ""), f"{node.name}()"
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    if targets and isinstance(targets[0], ast.Name) and isinstance(node, ast.Assign | ast.AnnAssign):
        return _constructed(node.value), targets[0].id
    return "", ""


def _constructed(node: ast.expr | None) -> str:
    if not isinstance(node, ast.Call):
        return ""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return _CONSTRUCTORS.get(name, "")


def _root(folder: Path, module: Path) -> Path:
    """The folder that must be importable: the first above the module that is no package."""
    parent = module.parent
    while parent != Path() and (folder / parent / "__init__.py").exists():
        parent = parent.parent
    return parent


def _module_name(folder: Path, path: Path) -> str:
    parts = path.relative_to(_root(folder, path)).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _files(folder: Path, entry: Entry | None, home: str) -> Mapping[str, str]:
    """The folder that must be importable goes to ``home`` as it is; the project's own folder, piece by piece.

    What a Procfile starts goes with them, also where it has the name of a helper, such as ``tasks.py``.
    """
    started = " ".join(_procfile_lines(folder).values())
    if entry is None and not started:
        return {}
    root = _root(folder, entry.module) if entry else Path()
    whole = root == Path()
    pieces = {} if whole else {f"{root.as_posix()}/": home}
    for path in sorted(_entries(folder)):
        named = re.search(rf"\b{re.escape(path.stem)}\b", started) is not None
        helper = path.name in NOT_MODULES or path.name.startswith("test_")
        if path.is_file() and path.suffix == ".py" and (named or (whole and not helper)):
            pieces[path.name] = f"{home}{path.name}"
        elif whole and path.is_dir() and _is_ours(path) and (path.name in DATA_FOLDERS or any(path.glob("*.py"))):
            pieces[f"{path.name}/"] = f"{home}{path.name}/"
    return pieces


def _procfile(folder: Path) -> str:
    return _procfile_lines(folder).get("web", "")


def _workers(folder: Path) -> Mapping[str, str]:
    return {name: line for name, line in _procfile_lines(folder).items() if name not in {"web", "release"}}


def _procfile_lines(folder: Path) -> Mapping[str, str]:
    found = re.findall(r"^([A-Za-z0-9_-]+)[ \t]*:[ \t]*(\S.*)$", _read(folder / "Procfile"), re.MULTILINE)
    return {name: line.strip() for name, line in found}


_PORTS = (
    r"(?:--bind|-b)[= ]\s*\S*:(\d{2,5})\b",
    r"--port[= ](\d{2,5})\b",
    r"\$\{PORT:-(\d{2,5})\}",
)


def _port(folder: Path, procfile: str, sources: Mapping[Path, str]) -> tuple[int | None, str]:
    """The port the application listens on, by the plainest of the signs, and where that sign stands."""
    signs = [("Procfile", procfile, pattern) for pattern in _PORTS]
    gunicorn = _read(folder / "gunicorn.conf.py")
    signs.append(("gunicorn.conf.py", gunicorn, r"^bind\s*=\s*\[?\s*['\"][^'\"]*:(\d{2,5})['\"]"))
    dockerfile = _read(folder / "Dockerfile")
    signs += [
        ("Dockerfile", dockerfile, pattern) for pattern in (r"^EXPOSE\s+(\d{2,5})\b", r"^ENV\s+PORT[= ](\d{2,5})\b")
    ]
    for path, text in sources.items():
        signs.append((path.as_posix(), text, r"PORT['\"]\s*,\s*['\"]?(\d{2,5})\b"))
        signs.append((path.as_posix(), text, r"\.run\([^)]*\bport\s*=\s*(\d{2,5})\b"))
    for origin, text, pattern in signs:
        match = re.search(pattern, text, re.MULTILINE | re.IGNORECASE)
        if match and 1 <= int(match[1]) <= 65535:  # noqa: PLR2004 - the highest port
            return int(match[1]), origin
    return None, ""


def _health_path(sources: Mapping[Path, str]) -> str | None:
    for path in HEALTH_PATHS:
        if any(re.search(rf"['\"]{path}/?['\"]", text) for text in sources.values()):
            return path
    return None
