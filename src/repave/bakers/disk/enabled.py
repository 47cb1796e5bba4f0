"""The units of systemd that a recipe names: where an image has them, and what has them started.

Sources: systemd.unit(5) on the folders and on ``.wants``; systemd-sysv-generator(8); systemd-system.conf(5).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from repave.archives.entries import Kind
from repave.archives.rules import ROOT_FILESYSTEM
from repave.archives.tars import read_tar
from repave.bakers.disk.slimness import UNUSED
from repave.bakers.disk.units import UNITS, WANTS
from repave.bakers.rootfs.stack import Stack
from repave.model.recipe import UNIT_KINDS, Image, template_of
from repave.ports.disk_format import ENVIRONMENT_FILE
from repave.ports.errors import Invalid

SCRIPTS = "etc/init.d"
"""A program here is a unit as well, by the name that is its own."""

FOLDERS = (UNITS, "usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")
"""Where unit files stand: what an earlier one has counts."""

LARGEST_BYTES = 1 << 20
"""Nobody writes a longer one by hand."""

DROP_IN = "zz-repave.conf"
"""Read after all others of a unit: what they say of variables does not take these back."""

WITH_CONFIGURATION = f"""\
[Unit]
After=cloud-init.service systemd-sysusers.service

[Service]
EnvironmentFile=-{ENVIRONMENT_FILE}
"""
"""Once it is there, where cloud-init brings it, and once accounts are, which what installs itself makes late."""

SPEAKING = "etc/systemd/system.conf.d/60-repave.conf"
TO_CONSOLE = """\
[Manager]
DefaultStandardOutput=journal+console
"""
"""The console is kept by who runs the machine: what units say that do not decide it themselves is found there."""

EARLY = re.compile(r"(?m)^[ \t]*DefaultDependencies[ \t]*=[ \t]*(?:no|false|off|0)[ \t]*$")
"""What starts before the network is there, as a firewall does, cannot wait for what comes by it."""

STARTED = re.compile(r"(?m)^[ \t]*(?:Unit|Service)[ \t]*=[ \t]*([\w:.@\\-]+\.service)[ \t]*$", re.ASCII)
ACCEPTING = re.compile(r"(?mi)^[ \t]*Accept[ \t]*=[ \t]*(?:yes|true|on|1)[ \t]*$")
ACTIVATING = ("socket", "timer", "path")
"""Kinds of units that start a service."""


@dataclass(frozen=True, kw_only=True)
class UnitFile:
    """One unit that an image names."""

    place: str
    """Without the first slash."""

    text: str


def located(image: Image, stack: Stack, above: Iterable[Path]) -> Mapping[str, UnitFile]:
    """Of each unit that the image names its file. Raises Invalid for none.

    ``above`` has the layers above the packages, which the stack has; raises TreesLost where they are not there.
    """
    if not image.units:
        return {}
    sources = [*map(_entries, above), *map(_standing, stack.trees())]
    known = _files(sources)
    found: dict[str, UnitFile] = {}
    for unit in image.units:
        place = known.get(unit) or known.get(template_of(unit))
        if place is None:
            what = "".join(f"did you mean `{near}`? " for near in get_close_matches(unit, known, n=1))
            hint = f"{what}`packages` or `files` must bring it, below /{UNITS} for one of your own"
            raise Invalid(f"image {image.name} has no unit {unit}", hint=hint)
        text = next(source[place] for source in sources if place in source)
        found[unit] = UnitFile(place=place, text=text)
    return found


def enabling_links(units: Mapping[str, UnitFile]) -> Iterator[tuple[str, str]]:
    """The links by which these units start, and by which those come back that every machine leaves out."""
    for unit, file in units.items():
        yield f"{UNITS}/{WANTS}/{unit}", f"/{file.place}"
        if unit in UNUSED and file.place != f"{UNITS}/{unit}":
            yield f"{UNITS}/{unit}", f"/{file.place}"


def configured(units: Mapping[str, UnitFile]) -> Iterator[tuple[str, str]]:
    """Files by which the services of these units have the fleet's configuration among their variables."""
    for unit, file in units.items():
        if unit not in UNUSED and not EARLY.search(file.text):
            for service in _services(unit, file.text):
                yield f"{UNITS}/{service}.d/{DROP_IN}", WITH_CONFIGURATION


def _services(unit: str, text: str) -> Iterator[str]:
    """The unit, or what it starts."""
    name, _, kind = unit.rpartition(".")
    if kind == "service":
        yield unit
    elif kind in ACTIVATING:
        said = STARTED.findall(text)
        yield from said or [f"{name}@.service" if kind == "socket" and ACCEPTING.search(text) else f"{name}.service"]


def _files(sources: Iterable[Iterable[str]]) -> Mapping[str, str]:
    """By name the file that counts, of all that these have."""
    paths = [path for source in sources for path in source]
    found: dict[str, str] = {}
    for folder in (*FOLDERS, SCRIPTS):
        for path in paths:
            above, _, name = path.rpartition("/")
            if above == folder:
                found.setdefault(f"{name}.service" if folder == SCRIPTS else name, path)
    return found


def _may_be_one(path: str) -> bool:
    above, _, name = path.rpartition("/")
    return (above in FOLDERS and name.endswith(tuple(f".{kind}" for kind in UNIT_KINDS))) or above == SCRIPTS


def _entries(layer: Path) -> Mapping[str, str]:
    """What of a layer may be a unit, and what it says."""
    found: dict[str, str] = {}
    with layer.open("rb") as stream:
        for entry in read_tar(stream, name=layer.name, rules=ROOT_FILESYSTEM):
            path = "/".join(entry.parts)
            if _may_be_one(path) and entry.kind is not Kind.FOLDER:
                said = entry.content.read(LARGEST_BYTES) if entry.kind is Kind.FILE else b""
                found[path] = said.decode(errors="replace")
    return found


def _standing(tree: Path) -> Mapping[str, str]:
    """What of an unpacked layer may be a unit, and what it says."""
    folders = (tree / folder for folder in (*FOLDERS, SCRIPTS) if (tree / folder).is_dir())
    places = (place for folder in folders for place in folder.iterdir() if place.is_symlink() or place.is_file())
    named = {place.relative_to(tree).as_posix(): place for place in places}
    return {path: _said(place) for path, place in named.items() if _may_be_one(path)}


def _said(place: Path) -> str:
    """Of a link nothing: what it leads to is another machine's."""
    if place.is_symlink():
        return ""
    with place.open("rb") as file:
        return file.read(LARGEST_BYTES).decode(errors="replace")
