"""What locust runs: visitors of the shop who come at their own pace, whether or not the last one was served.

Each visitor asks once in PACE_SECONDS, however fast the last answer came: as long as answers take less, the load is
open, and a slow answer delays nobody else's. A connection or an answer that stands still for PATIENCE_SECONDS has
failed. Every answer is a line of the file that SHOP_ANSWERS names: when it was asked (seconds since the epoch),
milliseconds, status, release, and why it failed.

Getting ready takes seconds, so it begins before there is a shop: the shop's address comes as a line of standard input.
SIGUSR1 ends it as soon as the questions under way are answered; thousands of visitors who wait are not taken leave of.
"""

import csv
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import gevent
from geventhttpclient.connectionpool import ConnectionPool
from locust import FastHttpUser, events, task
from locust.exception import StopUser

from demo.kept import is_idle
from demo.visitors import PACE_SECONDS, PATIENCE_SECONDS

ANSWERS = open(os.environ["SHOP_ANSWERS"], "w", encoding="utf-8", newline="", buffering=1)  # noqa: SIM115, PTH123 - open as long as the process lives
WRITER = csv.writer(ANSWERS)
LOOK_SECONDS = 0.01


ConnectionPool._is_socket_alive = is_idle  # type: ignore[assignment,method-assign] # noqa: SLF001 - it has no other way


class Visitor(FastHttpUser):
    """One visitor."""

    host = sys.stdin.readline().strip()
    connection_timeout = float(PATIENCE_SECONDS)
    network_timeout = float(PATIENCE_SECONDS)

    under_way = 0
    """Questions of all visitors that are not answered yet."""

    leaving = False
    """Whether nobody asks any more."""

    def on_start(self) -> None:
        """Come at any moment, so that the visitors do not all ask at once."""
        self.next_question = time.monotonic() + random.uniform(0, PACE_SECONDS)  # noqa: S311 - a pace is no secret
        gevent.sleep(self.next_question - time.monotonic())

    def wait_time(self) -> float:
        """Until the next question is due, by the clock and not by the last answer."""
        self.next_question += PACE_SECONDS
        return max(0.0, self.next_question - time.monotonic())

    @task(4)
    def look(self) -> None:
        """The front page."""
        with asking():
            self.client.get("/")

    @task(1)
    def choose(self) -> None:
        """One of the goods."""
        with asking():
            self.client.get("/goods/2", name="/goods")


@contextmanager
def asking() -> Iterator[None]:
    """Count the question for as long as its answer may come. Raises StopUser for one that is not to be asked."""
    if Visitor.leaving:
        raise StopUser
    Visitor.under_way += 1
    try:
        yield
    finally:
        Visitor.under_way -= 1


def leave() -> None:
    """End once everybody who has asked has the answer."""
    Visitor.leaving = True
    while Visitor.under_way:
        gevent.sleep(LOOK_SECONDS)
    ANSWERS.flush()
    os._exit(0)


gevent.signal_handler(signal.SIGUSR1, leave)


@events.request.add_listener
def write(
    start_time: float, response_time: float, response: object, exception: BaseException | None, **_: object
) -> None:
    """Keep every answer, the failed ones with their reason."""
    status = getattr(response, "status_code", 0)
    headers = getattr(response, "headers", None)
    release = (headers.get("X-Release", "") if headers else "") or ""
    WRITER.writerow([f"{start_time:.3f}", f"{response_time:.1f}", status, release, str(exception or "")])


@events.quitting.add_listener
def close(**_: object) -> None:
    """Let nothing be lost."""
    ANSWERS.flush()
