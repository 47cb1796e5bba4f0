"""What is taken for a secret on a server: more than the guards do, for its settings were never meant to leave it."""

import re

from repave.operations.guards.judging import LARGEST_SEARCHED_BYTES
from repave.operations.guards.secret_patterns import Found, secrets_in

SETTINGS = re.compile(r"/etc/.*|.*\.(?:conf|cnf|ini|ya?ml|env|service|json|toml|properties|xml)")
"""Files in which a name and a value mean what they say."""

SAID = re.compile(
    rb"(?im)^(?!\s*[#;/])[^\n]{0,200}?(?:passw(?:or)?d|secret|token|api_?key|credential)[\w.-]{0,20}[\"']?\s{0,8}[=:]\s{0,8}"
    rb"[\"']?(?![$<{%\s\"'])[^\s\"']{3,}"
)
"""A value beside a secret's name, however plain the value is."""

OPTION = re.compile(r"(?i)--?[\w-]*(?:passw(?:or)?d|secret|token|api-?key)(?:[= ]+[^\s$-]|$)")
"""A word of a command that gives one, or has it given by the next."""


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
