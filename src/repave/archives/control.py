"""Debian's control data: paragraphs of fields, and the relations between packages in them."""

import re
from collections.abc import Iterator, Mapping

from repave.ports.errors import Corrupt

Fields = Mapping[str, str]

RELATION = re.compile(r"\s*([a-z0-9][a-z0-9+.-]+)(?::[a-z0-9-]+)?\s*(?:\(\s*(<<|<=|=|>=|>>)\s*([^)\s]+)\s*\))?")
SOURCE = re.compile(r"(\S+)(?:\s+\(([^)]+)\))?")


def paragraphs(text: str) -> Iterator[Fields]:
    """The paragraphs of a control file (deb822, Debian policy 5.1); continuation lines keep their line breaks."""
    fields: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if not line.strip():
            if fields:
                yield fields
            fields = {}
        elif line[0] in " \t":
            if name in fields:
                fields[name] += f"\n{line}"
        else:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
    if fields:
        yield fields


def written(fields: Fields) -> str:
    """A paragraph as text, with the empty line that ends it."""
    return "".join(f"{name}: {value}\n" for name, value in fields.items()) + "\n"


def source_of(fields: Fields) -> tuple[str, str]:
    """Source package and its version: the binary's own where nothing else is said. Raises Corrupt for no package's."""
    if not fields.get("Package") or not fields.get("Version"):
        raise Corrupt("a paragraph of a package index names no package, or no version of it")
    match = SOURCE.fullmatch(fields.get("Source", ""))
    if match is None:
        return fields["Package"], fields["Version"]
    return match[1], match[2] or fields["Version"]


def groups(fields: Fields, *names: str) -> Iterator[tuple[str, ...]]:
    """The relations of some fields: for each, the names of its alternatives in order."""
    for name in names:
        for group in fields.get(name, "").replace("\n", " ").split(","):
            alternatives = [match[1] for part in group.split("|") if (match := RELATION.match(part))]
            if alternatives:
                yield tuple(alternatives)
