"""A bundle: the record, or a part of it, in one file that can be checked with nothing but a public key.

Lines of canonical JSON: a header, the events in their order, each with its hash, and the signed head.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from repave.model.chain import Recorded, content
from repave.model.names import Digest
from repave.model.statement import canonical
from repave.operations.errors import Refused
from repave.ports.errors import Denied

BUNDLE_TYPE = "repave record bundle 1"

LONGEST_LINE = 64 * 1024 * 1024
"""A look at a fleet of 100,000 instances takes a third of it."""

NO_BUNDLE = "`repave record export BUNDLE` writes one"


def header(project: str, first: int, previous: str, artifacts: Mapping[Digest, Mapping[str, str]]) -> bytes:
    """``previous``: the hash before the first event. ``artifacts``: of each, the digests of what is signed of it."""
    return canonical(
        {"type": BUNDLE_TYPE, "project": project, "first": first, "previous": previous, "artifacts": artifacts}
    )


def event_line(recorded: Recorded) -> bytes:
    """One event with the hash that was kept."""
    return canonical({"event": content(recorded.event), "hash": recorded.hash})


def is_bundle(path: Path) -> bool:
    """Whether a file's first line says that it is one."""
    try:
        with path.open("rb") as stream:
            return b'"type":"repave record bundle ' in stream.readline(LONGEST_LINE)
    except OSError:
        return False


def as_written(line: bytes, document: Mapping[str, object]) -> bool:
    """Whether a line is what repave writes for this document, byte for byte."""
    try:
        return line == canonical(document) + b"\n"
    except (ValueError, RecursionError):
        return False


def lines(path: Path) -> Iterator[tuple[bytes, Mapping[str, object]]]:
    """Every line, as it stands there and as what it says; nothing for one that is no JSON object. Raises Refused."""
    try:
        with path.open("rb") as stream:
            while line := stream.readline(LONGEST_LINE):
                yield line, _object(line)
    except FileNotFoundError as missing:
        raise Refused(f"there is no file {path}", hint=NO_BUNDLE) from missing
    except OSError as refused:
        raise Denied(f"{path} cannot be read: {refused.strerror}", hint="give this user read access to it") from refused


def _object(line: bytes) -> Mapping[str, object]:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
