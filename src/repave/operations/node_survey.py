"""What a folder's ``package.json`` says of a Node application; nothing of it is run."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repave.operations.survey import HEALTH_PATHS, LARGEST_SOURCE_BYTES, NOT_SOURCES

MANIFEST = "package.json"
LOCK = "package-lock.json"
NOT_FILES = re.compile(r"\.(test|spec)\.[cm]?[jt]s$|^(jest|vitest|eslint|babel|prettier)\.config\.")
SOURCES = frozenset({".js", ".mjs", ".cjs", ".json"})
MAIN_FILES = ("server.js", "index.js", "app.js", "main.js")
PORTS = (
    r"PORT['\"]?\]?\s*(?:\|\||\?\?)\s*['\"]?(\d{2,5})\b",
    r"\.listen\(\s*(\d{2,5})\b",
    r"\bport\s*[:=]\s*(\d{2,5})\b",
)


@dataclass(frozen=True, kw_only=True)
class NodeFound:
    """An application with its package-lock."""

    name: str
    start: str
    """The command, as its author would type it in its folder."""

    start_from: str
    port: int | None
    port_from: str
    health_path: str | None
    files: Mapping[str, str]
    engine: str
    """The range of Node's versions that it wants; empty when it says none."""


def node_survey(folder: Path, *, home: str) -> NodeFound | None:
    """None where there is no ``package.json`` with a package-lock beside it, or nothing that could be started."""
    manifest = _manifest(folder / MANIFEST)
    if manifest is None or not (folder / LOCK).is_file():
        return None
    start, start_from = _start(folder, manifest)
    if not start:
        return None
    files = {name: f"{home}{name}" for name in _files(folder)}
    texts = {name: _text(folder / name) for name in files if Path(name).suffix in SOURCES - {".json"}}
    dockerfile = re.search(r"^EXPOSE\s+(\d{2,5})\b", _text(folder / "Dockerfile"), re.MULTILINE | re.IGNORECASE)
    signs = [("Dockerfile", int(dockerfile[1]))] if dockerfile else []
    signs += [(name, int(found[1])) for name, text in texts.items() for p in PORTS if (found := re.search(p, text))]
    port_from, port = next((sign for sign in signs if 1 <= sign[1] <= 65535), ("", None))  # noqa: PLR2004 - the highest
    engines = manifest.get("engines")
    return NodeFound(
        name=str(manifest.get("name") or folder.resolve().name).rpartition("/")[2],
        start=start,
        start_from=start_from,
        port=port,
        port_from=port_from,
        health_path=next((path for path in HEALTH_PATHS if any(_named(path, text) for text in texts.values())), None),
        files=files,
        engine=str(engines.get("node", "")) if isinstance(engines, dict) else "",
    )


def at_home(start: str, *, home: str) -> str:
    """The command through a shell, in the application's folder, its packages' programs on the path as npm puts them."""
    if re.match(r"node\s+[\w./-]+$", start):
        return f"sh -c {shlex.quote(f'cd {home} && exec {start}')}"
    single = re.search(r"&&|\|\||;|\|", start) is None
    begin = ("exec env " if re.match(r"\w+=", start) else "exec ") if single else ""
    path = 'export PATH="$PWD/node_modules/.bin:$PATH"'
    return f"sh -c {shlex.quote(f'cd {home} && {path} && {begin}{start}')}"


def _manifest(path: Path) -> Mapping[str, Any] | None:
    try:
        content = json.loads(_text(path) or "null")
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _start(folder: Path, manifest: Mapping[str, Any]) -> tuple[str, str]:
    """The command that starts it, and where it stands."""
    web = re.search(r"^web\s*:\s*(\S.*)$", _text(folder / "Procfile"), re.MULTILINE)
    if web and not re.match(r"(npm|yarn|pnpm)\b", web[1]):
        return web[1].strip(), "the Procfile's `web` line"
    scripts = manifest.get("scripts")
    start = scripts.get("start") if isinstance(scripts, dict) else None
    if isinstance(start, str) and start.strip() and not re.match(r"(npm|yarn|pnpm)\b", start.strip()):
        return start.strip(), "package.json's `start`"
    main = manifest.get("main")
    files = (*((main,) if isinstance(main, str) else ()), *MAIN_FILES)
    found = next((name for name in files if re.fullmatch(r"[\w./-]+", name) and (folder / name).is_file()), "")
    return (f"node {found}", found) if found else ("", "")


def _files(folder: Path) -> Iterator[str]:
    """What of the folder the application may need, piece by piece."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_symlink() or NOT_FILES.search(path.name):
            continue
        if path.is_dir() and path.name not in NOT_SOURCES - {"build", "dist"}:
            yield f"{path.name}/"
        elif path.is_file() and path.suffix in SOURCES:
            yield path.name


def _named(path: str, text: str) -> bool:
    return re.search(rf"['\"`]{path}/?['\"`]", text) is not None


def _text(path: Path) -> str:
    """Empty where there is none, or it is no text."""
    try:
        return path.read_text(encoding="utf-8") if path.stat().st_size <= LARGEST_SOURCE_BYTES else ""
    except (OSError, UnicodeDecodeError):
        return ""
