"""Units and crontabs without the secrets that they tell: pure (systemd.syntax(7), systemd.exec(5), crontab(5))."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from repave.operations.adopting.secrecy import secret_in, tells_secret, variable_tells
from repave.operations.guards.hook_patterns import brings_unpinned

WITHHELD = "# A secret was withheld here."
ENVIRONMENT = re.compile(r"(?s)([ \t]*Environment[ \t]*=)(.*)")
TOKEN = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\\.|[^\s"'\\])+""", re.DOTALL)
"""One assignment as it stands, with its quotes."""

VARIABLE = re.compile(
    r"""(?ms)^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|'[^']*'|[^\n]*)"""
)
"""In a file of variables: a quoted value may go over several lines."""

OF_CRON = re.compile(r"[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(.*)")


@dataclass(frozen=True, kw_only=True)
class Withheld:
    """A text that may be shown."""

    text: str
    names: frozenset[str] = frozenset()
    """Variables that are not in it any more."""

    whole: bool = True
    """False where it told a secret that it cannot do without."""


def unit_without_secrets(text: str) -> Withheld:
    """A unit's file: variables and comments that tell one are left out; all else stays as it was, to the letter."""
    lines: list[str] = []
    names: set[str] = set()
    whole = True
    for line in _logical(text):
        match = ENVIRONMENT.fullmatch(line)
        if match:
            tokens = TOKEN.findall(match[2].replace("\\\n", " "))
            kept = [token for token in tokens if not _tells(token)]
            names |= {_pair(token)[0] for token in tokens if token not in kept}
            lines += [line] if len(kept) == len(tokens) else [WITHHELD, *(f"Environment={token}" for token in kept)]
        elif line.lstrip().startswith(("#", ";")):
            lines.append(WITHHELD if tells_secret(line.lstrip("#; \t")) else line)
        else:
            whole = whole and not tells_secret(line.replace("\\\n", " "))
            lines.append(line)
    return Withheld(text="\n".join(lines), names=frozenset(names), whole=whole)


def crontab_without_secrets(text: str) -> Withheld:
    """A crontab: comments that tell one are left out; a job, or a variable of jobs, is not."""
    lines: list[str] = []
    whole = True
    for line in text.split("\n"):
        variable = OF_CRON.fullmatch(line)
        if line.lstrip().startswith("#"):
            lines.append(WITHHELD if tells_secret(line.lstrip("# \t")) else line)
            continue
        whole = whole and not (variable_tells(variable[1], variable[2]) if variable else tells_secret(line))
        lines.append(line)
    return Withheld(text="\n".join(lines), whole=whole)


def may_stand(place: str, said: Withheld) -> bool:
    """Whether a recipe may have it there: it tells no secret, and brings in nothing that no lock pins."""
    return said.whole and not secret_in(place, said.text.encode()) and not brings_unpinned(place, said.text)


def variables_of(text: str) -> frozenset[str]:
    """The names that a file of variables sets."""
    return frozenset(name for name, _ in VARIABLE.findall(text))


def _tells(token: str) -> bool:
    return variable_tells(*_pair(token))


def _pair(token: str) -> tuple[str, str]:
    """Name and value of one assignment, without its quotes."""
    name, _, value = token.strip("\"'").partition("=")
    return name, value.strip("\"'")


def _logical(text: str) -> Iterator[str]:
    """Each line with those that a backslash goes on with, as they stand."""
    begun: list[str] = []
    for line in text.split("\n"):
        begun.append(line)
        if not line.endswith("\\") or (len(begun) == 1 and line.lstrip().startswith(("#", ";"))):
            yield "\n".join(begun)
            begun = []
    if begun:
        yield "\n".join(begun)
