"""How a merge request and a commit say which lock they propose: read back, so that nothing else need be kept."""

import re

from repave.model.names import Digest

TRAILER = "Repave-Lock"
_MARK = re.compile(r"<!-- repave-lock: (sha256:[0-9a-f]{64}) -->")


def marked(text: str, lock: Digest) -> str:
    """The text with a line at its end that no reader sees."""
    return f"{text.rstrip()}\n\n<!-- repave-lock: {lock} -->\n"


def lock_in(text: object) -> Digest | None:
    """The lock that a marked text is about; None where the mark was taken out."""
    found = _MARK.search(text) if isinstance(text, str) else None
    return Digest(found[1]) if found else None
