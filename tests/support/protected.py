"""A server on loopback with a certificate of its own."""

import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """For 127.0.0.1; whoever trusts it names its file."""

    file: Path
    key: Path


def certificate(folder: Path) -> Certificate:
    """A new one."""
    made = Certificate(file=folder / "certificate.pem", key=folder / "key.pem")
    request = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    subprocess.run([*request, *names, "-keyout", made.key, "-out", made.file], check=True, capture_output=True)
    return made


@contextmanager
def serving(answers: type[BaseHTTPRequestHandler], by: Certificate | None = None) -> Iterator[int]:
    """The port of a server, while it answers; over TLS when it has a certificate."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), answers)
    if by is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(by.file, by.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
