"""Commands of ``build:`` that would bring in what no lock pins, by their own words or a script's that they name.

And what a virtual machine would do so by: cloud-init at its start, units and cron later, where the recipe lays out
files for them.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from repave.model.lock import LockedFile
from repave.model.recipe import Image, ImageKind
from repave.ports.vault import Vault

LARGEST_SCRIPT_BYTES = 1 << 20
"""Nobody writes a longer one by hand."""

DEFAULT_SCRIPTS = {"make": ("GNUmakefile", "makefile", "Makefile")}
"""What programs read without being told so, in the folder they start in."""

CLOUD_SETTINGS = ("/etc/cloud/", "/var/lib/cloud/")
"""Where cloud-init reads what a machine is to do at its start."""

STARTING = (
    "/etc/systemd/system/",
    "/usr/local/lib/systemd/system/",
    "/usr/lib/systemd/system/",
    "/lib/systemd/system/",
    "/etc/cron",
    "/var/spool/cron/",
    "/etc/rc.local",
)
"""Where a virtual machine is told what to start, and when."""

GAP = r"""["',\s]+"""
"""Between two words of a command: blanks, or what a list of texts in a program has."""

LONGEST_ADDRESS = 1000
"""Characters between what downloads and what runs it; a bound, so that no content makes the search slow."""

OPTIONS = rf"(?:{GAP}-[^\s\"',;|&]+)*"


@dataclass(frozen=True, kw_only=True)
class Unpinned:
    """One place in a hook."""

    path: str
    """Of the script; ``build/1`` for the first command itself."""

    line: int
    """0 for a command itself."""

    what: str


@dataclass(frozen=True, kw_only=True)
class _Habit:
    """One way by which unpinned things come in."""

    expression: re.Pattern[str]
    what: str
    unless: re.Pattern[str] | None = None
    """A word in the same command that makes it a pinned one."""


def _habit(expression: str, what: str, *, unless: str = "") -> _Habit:
    return _Habit(expression=re.compile(expression), what=what, unless=re.compile(unless) if unless else None)


HABITS = (
    _habit(
        rf"\b(?:pip[\d.]*|uv{GAP}pip){OPTIONS}{GAP}install\b",
        "pip installs what no lock pins: list it under `python`",
        unless=r"--require-hashes|--no-index",
    ),
    _habit(
        rf"\b(?:apt-get|apt|aptitude){OPTIONS}{GAP}(?:install|upgrade|full-upgrade|dist-upgrade)\b",
        "apt installs what no lock pins: list it under `packages`",
    ),
    _habit(
        rf"\bnpm{OPTIONS}{GAP}(?:install|i|add|update|exec)\b|\bnpx{GAP}|\b(?:yarn|pnpm){OPTIONS}{GAP}(?:install|add|up|dlx)\b",
        "npm installs what no lock pins: give its package-lock.json under `node`",
        unless=r"--offline|--frozen-lockfile|--immutable",
    ),
    _habit(
        rf"\b(?:yum|dnf|microdnf|zypper|apk){OPTIONS}{GAP}(?:install|add|update|upgrade|distro-sync|dup)\b",
        "a package manager installs what no lock pins: list it under `packages`",
    ),
    _habit(
        r"\b(?:package|apt)_(?:update|upgrade)[\"']?\s*:\s*[\"']?(?:true|yes|on|1)\b",
        "a machine would bring itself up to date at its start: lock and bake again instead",
    ),
    _habit(
        rf"\b(?:curl|wget)\b[^|;&]{{0,{LONGEST_ADDRESS}}}\|\s*(?:sudo\s+)?(?:(?:ba|da|z|k)?sh|python[\d.]*|perl|node|ruby)\b"
        r"|\b(?:ba|da|z)?sh\s+(?:-c\s+[\"']?\$\(|<\()\s*(?:curl|wget)\b",
        "what is downloaded is run unseen: pin the file under `fetch`",
    ),
    _habit(r"(?<=[\w/.-])(?:@|:|==?)latest\b|/releases/latest\b", "`latest` is another thing one day: name a version"),
)
"""A bake has no network, so most of these would fail there; told early they are told by their cause."""


def unpinned_in(image: Image, files: Iterable[LockedFile], vault: Vault) -> Iterator[Unpinned]:
    """Every such place, command by command, then file by file. Raises Gone when a script is not in the vault."""
    by_target = {posixpath.normpath(file.target): file for file in files}
    folder = _start(image, by_target.values())
    read: set[str] = set()
    for number, command in enumerate(image.build, 1):
        for what in _habits(" ".join(command)):
            yield Unpinned(path=f"build/{number}", line=0, what=what)
        for name in (*command, *DEFAULT_SCRIPTS.get(posixpath.basename(command[0]), ())):
            file = by_target.get(posixpath.normpath(posixpath.join(folder, name)))
            if file is not None and file.origin not in read:
                read.add(file.origin)
                yield from _in_script(file, vault)
    told = (*CLOUD_SETTINGS, *STARTING) if image.kind is ImageKind.VM else CLOUD_SETTINGS
    for target, file in by_target.items():
        if target.startswith(told) and file.origin not in read:
            read.add(file.origin)
            yield from _in_script(file, vault)


def _start(image: Image, files: Iterable[LockedFile]) -> str:
    """The folder in which commands start: the target of the first folder among ``files``."""
    origins = [file.origin for file in files]
    return next((mapping.target for mapping in image.files if mapping.is_folder(origins)), "/")


def _in_script(file: LockedFile, vault: Vault) -> Iterator[Unpinned]:
    if file.size_bytes > LARGEST_SCRIPT_BYTES:
        return
    text = vault.path(file.sha256).read_bytes().decode(errors="replace")
    yield from (Unpinned(path=file.origin, line=number, what=what) for number, what in habits_in(text))


def brings_unpinned(target: str, text: str) -> str:
    """What a virtual machine with this file would bring in that no lock pins; empty for nothing."""
    told = target.startswith(STARTING)
    return next((what for _, what in habits_in(text)), "") if told else ""


def habits_in(text: str) -> Iterator[tuple[int, str]]:
    """Every such command of a script or setting, with its line."""
    for number, line in _commands(text):
        for what in _habits(line):
            yield number, what


def _commands(text: str) -> Iterator[tuple[int, str]]:
    """Each line with its number, those that a backslash goes on with joined; comments are left out."""
    begun, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        start = start or number
        if line.endswith("\\"):
            begun += f"{line[:-1]} "
            continue
        whole = begun + line
        if not whole.lstrip().startswith(("#", "//")):
            yield start, whole
        begun, start = "", 0


def _habits(text: str) -> Iterator[str]:
    """What is wrong with a command line, each once."""
    for habit in HABITS:
        for match in habit.expression.finditer(text):
            rest = re.split(r"[;&|\n]", text[match.start() :], maxsplit=1)[0]
            if habit.unless is None or not habit.unless.search(rest):
                yield habit.what
                break
