"""Words of strangers as the text of a ``repave.yaml`` that a person will read."""

import re

from repave.config.words import LONGEST_NAME


def label_of(name: str) -> str:
    """Any name as a name of ours; ``app`` where nothing of it can stay."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).lstrip("-0123456789")[:LONGEST_NAME].rstrip("-") or "app"


def one_line(text: str) -> str:
    """As a comment can hold it."""
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))


def scalar(text: str) -> str:
    """Plain where YAML reads it as this very text, in a list or a mapping of one line too; in quotes elsewhere."""
    plain = re.fullmatch(r"[A-Za-z_/][A-Za-z0-9_./~=<>+ -]*(:[A-Za-z0-9_./~=<>+-][A-Za-z0-9_./~=<>+ -]*)*", text)
    word = text.lower() in {"true", "false", "null", "yes", "no", "on", "off"}
    return text if plain and not word and not text.endswith(" ") else quoted(text)


def quoted(text: str) -> str:
    """In quotes, with an escape for everything that does not show (YAML 1.2, 5.7)."""
    shown = (letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in text.replace("\\", "\\\\"))
    return '"' + "".join(shown).replace('"', '\\"') + '"'
