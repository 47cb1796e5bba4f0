"""What is made of slirp4netns, whatever it answers."""

import json
import os
import select
import socket
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import pytest
from local_order import record

from repave.jobs.commands import LocalCommands
from repave.ports.errors import Unreachable
from repave.providers.local import usermode
from repave.providers.local.guarded import Guarded
from repave.providers.local.mapping import Record
from repave.providers.local.places import Places
from repave.providers.local.processes import Process, identify
from repave.providers.local.usermode import UserModeNetwork
from repave.simulation.clock import SimulatedClock


class Answering(Guarded):
    """Instead of slirp4netns: gives one of the answers to each who asks, then none any more."""

    def __init__(self, places: Places, answers: Sequence[bytes | None]) -> None:
        super().__init__(places=places, commands=LocalCommands())
        self._answers = answers
        self.asked: list[object] = []

    def leave(self, arguments: Sequence[str]) -> int:
        """Listen from now on, as this very process."""
        server = socket.socket(socket.AF_UNIX)
        server.bind(arguments[arguments.index("--api-socket") + 1])
        server.listen()
        Thread(target=self._serve, args=[server], daemon=True).start()
        return os.getpid()

    def _serve(self, server: socket.socket) -> None:
        with server:
            for answer in self._answers:
                connection, _ = server.accept()
                with connection:
                    self.asked.append(json.loads(connection.recv(65536)))
                    if answer is None:
                        _hang(connection)
                    else:
                        connection.sendall(answer)


def _hang(connection: socket.socket) -> None:
    """Until who asked has gone."""
    gone = select.poll()
    gone.register(connection, select.POLLHUP)
    gone.poll(10_000)


@pytest.fixture
def places() -> Iterator[Places]:
    """Short, since a socket's path has at most 107 bytes."""
    with TemporaryDirectory(prefix="repave-") as folder:
        yield Places(root=Path(folder), runtime=Path(folder))


def connected(places: Places, *answers: bytes | None) -> Process | None:
    """What carries the traffic, where slirp4netns gives these answers."""
    return connecting(places, Answering(places, answers), record())


def connecting(places: Places, guarded: Guarded, whose: Record) -> Process | None:
    """The same, for one of them."""
    process = identify(os.getpid())
    assert process is not None
    return UserModeNetwork(places=places, clock=SimulatedClock(), guarded=guarded).connect(whose, process)


def test_of_a_worker_no_port_is_forwarded(places: Places) -> None:
    """It has its way out; that slirp4netns answers says so."""
    answering = Answering(places, [b'{"return": {"entries": []}}'])
    assert connecting(places, answering, replace(record(), port=None)) == identify(os.getpid())
    assert answering.asked == [{"execute": "list_hostfwd"}]


@pytest.mark.parametrize("first", [b"", b"{", b"\xff"])
def test_a_forwarder_that_breaks_off_is_asked_again(places: Places, first: bytes) -> None:
    """As one that does not listen yet."""
    assert connected(places, first, b'{"return": {"id": 1}}') == identify(os.getpid())


def test_a_forwarder_that_never_answers_is_given_up(places: Places) -> None:
    """With what it was to carry, which is then started anew."""
    with pytest.raises(Unreachable, match="has no network"):
        connected(places, b"")


def test_a_forwarder_that_hangs_is_not_waited_for(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than an answer may take."""
    monkeypatch.setattr(usermode, "ANSWER_SECONDS", 0.05)
    with pytest.raises(Unreachable, match="connecting web-1 of shop/test/web: timed out"):
        connected(places, None)
