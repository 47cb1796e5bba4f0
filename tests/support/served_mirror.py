"""A mirror that answers while a test goes on."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from repave.registries.mirror import Mirror, mirroring


@contextmanager
def served(files: Mapping[str, Path], told: list[tuple[str, str]] | None = None) -> Iterator[Mirror]:
    """A mirror of the files at a free port of loopback; ``told`` gets who took what."""
    taken = [] if told is None else told
    with mirroring(files, address="127.0.0.1", port=0, told=lambda *what: taken.append(what)) as mirror:
        thread = Thread(target=mirror.serve_forever)
        thread.start()
        try:
            yield mirror
        finally:
            mirror.shutdown()
            thread.join()
