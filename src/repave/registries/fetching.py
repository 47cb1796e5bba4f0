"""Several files on their way at once; the first that fails stops the others."""

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager
from threading import Event
from typing import BinaryIO

from repave.ports.progress import Progress
from repave.ports.vault import Fetch, Found
from repave.registries.download import Download, Line, Stopped
from repave.registries.lines import Lines
from repave.registries.measuring import Wanted

PARALLEL_DOWNLOADS = 8
"""Enough to hide latency, few enough that no mirror minds."""

Opening = Callable[[], AbstractContextManager[Line]]
"""Opens the way by which files are fetched."""

Keep = Callable[[Wanted, Callable[[BinaryIO], Found]], Found]
"""Keeps one file: is given what writes and verifies it, and answers what that found."""


def fetch_all(files: Collection[Wanted], *, line: Opening | None, keep: Keep, progress: Progress) -> tuple[Found, ...]:
    """Bring all, in parallel, and answer what they are, in the order given; see the vault port for what is raised."""
    total = sum(map(_size, files)) or None
    stop, unreachable = Event(), set[str]()
    with (
        progress.task("Downloading", total=total, unit="B") as task,
        (line or Lines)() as opened,
        ThreadPoolExecutor(max_workers=PARALLEL_DOWNLOADS, thread_name_prefix="vault") as threads,
    ):
        # The largest first, so that no long one starts last.
        waiting = sorted(enumerate(files), key=lambda numbered: _size(numbered[1]), reverse=True)
        running = {
            threads.submit(
                keep, file, Download(file, line=opened, task=task, stop=stop, unreachable=unreachable).write
            ): number
            for number, file in waiting
        }
        try:
            for done in as_completed(running):
                done.result()
        except BaseException as failure:
            stop.set()
            if isinstance(failure, Stopped):  # the file that failed first says why
                _raise_cause(done.exception() for done in running)
            raise
        return tuple(done.result() for done, _ in sorted(running.items(), key=lambda item: item[1]))


def _size(file: Wanted) -> int:
    """0 where it is not known."""
    return file.size_bytes if isinstance(file, Fetch) else 0


def _raise_cause(failures: Iterable[BaseException | None]) -> None:
    for failure in failures:
        if failure is not None and not isinstance(failure, Stopped):
            raise failure
