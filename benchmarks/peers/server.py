"""Servers that a benchmark starts for itself, and ends again."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

END_SECONDS = 15.0


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


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])
