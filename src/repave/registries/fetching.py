"""Several files on their way at once; the first that fails stops the others."""

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager
from threading import Event
from typing import BinaryIO

from repave.ports.progress import Progress
from repave.ports.vault import Fetch
from repave.registries.download import Download, Line, Stopped
from repave.registries.lines import Lines

PARALLEL_DOWNLOADS = 8
"""Enough to hide latency, few enough that no mirror minds."""

Opening = Callable[[], AbstractContextManager[Line]]
"""Opens the way by which files are fetched."""

Keep = Callable[[Fetch, Callable[[BinaryIO], None]], None]
"""Keeps one file: is given what writes and verifies it."""


def fetch_all(files: Collection[Fetch], *, line: Opening | None, keep: Keep, progress: Progress) -> None:
    """Bring all, in parallel; see the vault port for what is raised."""
    total = sum(file.size_bytes for file in files)
    stop = Event()
    with (
        progress.task("Downloading", total=total, unit="B") as task,
        (line or Lines)() as opened,
        ThreadPoolExecutor(max_workers=PARALLEL_DOWNLOADS, thread_name_prefix="vault") as threads,
    ):
        # The largest first, so that no long one starts last.
        waiting = sorted(files, key=lambda file: file.size_bytes, reverse=True)
        running = [
            threads.submit(keep, file, Download(file, line=opened, task=task, stop=stop).write) for file in waiting
        ]
        try:
            for done in as_completed(running):
                done.result()
        except BaseException as failure:
            stop.set()
            if isinstance(failure, Stopped):  # the file that failed first says why
                _raise_cause(done.exception() for done in running)
            raise


def _raise_cause(failures: Iterable[BaseException | None]) -> None:
    for failure in failures:
        if failure is not None and not isinstance(failure, Stopped):
            raise failure
