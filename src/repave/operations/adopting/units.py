"""systemd's units on a server: which are enabled, and what they start (systemd.unit(5), systemd.exec(5))."""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

FOLDERS = ("/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
"""Where they stand; an earlier one hides a later one of the same name."""

PREFIXES = "-@:+!|"
"""Before a command: how systemd runs it (systemd.service(5))."""

SUFFIXES = (".service", ".socket", ".timer")
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
        instance = self.name.partition("@")[2].rpartition(".")[0]
        said = self.last("ExecStart").lstrip(PREFIXES)
        return words(re.sub(r"%([iI%])", lambda match: "%" if match[1] == "%" else instance, said))

    @property
    def programs(self) -> tuple[str, ...]:
        """The program of each command that it starts."""
        commands = (words(said.lstrip(PREFIXES)) for said in self.settings.get("ExecStart", ()))
        return tuple(command[0] for command in commands if command)

    @property
    def places(self) -> tuple[str, ...]:
        """Files and folders that its commands name, and where they are started."""
        commands = (words(said.lstrip(PREFIXES)) for said in self.settings.get("ExecStart", ()))
        said = (*(word for command in commands for word in command), self.last("WorkingDirectory").lstrip("-"))
        return tuple(word for word in said if word.startswith("/"))

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


def enabled(links: Iterable[str], files: Mapping[str, str]) -> tuple[Unit, ...]:
    """The enabled units, by name; ``links`` are the paths of all links, ``files`` the text of every unit file."""
    names = {match[1] for path in links if (match := WANTS.match(path)) and match[1].endswith(SUFFIXES)}
    return tuple(_unit(name, files) for name in sorted(names))


def _unit(name: str, files: Mapping[str, str]) -> Unit:
    template = re.sub(r"@[^.]*\.", "@.", name)
    places = [f"{folder}/{called}" for called in dict.fromkeys((name, template)) for folder in FOLDERS]
    file = next((path for path in places if path in files), "")
    drop_ins = tuple(
        path
        for path in sorted(files)
        for folder in FOLDERS
        if re.fullmatch(rf"{folder}/{re.escape(name)}\.d/[^/]+\.conf", path)
    )
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
