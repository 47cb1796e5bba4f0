"""The project's file, read by its grammar once: what it declares is kept beside the digest of its text.

To be ready, the grammar takes a tenth of a second of every command. Like Python's own bytecode, what is kept counts
for the code it came from, and is made anew whenever it is not there, not current or not whole.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from repave.config.reading import read_text
from repave.model.project import Project
from repave.store.documents import decode, encode

PACKAGE = Path(__file__).parent.parent
CODE = ("config", "config/grammar", "model")
"""What decides what a text declares."""

LARGEST_BYTES = 4 * 1024 * 1024
"""As many as the characters that the grammar takes may have."""


def project_in(file: Path, kept: Path) -> Project:
    """The project that ``file`` declares, kept in the file ``kept``. Raises FileError with all that is wrong."""
    text = read_text(file, largest_bytes=LARGEST_BYTES, hint="`repave init` writes a starter file")
    origin = sha256("\n".join([text, *_code()]).encode()).hexdigest()
    known = _known(kept, origin)
    if known is not None:
        return known
    from importlib.metadata import entry_points

    from repave.config.project import parse_project

    providers = entry_points(group="repave.providers").names
    project = parse_project(text, filename=file.name, providers=providers)
    _keep(kept, origin, project)
    return project


def _code() -> Iterator[str]:
    """Name, size and age of all code that reads the file."""
    for folder in CODE:
        for path in sorted((PACKAGE / folder).glob("*.py")):
            status = path.stat()
            yield f"{folder}/{path.name} {status.st_size} {status.st_mtime_ns}"


def _known(kept: Path, origin: str) -> Project | None:
    with suppress(OSError, ValueError, TypeError, KeyError):
        document = json.loads(kept.read_bytes())
        if document["origin"] == origin:
            return decode(Project, document["project"])
    return None


def _keep(kept: Path, origin: str, project: Project) -> None:
    """In one piece, or not at all where there is no place for it: the next command then reads the file itself."""
    with suppress(OSError):
        kept.parent.mkdir(exist_ok=True)
        fresh = kept.with_suffix(".new")
        fresh.write_text(json.dumps({"origin": origin, "project": encode(project)}), encoding="utf-8")
        fresh.replace(kept)
