"""What is taken for a secret on a server: more than the guards do, for its settings were never meant to leave it."""

import re

from repave.operations.guards.judging import LARGEST_SEARCHED_BYTES
from repave.operations.guards.secret_patterns import Found, secrets_in

SETTINGS = re.compile(r"/etc/.*|.*\.(?:conf|cnf|ini|ya?ml|env|service|json|toml|properties|xml)")
"""Files in which a name and a value mean what they say."""

SAID = re.compile(
    rb"(?im)^(?![ \t]*[#;/])[^\n]{0,200}?(?:passw(?:or)?d|passphrase|secret|token|api_?key|credential)"
    rb"[\w.-]{0,20}[\"']?\s{0,8}[=:]\s{0,8}[\"']?(?![$<{%\s\"'])[^\s\"']{3,}"
)
"""A value beside a secret's name, however plain the value is."""

OPTION = re.compile(
    r"(?i)(?<![\w-])--?[a-z0-9_-]{0,40}(?:passw(?:or)?d|passphrase|secret|token|api-?key)(?:[= ]+[^\s$-]|$)"
    r"|\b(?:mysql|mariadb)[\w-]{0,20}\s[^\n]{0,200}?(?<=\s)-p[^\s$]"
    r"|\bcurl\s[^\n]{0,200}?(?<=\s)(?:-u|--user)[ =]?[^\s:$]{1,100}:[^\s$]"
    r"|\bauthorization:\s{0,8}\w{1,20}\s{1,8}[^\s$\"']"
    r"|\w://[^/\s:@]{0,100}:[^@/\s$]{1,200}@"
)
"""Words of a command that give one, or have it given by the next; an address with a password."""

NAME = re.compile(r"(?i)passw(?:or)?d|passphrase|(?:^|_)pass(?:_|$)|secret|token|api_?key|credential")
"""Of a variable that holds one."""

PLACES = ("_FILE", "_PATH", "_DIR", "_URL")
"""Ends of names of variables that say where one is."""


def secret_in(place: str, content: bytes) -> Found | None:
    """The first secret in a file of the server; None where there is none."""
    searched = content[:LARGEST_SEARCHED_BYTES]
    found = next(secrets_in(place, searched), None)
    if found is None and SETTINGS.fullmatch(place) and b"\0" not in searched and (said := SAID.search(searched)):
        line = searched.count(b"\n", 0, said.end()) + 1
        return Found(line=line, kind="value of a secret's name", masked="")
    return found


def tells_secret(text: str) -> bool:
    """Whether a line for people, or a command, holds one."""
    content = text.encode(errors="replace")
    return next(secrets_in("", content), None) is not None or bool(SAID.search(content) or OPTION.search(text))


def variable_tells(name: str, value: str) -> bool:
    """Whether a variable holds one, by its name or by its value."""
    named = NAME.search(name) is not None and not name.upper().endswith(PLACES) and not value.startswith("$")
    return bool(value) and (named or tells_secret(value))
