"""QEMU may end in any moment, also in the one in which it is asked: then it has not answered."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from repave.providers.local.qemu.monitor import Silent, ask

VERSION = {"qemu": {"major": 7, "minor": 2, "micro": 0}, "package": ""}
GREETING = json.dumps({"QMP": {"version": VERSION, "capabilities": []}}).encode() + b"\r\n"
ANSWER = json.dumps({"return": {}}).encode() + b"\r\n"


@contextmanager
def monitor(folder: Path, answers: int) -> Iterator[str]:
    """A QEMU that greets one who asks, answers so often, and has ended."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "qmp"))
        server.listen()

        def serve() -> None:
            asking, _ = server.accept()
            with asking:
                asking.sendall(GREETING)
                for _ in range(answers):
                    asking.recv(4096)  # what is asked ends with no line's end
                    asking.sendall(ANSWER)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield "qmp"
        thread.join()


@pytest.mark.parametrize("answers", [0, 1], ids=["before the talk", "as it begins"])
def test_a_machine_that_ends_while_it_is_asked_has_not_answered(answers: int, tmp_path: Path) -> None:
    """Whoever looks at a fleet sees that, and no fault of the library's; nothing of the talk is left open."""
    with monitor(tmp_path, answers) as name, pytest.raises(Silent):
        ask(tmp_path, name, "query-status")
