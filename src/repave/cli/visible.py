"""What strangers wrote (an advisory, a server's answer, a file's name) as a terminal may show it."""

import unicodedata

KEPT = frozenset("\n\t")


def visible(text: str) -> str:
    """The text with its control characters written out: none moves the cursor, hides or turns around what is shown."""
    if text.isprintable():
        return text
    return "".join(map(_written, text))


def _written(letter: str) -> str:
    # All categories of `C`: controls, formats such as the marks that turn text around, lone surrogates.
    if letter in KEPT or not unicodedata.category(letter).startswith("C"):
        return letter
    return f"\\u{ord(letter):04x}"
