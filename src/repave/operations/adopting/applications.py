"""Python and Node applications on a server, and the exact versions that they have."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

METADATA = re.compile(r"^(?P<site>/.+/(?:site|dist)-packages)/(?P<name>[^/]+)-(?P<version>[^/-]+)\.dist-info/METADATA$")
DIRECT = "direct_url.json"
VENV = "pyvenv.cfg"
RUN = """\
#!/bin/sh
# By `repave adopt`: the packages are the image's own.
exec {place} "$@"
"""
ACTIVATE = """\
# By `repave adopt`: the packages are the image's own.
VIRTUAL_ENV="{folder}"
PATH="{folder}/bin:$PATH"
export VIRTUAL_ENV PATH
"""
OF_RECORD = re.compile(r"(?m)^(?:[^\n,]*/)?bin/([A-Za-z0-9_][A-Za-z0-9_.+-]*),")
"""Programs among the files of a package (https://packaging.python.org/en/latest/specifications/recording-installed-packages/)."""

PYTHON = re.compile(r"(?:python|pypy)[0-9.]*")
PLAIN = re.compile(r"[A-Za-z0-9_./+@-]+")
"""A path that needs no quotes in a shell."""

TOOLS = frozenset({"pip", "setuptools", "wheel", "pkg-resources"})
"""What makes an environment, and no application needs."""

MANIFEST, PACKAGE_LOCK, MODULES = "package.json", "package-lock.json", "node_modules"


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What is installed in one place where Python looks."""

    folder: str
    """Of a virtual environment its own; of the system's Python the ``dist-packages``."""

    site: str
    virtual: bool
    pins: tuple[str, ...]
    """``name == version``, sorted, of what an index has."""

    local: tuple[str, ...]
    """Installed from a folder or a repository: no index has it."""

    programs: frozenset[str]
    """Names of the programs that come with the pins."""


@dataclass(frozen=True, kw_only=True)
class NodeApplication:
    """A folder with a ``package.json`` of its own."""

    folder: str
    name: str
    start: str
    """Its ``start`` script; empty where there is none."""

    locked: bool
    """Whether a ``package-lock.json`` pins what it needs."""

    pins: tuple[str, ...]
    """``name@version``, sorted, as its lock has them."""


def environments(paths: Iterable[str], texts: Mapping[str, str]) -> tuple[Environment, ...]:
    """Every place that holds packages; ``paths`` are files that no Debian package owns, ``texts`` what they say."""
    known = frozenset(paths)
    virtual = {path.removesuffix(f"/{VENV}") for path in known if path.endswith(f"/{VENV}")}
    sites: dict[str, list[tuple[str, str, bool]]] = {}
    programs: dict[str, set[str]] = {}
    for path in sorted(known):
        match = METADATA.match(path)
        if match:
            said = texts.get(f"{path.removesuffix('METADATA')}{DIRECT}", "")
            local = bool(said) and "archive_info" not in said
            name = re.sub(r"[-_.]+", "-", match["name"]).lower()
            sites.setdefault(match["site"], []).append((name, match["version"], local))
            record = texts.get(f"{path.removesuffix('METADATA')}RECORD", "")
            programs.setdefault(match["site"], set()).update(
                [] if local or name in TOOLS else OF_RECORD.findall(record)
            )
    return tuple(
        replace(_environment(site, found, virtual), programs=frozenset(programs[site])) for site, found in sites.items()
    )


def _environment(site: str, found: list[tuple[str, str, bool]], virtual: set[str]) -> Environment:
    folder = next((place for place in virtual if site.startswith(f"{place}/")), "")
    wanted = [one for one in found if one[0] not in TOOLS]
    return Environment(
        folder=folder or site,
        site=site,
        virtual=bool(folder),
        pins=tuple(sorted(f"{name} == {version}" for name, version, local in wanted if not local)),
        local=tuple(sorted(name for name, _, local in wanted if local)),
        programs=frozenset(),
    )


def wrappers(known: Iterable[Environment], paths: Iterable[str]) -> Mapping[str, str]:
    """Programs in the places of those of virtual environments, by path: each runs the image's own of its name.

    So units, jobs and scripts that name one work as they did, where the packages are the image's.
    """
    folders = {f"{one.folder}/bin/": one for one in known if one.virtual and one.pins}
    made: dict[str, str] = {}
    for path in paths:
        above, name = f"{path.rpartition('/')[0]}/", path.rpartition("/")[2]
        if above not in folders or not PLAIN.fullmatch(path):
            continue
        if name == "activate":
            made[path] = ACTIVATE.format(folder=folders[above].folder)
        elif PYTHON.fullmatch(name):
            made[path] = RUN.format(place="/usr/bin/python3")
        elif name in folders[above].programs:
            made[path] = RUN.format(place=f"/usr/local/bin/{name}")
    return made


def node_applications(texts: Mapping[str, str]) -> tuple[NodeApplication, ...]:
    """Every ``package.json`` that is no package of another's ``node_modules``."""
    manifests = (path for path in sorted(texts) if path.endswith(f"/{MANIFEST}") and f"/{MODULES}/" not in path)
    return tuple(_node(path.removesuffix(f"/{MANIFEST}"), texts) for path in manifests)


def _node(folder: str, texts: Mapping[str, str]) -> NodeApplication:
    manifest = _object(texts[f"{folder}/{MANIFEST}"])
    lock = texts.get(f"{folder}/{PACKAGE_LOCK}", "")
    scripts = manifest.get("scripts")
    return NodeApplication(
        folder=folder,
        name=str(manifest.get("name") or folder.rpartition("/")[2]),
        start=str(scripts.get("start", "")) if isinstance(scripts, dict) else "",
        locked=bool(lock),
        pins=tuple(sorted(_pins(_object(lock)))),
    )


def _pins(lock: Mapping[str, object]) -> Iterator[str]:
    packages = lock.get("packages")
    for place, said in packages.items() if isinstance(packages, dict) else ():
        if place and isinstance(said, dict) and said.get("version"):
            yield f"{place.rpartition(f'{MODULES}/')[2]}@{said['version']}"


def _object(text: str) -> Mapping[str, object]:
    try:
        read = json.loads(text or "{}")
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
