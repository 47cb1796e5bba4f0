"""Where in a JSON text something stands: looked for only when there is something to tell about it."""

import json
import re

SPACE = re.compile(r"[ \t\r\n]*")
DECODER = json.JSONDecoder()


def line_of(text: str, *path: str | int) -> int:
    """The line, from 1, at which the value of ``path`` begins; that of what holds it where it is not there.

    ``text`` is JSON that has been read before.
    """
    at = _past_space(text, 0)
    for step in path:
        found = _member(text, at, step)
        if found is None:
            break
        at = found
    return text.count("\n", 0, at) + 1


def _member(text: str, at: int, step: str | int) -> int | None:
    """Where a member of the object or list at ``at`` begins."""
    if text[at] != ("{" if isinstance(step, str) else "["):
        return None
    at = _past_space(text, at + 1)
    index = 0
    while text[at] not in "}]":
        key: object = index
        if isinstance(step, str):
            key, at = DECODER.raw_decode(text, at)
            at = _past_space(text, _past_space(text, at) + 1)
        if key == step:
            return at
        _, at = DECODER.raw_decode(text, at)
        at = _past_space(text, at)
        if text[at] == ",":
            at = _past_space(text, at + 1)
        index += 1
    return None


def _past_space(text: str, at: int) -> int:
    match = SPACE.match(text, at)
    return match.end() if match else at
