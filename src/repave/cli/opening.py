"""From the ``--file`` of a verb to the wiring of its project."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from repave.wiring import PROJECT_FILE, Wiring, project_file


@contextmanager
def opened(file: Path | None, *, only_looks: bool = False) -> Iterator[Wiring]:
    """The project's wiring, closed at the end whatever happens; with ``only_looks`` it makes no place for state."""
    wiring = Wiring(project_file(file, Path.cwd()), only_looks=only_looks)
    try:
        yield wiring
    finally:
        wiring.close()


def has_project(file: Path | None) -> bool:
    """Whether a project is named, or lies in this folder or above."""
    here = Path.cwd()
    return file is not None or any((folder / PROJECT_FILE).is_file() for folder in (here, *here.parents))


@contextmanager
def opened_anyhow(file: Path | None) -> Iterator[Wiring]:
    """As ``opened``; where there is no project yet, that of a starter file in a folder that is gone afterwards."""
    if has_project(file):
        with opened(file) as wiring:
            yield wiring
        return
    from repave.operations.init import initialise  # noqa: PLC0415 - it brings the whole of the file's grammar

    with TemporaryDirectory(prefix="repave-") as folder, opened(initialise(Path(folder))) as wiring:
        yield wiring
