"""systemd's units on a server: which are enabled, and what they start (systemd.unit(5), systemd.exec(5))."""

import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from repave.model.recipe import template_of

FOLDERS = ("/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
"""Where they stand; an earlier one hides a later one of the same name."""

PREFIXES = "-@:+!|"
"""Before a command: how systemd runs it (systemd.service(5))."""

MAY_FAIL = re.compile(r"[@:+!|]*-")
NEEDING = ("Requires", "BindsTo", "Requisite", "Unit", "Service")
WISHING = ("Wants", "OnFailure", "OnSuccess")
ACTIVATING = ("timer", "socket", "path")

SUFFIXES = (".service", ".socket", ".timer", ".path", ".mount", ".target")
WANTS = re.compile(r"^/etc/systemd/system/[^/]+\.(?:wants|requires)/([^/]+)$")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SETTING = re.compile(r"^([A-Za-z]+)\s*=\s*(.*)$")


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One enabled unit."""

    name: str
    file: str
    """Empty where the file that it is enabled by is not there."""

    drop_ins: tuple[str, ...] = ()
    settings: Mapping[str, tuple[str, ...]]
    """The values of each key, of all sections, in order."""

    def last(self, key: str) -> str:
        """The value that counts for a key that has one."""
        return (self.settings.get(key) or ("",))[-1]

    @property
    def command(self) -> tuple[str, ...]:
        """What it starts, as words; empty where it starts nothing, or cannot be split."""
        return words(self.expanded(self.last("ExecStart").lstrip(PREFIXES)))

    def expanded(self, said: str) -> str:
        """With what ``%`` stands for, as far as the name tells it; the rest as it stands."""
        stem = self.name.rpartition(".")[0]
        known = {"%": "%", "i": stem.partition("@")[2], "p": stem.partition("@")[0], "n": self.name, "N": stem}
        known["I"] = known["i"]
        return re.sub(r"%([%iIpnN])", lambda match: known[match[1]], said)

    @property
    def commands(self) -> tuple[tuple[str, ...], ...]:
        """Each command that must end well for it to start, as words."""
        said = (line for key in ("ExecStartPre", "ExecStart") for line in self.settings.get(key, ()))
        needed = (words(self.expanded(line.lstrip(PREFIXES))) for line in said if not MAY_FAIL.match(line))
        return tuple(command for command in needed if command)

    @property
    def programs(self) -> tuple[str, ...]:
        """The program of each."""
        return tuple(command[0] for command in self.commands)

    @property
    def places(self) -> tuple[str, ...]:
        """Files and folders that its commands name, and where they are started."""
        said = (*(word for command in self.commands for word in command), self.folder)
        return tuple(word for word in said if word.startswith("/"))

    @property
    def folder(self) -> str:
        """Where its commands are started, if it must be there."""
        said = self.expanded(self.last("WorkingDirectory"))
        return said if said.startswith("/") else ""

    @property
    def needs(self) -> tuple[str, ...]:
        """Units without which it does nothing: those that it requires, and what it starts by and by."""
        named = self._named(NEEDING)
        stem, _, kind = self.name.rpartition(".")
        if kind in ACTIVATING and not any(self.settings.get(key) for key in ("Unit", "Service")):
            accepting = kind == "socket" and self.last("Accept").lower() in {"yes", "true", "on", "1"}
            named.append(f"{stem}@.service" if accepting else f"{stem}.service")
        return tuple(dict.fromkeys(named))

    @property
    def wishes(self) -> tuple[str, ...]:
        """Units that it has started, and can do without."""
        return tuple(dict.fromkeys(self._named(WISHING)))

    def _named(self, keys: Iterable[str]) -> list[str]:
        return [name for key in keys for line in self.settings.get(key, ()) for name in self.expanded(line).split()]

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that it sets by itself."""
        pairs = (word.partition("=") for line in self.settings.get("Environment", ()) for word in words(line))
        return {name: value for name, equals, value in pairs if equals and VARIABLE.fullmatch(name)}


def words(text: str) -> tuple[str, ...]:
    """Split as a shell would; nothing where it cannot be."""
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return ()


def enabled(links: Iterable[str], files: Mapping[str, str], masked: Collection[str] = ()) -> tuple[Unit, ...]:
    """The enabled units, by name, without those that are masked.

    ``links`` are the paths of all links, ``files`` the text of every unit file.
    """
    names = {match[1] for path in links if (match := WANTS.match(path)) and match[1].endswith(SUFFIXES)}
    return tuple(unit_of(name, files) for name in sorted(names.difference(masked)))


def unit_of(name: str, files: Mapping[str, str]) -> Unit:
    """A unit as systemd reads it."""
    called = tuple(dict.fromkeys((name, template_of(name))))
    places = [f"{folder}/{one}" for one in called for folder in FOLDERS]
    file = next((path for path in places if path in files), "")
    beside = {f"{folder}/{one}.d" for one in called for folder in FOLDERS}
    found = (path for path in files if path.endswith(".conf") and path.rpartition("/")[0] in beside)
    drop_ins = tuple(sorted(found, key=lambda path: path.rpartition("/")[2]))
    settings: dict[str, list[str]] = {}
    for path in (*([file] if file else ()), *drop_ins):
        for key, value in _settings(files[path]):
            settings.setdefault(key, [])
            # An empty value takes back what was said before.
            settings[key] = [*settings[key], value] if value else []
    return Unit(
        name=name, file=file, drop_ins=drop_ins, settings={key: tuple(values) for key, values in settings.items()}
    )


def _settings(text: str) -> Iterator[tuple[str, str]]:
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        match = SETTING.match(line.strip())
        if match:
            yield match[1], match[2].strip()
