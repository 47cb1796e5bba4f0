"""A folder behind a web server on loopback that wants to know who asks; and who we are to it."""

import base64
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server, socket
from threading import Thread
from typing import Any

from repave.jobs.commands import LocalCommands
from repave.ports.commands import Finished
from repave.ports.logins import Login

USER, PASSWORD = "repave", "pass-word:7c1f"


class Guarded(SimpleHTTPRequestHandler):
    """Serves files to those who know the password."""

    server: "Server"

    def do_GET(self) -> None:
        """Serve, or refuse."""
        # What is published twice within a second has one time, and would be taken for unchanged.
        del self.headers["If-Modified-Since"]
        if self._known():
            super().do_GET()

    def do_HEAD(self) -> None:
        """The same, without the content."""
        if self._known():
            super().do_HEAD()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _known(self) -> bool:
        said = self.headers.get("Authorization", "")
        self.server.asked.append((self.path, said))
        if self.server.password is None:
            return True
        wanted = base64.b64encode(f"{USER}:{self.server.password}".encode()).decode()
        if said == f"Basic {wanted}":
            return True
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="tests"')
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False


class Server(ThreadingHTTPServer):
    """One folder."""

    daemon_threads = True

    def __init__(self, folder: Path, password: str | None) -> None:
        super().__init__(("127.0.0.1", 0), partial(Guarded, directory=str(folder)))
        self.password = password
        self.asked: list[tuple[str, str]] = []

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def guarded(folder: Path, password: str | None = PASSWORD) -> Iterator[Server]:
    """Serve a folder as long as the block lasts; without a password to everybody."""
    server = Server(folder, password)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def nobody_listens() -> str:
    """An address at which no server is."""
    with create_server(("127.0.0.1", 0)) as chosen:
        return f"http://127.0.0.1:{chosen.getsockname()[1]}"


@contextmanager
def takes_no_connection() -> Iterator[str]:
    """The address of a server at which connections are neither taken nor refused, as behind many a firewall."""
    with create_server(("127.0.0.1", 0), backlog=0) as full, socket() as one, socket() as other:
        for waiting in (one, other):
            waiting.settimeout(0)
            waiting.connect_ex(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}"


@contextmanager
def never_answers() -> Iterator[str]:
    """The address of a server that lets everybody in and answers nobody."""
    with create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@dataclass(frozen=True)
class KnownTo:
    """The logins port for one server."""

    address: str
    password: str = PASSWORD

    def login(self, address: str) -> Login | None:
        """Who we are there."""
        return Login(username=USER, password=self.password) if address.startswith(self.address) else None


class Watched(LocalCommands):
    """Commands that remember what everybody on the machine could have seen."""

    def __init__(self) -> None:
        super().__init__()
        self.arguments: list[str] = []
        self.during: Callable[[Sequence[str]], None] = lambda _: None

    def run(self, arguments: Sequence[str], **options: Any) -> Finished:  # noqa: ANN401 - handed on as they are
        """Run to the end."""
        self.arguments += arguments
        self.during(arguments)
        return super().run(arguments, **options)
