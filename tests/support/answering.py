"""A server on loopback whose answers are as checks may meet them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from repave.ports.checks import Endpoint


class Answers(BaseHTTPRequestHandler):
    """By the path."""

    HELLO = "hello from the server\n"
    ended = threading.Event()

    def do_GET(self) -> None:
        """One answer, or what is instead of one."""
        with suppress(OSError):
            self._answer()

    def _answer(self) -> None:
        match self.path:
            case "/slow":
                self.ended.wait(10)
            case "/breaks":
                self.wfile.write(b"nothing of HTTP\r\n\r\n")
            case "/moved":
                self.send_response(302)
                self.send_header("Location", "/hello")
                self.end_headers()
            case "/ends-late":
                self.ended.wait(0.25)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(self.HELLO.encode())
                self.wfile.flush()
                self.ended.wait(0.25)
            case "/base64" | "/undefined" | "/nonsense":
                self.send_response(200)
                self.send_header("Content-Type", f"text/plain; charset={self.path[1:]}")
                self.end_headers()
                self.wfile.write(self.HELLO.encode())
            case "/long":
                self.send_response(200)
                self.end_headers()
                self.wfile.write(self.HELLO.encode() * 50_000)
            case "/drips":
                self.send_response(200)
                self.end_headers()
                while not self.ended.wait(0.05):
                    self.wfile.write(b".")
            case "/drips-headers":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nDrops: ")
                while not self.ended.wait(0.05):
                    self.wfile.write(b".")
            case _:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(self.HELLO.encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def answering() -> Iterator[Endpoint]:
    """The server, for as long as the block lasts."""
    Answers.ended = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Endpoint(host="127.0.0.1", port=server.server_address[1])
        finally:
            Answers.ended.set()
            server.shutdown()
            thread.join()
