"""A mirror: files over HTTP, each by its sha256, and nothing else. Who asks knows the sha256, and checks it.

``GET /`` answers the list, ``{"files": [{"sha256": ..., "size": ...}]}``, ``GET /SHA256`` a file.
"""

import errno
import json
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from threading import BoundedSemaphore

from repave.ports.errors import Invalid

MOST_REQUESTS = 64
"""At one time; more wait until one ends."""

IDLE_SECONDS = 30
"""Who says nothing for so long is left."""

Told = Callable[[str, str], None]
"""Told of each file that is given out: to which address, and the file's sha256."""


@contextmanager
def mirroring(files: Mapping[str, Path], *, address: str, port: int, told: Told) -> Iterator["Mirror"]:
    """A mirror of the files, by their sha256, that listens; port 0 takes a free one. Raises Invalid."""
    try:
        mirror = Mirror(files, address=address, port=port, told=told)
    except (OSError, OverflowError) as error:
        in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        hint = "another program listens there: give another --port" if in_use else "give an address of this machine"
        raise Invalid(f"cannot listen at {address}, port {port}: {error}", hint=hint) from error
    with mirror:
        yield mirror


class Mirror(ThreadingHTTPServer):
    """Serves until it is closed; ``serve_forever`` does it."""

    daemon_threads = True
    request_queue_size = 128  # a fleet that starts asks at once

    def __init__(self, files: Mapping[str, Path], *, address: str, port: int, told: Told) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, port), _Answer)
        self.files = files
        self.told = told
        self._places = BoundedSemaphore(MOST_REQUESTS)

    @property
    def url(self) -> str:
        """Where it is found."""
        host, port = self.server_address[:2]
        name = host.decode() if isinstance(host, bytes | bytearray) else host
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    def server_bind(self) -> None:
        """Without asking for the address's name, which a silent name server would hold up."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing of who hangs up, which is no error of ours."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type] # as it came

    def process_request(self, request: object, client_address: object) -> None:
        """Answer in a thread of its own, once there is room."""
        self._places.acquire()
        super().process_request(request, client_address)  # type: ignore[arg-type] # as it came

    def process_request_thread(self, request: object, client_address: object) -> None:
        """The thread's whole work."""
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type] # as it came
        finally:
            self._places.release()


class _Answer(BaseHTTPRequestHandler):
    """One request."""

    server: Mirror
    timeout = IDLE_SECONDS
    protocol_version = "HTTP/1.0"  # a connection for each file: an idle one holds no place
    server_version = "repave"
    sys_version = ""

    def do_HEAD(self) -> None:
        """The size alone."""
        self._answered(content=False)

    def do_GET(self) -> None:
        """The file."""
        self._answered(content=True)

    def _answered(self, *, content: bool) -> None:
        sha256 = self.path.removeprefix("/")
        if not sha256:
            self._list(content=content)
            return
        place = self.server.files.get(sha256)
        try:
            stream = None if place is None else place.open("rb")
        except OSError:
            stream = None  # it was here, and is gone
        if stream is None:
            self.send_error(HTTPStatus.NOT_FOUND, explain="no such file; / lists what is here")
            return
        with stream:
            self._begin(os.fstat(stream.fileno()).st_size, "application/octet-stream")
            if content:
                shutil.copyfileobj(stream, self.wfile)
                self.server.told(self.client_address[0], sha256)

    def _list(self, *, content: bool) -> None:
        files = []
        for sha256, place in sorted(self.server.files.items()):
            with suppress(FileNotFoundError):  # it was here, and is gone
                files.append({"sha256": sha256, "size": place.stat().st_size})
        listed = json.dumps({"files": files}).encode()
        self._begin(len(listed), "application/json")
        if content:
            self.wfile.write(listed)

    def _begin(self, size: int, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Nothing: ``told`` hears of what was given out."""
