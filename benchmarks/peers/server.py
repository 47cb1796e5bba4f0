"""Servers that a benchmark starts for itself, and ends again."""

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

END_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True)
class Took:
    """What one piece of work took."""

    seconds: float
    cpu_seconds: float
    """Of this process, and of those that it began and that have ended."""


class Watch:
    """Looked at when a piece of work begins, and when it has ended."""

    def __init__(self) -> None:
        self._began, self._cpu = time.perf_counter(), _cpu_seconds()

    def took(self) -> Took:
        """Since it was made."""
        return Took(seconds=time.perf_counter() - self._began, cpu_seconds=_cpu_seconds() - self._cpu)


@contextmanager
def server(arguments: Sequence[str], log: Path, *, environment: Mapping[str, str] | None = None) -> Iterator[int]:
    """A server for the length of the block: its process id. What it prints is kept in ``log``."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run(arguments: Sequence[str], *, stdin: bytes = b"", seconds: float = 60.0) -> str:
    """A program's output. A failure is told with all it printed, and raised."""
    done = subprocess.run(list(arguments), input=stdin, capture_output=True, timeout=seconds, check=False)
    if done.returncode:
        print(done.stderr.decode(errors="replace"), file=sys.stderr)
        raise subprocess.CalledProcessError(done.returncode, list(arguments))
    return done.stdout.decode()


def await_true(condition: Callable[[], bool], what: str, *, seconds: float = 60.0, look_seconds: float = 0.05) -> float:
    """Look until it is so; answers how long that took. Raises TimeoutError."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds:
            raise TimeoutError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(look_seconds)
    return time.monotonic() - started


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])
