"""Ports on which a server's own files say that something will wait: what units start, and servers' settings."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from repave.operations.adopting.units import Unit

IN_WORDS = re.compile(
    r"(?:^|\s)(?:--?(?:bind|listen|port|http-port|web\.listen-address|address|addr)|-[bpl])[= ]*\S*?:?(\d{2,5})(?=\s|$)"
)
"""A port among the words of a command, behind an option that programs have for it."""

IN_SCRIPT = re.compile(
    r"(?:(?<!\w)(?:server_address|ADDRESS)\s*=\s*|(?:bind|create_server|TCPServer|HTTPServer|make_server)\s*\(\s*)"
    r"\(?\s*['\"][^'\"]*['\"]\s*,\s*(\d{2,5})|"
    r"\.listen\(\s*(\d{2,5})|(?i:\bport\b)\s*[=:]\s*['\"]?(\d{2,5})\b|\bport\s*=\s*(\d{2,5})\b"
)
NGINX = re.compile(r"(?m)^\s*listen\s+(?:\S*?:)?(\d{1,5})\b")
APACHE = re.compile(r"(?mi)^\s*Listen\s+(?:\S*?:)?(\d{1,5})\b")
HAPROXY = re.compile(r"(?m)^\s*bind\s+\S*?:(\d{1,5})\b")
SERVERS = {"/etc/nginx/": ("nginx", NGINX), "/etc/apache2/": ("apache2", APACHE), "/etc/haproxy/": ("haproxy", HAPROXY)}
"""By the folder of its configuration: the program, and where a port stands."""

HIDDEN = re.compile(r"/(?:sites|conf|mods)-available/")
"""What waits to be linked into a folder of what counts."""

LAST_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class Port:
    """One TCP port of the server, and what is known of who waits on it."""

    number: int
    program: str = ""
    arguments: tuple[str, ...] = ()
    unit: str = ""
    origin: str = ""
    """Where it is said: a file, or empty where it was heard."""

    local: bool = False
    """Whether it is reached from the server itself only."""


def declared(units: Iterable[Unit], texts: Mapping[str, str]) -> tuple[Port, ...]:
    """What units and configuration say; ``texts`` has the configuration and the scripts that units name, by path."""
    found = [port for unit in units for port in _of_unit(unit, texts)]
    for folder, (program, expression) in SERVERS.items():
        for path, text in sorted(texts.items()):
            if path.startswith(folder) and not HIDDEN.search(path):
                found += [
                    Port(number=int(number), program=program, unit=f"{program}.service", origin=path)
                    for number in expression.findall(text)
                ]
    by_number: dict[int, Port] = {}
    for port in found:
        if 0 < port.number <= LAST_PORT:
            by_number.setdefault(port.number, port)
    return tuple(by_number[number] for number in sorted(by_number))


def _of_unit(unit: Unit, texts: Mapping[str, str]) -> Iterator[Port]:
    command = unit.command
    if unit.name.endswith(".socket"):
        for value in unit.settings.get("ListenStream", ()):
            if match := re.search(r"(?:^|:)(\d{1,5})$", value):
                yield Port(number=int(match[1]), program="systemd", unit=unit.name, origin=unit.file)
        return
    told = IN_WORDS.findall(" ".join(command[1:]))
    for number in told:
        local = re.search(rf"(?:127\.0\.0\.1|localhost|\[::1\]):{number}\b", " ".join(command)) is not None
        yield Port(
            number=int(number), program=command[0], arguments=command, unit=unit.name, origin=unit.file, local=local
        )
    for word in () if told else command:
        for groups in IN_SCRIPT.findall(texts.get(word, "")):
            number = next(group for group in groups if group)
            yield Port(number=int(number), program=command[0], arguments=command, unit=unit.name, origin=word)
