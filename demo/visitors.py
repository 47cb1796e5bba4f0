"""The load: locust started, stopped, and what it heard."""

import csv
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from demo.interruption import WITH_ITS_PARENT, started

PACE_SECONDS = 4
"""A visitor asks once in so long. Each keeps a connection, and HAProxy holds 4,096: at the usual rate all have room."""

PATIENCE_SECONDS = 5
"""A shop that is silent for so long has failed."""

LOOK_SECONDS = 0.05
"""How often it is looked how many have been answered."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One request and what came of it."""

    at: float
    """Seconds since the epoch, when it was asked."""

    milliseconds: float
    status: int
    release: str
    failure: str

    @property
    def failed(self) -> bool:
        """Anything but the page that was asked for."""
        return bool(self.failure) or self.status != 200  # noqa: PLR2004 - HTTP's own number


class Visitors:
    """Visitors of the shop: from the beginning of the block they get ready, and ask from ``ask`` on to its end."""

    def __init__(self, *, rate: int, folder: Path) -> None:
        self.rate = rate
        self.answers_path = folder / "answers.csv"
        self.log_path = folder / "locust.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Get ready."""
        self.answers_path.unlink(missing_ok=True)  # of an earlier run
        command = [
            *WITH_ITS_PARENT,
            sys.executable,
            "-m",
            "locust",
            "--headless",
            "--only-summary",
            "--loglevel",
            "WARNING",
        ]
        command += ["-f", str(Path(__file__).with_name("load.py")), "--stop-timeout", str(PATIENCE_SECONDS)]
        # All of them come at once, each to ask at a moment of its own: the load is the same from the first second on.
        everybody = str(self.rate * PACE_SECONDS)
        command += ["--users", everybody, "--spawn-rate", everybody]
        # The shop has an address, no name: nobody is to wait for threads that look one up beside all the asking.
        environment = {**os.environ, "SHOP_ANSWERS": str(self.answers_path), "GEVENT_RESOLVER": "block"}
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("wb") as log:
            self._process = started(command, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log)
        return self

    def ask(self, endpoint: str) -> None:
        """Begin, and wait for the first answer."""
        if self._process is None or self._process.stdin is None:
            raise RuntimeError("visitors ask within their block")
        self._process.stdin.write(f"{endpoint}\n".encode())
        self._process.stdin.close()
        self.wait_for(1)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop asking; the questions under way are still answered."""
        if self._process is not None:
            self._process.send_signal(signal.SIGUSR1 if kind is None else signal.SIGTERM)
            self._process.wait(timeout=30)

    def wait_for(self, count: int, *, seconds: float = 600.0) -> None:
        """Until so many answers were heard."""
        deadline = time.monotonic() + seconds
        while self._heard() < count:
            if time.monotonic() > deadline or (self._process is not None and self._process.poll() is not None):
                raise RuntimeError(f"the load stopped early; see {self.log_path}")
            time.sleep(LOOK_SECONDS)

    def _heard(self) -> int:
        """How many answers were written so far: a line each."""
        return self.answers_path.read_bytes().count(b"\n") if self.answers_path.exists() else 0

    def answers(self) -> list[Answer]:
        """Everything heard so far, in the order it was asked."""
        if not self.answers_path.exists():
            return []
        with self.answers_path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.reader(file) if len(row) == 5]  # noqa: PLR2004 - the fields of a whole line
        answers = [
            Answer(at=float(at), milliseconds=float(took), status=int(status), release=release, failure=failure)
            for at, took, status, release, failure in rows
        ]
        return sorted(answers, key=lambda answer: answer.at)
