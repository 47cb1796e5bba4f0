"""The units of systemd that a recipe names: where an image has them, and what has them started.

Sources: systemd.unit(5) on the folders and on ``.wants``; systemd-sysv-generator(8); systemd-system.conf(5).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from repave.archives.rules import ROOT_FILESYSTEM
from repave.archives.tars import read_tar
from repave.bakers.disk.slimness import UNUSED
from repave.bakers.disk.units import UNITS, WANTS
from repave.bakers.rootfs.stack import Stack
from repave.model.recipe import Image
from repave.ports.disk_format import ENVIRONMENT_FILE
from repave.ports.errors import Invalid

SCRIPTS = "etc/init.d"
"""A program here is a unit as well, by the name that is its own."""

FOLDERS = (UNITS, "usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")
"""Where unit files stand: what an earlier one has counts."""

STARTING_A_SERVICE = ("service", "socket", "timer", "path")
"""Kinds of units that are a service, or start the one of their name."""

WITH_CONFIGURATION = f"""\
[Unit]
After=systemd-sysusers.service

[Service]
EnvironmentFile=-{ENVIRONMENT_FILE}
"""
"""In a machine that installs itself, accounts are made at the very moment at which services start."""

SPEAKING = "etc/systemd/system.conf.d/60-repave.conf"
TO_CONSOLE = """\
[Manager]
DefaultStandardOutput=journal+console
"""
"""The console is kept by who runs the machine: what units say that do not decide it themselves is found there."""


def located(image: Image, stack: Stack, above: Iterable[Path]) -> Mapping[str, str]:
    """Of each unit that the image names the place of its file, without the first slash. Raises Invalid for none.

    ``above`` has the layers above the packages, which the stack has; raises TreesLost where they are not there.
    """
    if not image.units:
        return {}
    known = _files([*map(_entries, above), *map(_standing, stack.trees())])
    found: dict[str, str] = {}
    for unit in image.units:
        place = known.get(unit) or known.get(template_of(unit))
        if place is None:
            what = "".join(f"did you mean `{near}`? " for near in get_close_matches(unit, known, n=1))
            hint = f"{what}`packages` or `files` must bring it, below /{UNITS} for one of your own"
            raise Invalid(f"image {image.name} has no unit {unit}", hint=hint)
        found[unit] = place
    return found


def template_of(unit: str) -> str:
    """The name of the file that a unit for one thing is made of; its own for one that stands alone."""
    name, at, rest = unit.partition("@")
    return f"{name}@.{rest.rpartition('.')[2]}" if at else unit


def enabling_links(units: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The links by which these units start, and by which those come back that every machine leaves out."""
    for unit, place in units.items():
        yield f"{UNITS}/{WANTS}/{unit}", f"/{place}"
        if unit in UNUSED:
            yield f"{UNITS}/{unit}", f"/{place}"


def configured(units: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Files by which the services of these units have the fleet's configuration among their variables."""
    for unit in units:
        name, _, kind = unit.rpartition(".")
        if kind in STARTING_A_SERVICE and unit not in UNUSED:
            yield f"{UNITS}/{name}.service.d/60-repave.conf", WITH_CONFIGURATION


def _files(sources: Collection[Collection[str]]) -> Mapping[str, str]:
    """By name the file that counts, of all that these have."""
    found: dict[str, str] = {}
    for folder in (*FOLDERS, SCRIPTS):
        for path in (path for source in sources for path in source):
            above, _, name = path.rpartition("/")
            if above == folder:
                found.setdefault(f"{name}.service" if folder == SCRIPTS else name, path)
    return found


def _entries(layer: Path) -> tuple[str, ...]:
    """What of a layer may be a unit."""
    with layer.open("rb") as stream:
        paths = ("/".join(entry.parts) for entry in read_tar(stream, name=layer.name, rules=ROOT_FILESYSTEM))
        return tuple(path for path in paths if path.startswith((*FOLDERS, SCRIPTS)))


def _standing(tree: Path) -> tuple[str, ...]:
    """What of an unpacked layer may be a unit."""
    folders = (folder for folder in (*FOLDERS, SCRIPTS) if (tree / folder).is_dir())
    return tuple(f"{folder}/{one.name}" for folder in folders for one in (tree / folder).iterdir())
