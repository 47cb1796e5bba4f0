"""From the ``--file`` of a verb to the wiring of its project."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repave.wiring import Wiring, project_file


@contextmanager
def opened(file: Path | None) -> Iterator[Wiring]:
    """The project's wiring, closed at the end whatever happens."""
    wiring = Wiring(project_file(file, Path.cwd()))
    try:
        yield wiring
    finally:
        wiring.close()
