"""Debian's docker-registry on loopback, open to all or guarded by a password or by tokens."""

import base64
import hashlib
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server
from urllib.parse import parse_qs, urlsplit

import httpx

from repave.jobs.commands import LocalCommands

USER, PASSWORD = "repave", "pass word"
HTPASSWD = "repave:$2y$05$mKX5hAQs1yjSo6cSxEtp7.DdeQfEea4Sk.RyxWadKxVuNtI19Cgui\n"
"""Made by ``htpasswd -Bbn``: bcrypt is the only kind that this registry takes."""

SERVICE, ISSUER = "tests", "repave tests"
COMMANDS = LocalCommands()


@dataclass
class TokenServer(ThreadingHTTPServer):
    """Signs what the registry trusts, for who knows the password; anybody may pull from ``public``."""

    folder: Path
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Tokens)
        COMMANDS.run(
            (
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=tokens", "-days", "2"),
                *("-keyout", str(self.folder / "key.pem"), "-out", str(self.folder / "certificate.pem")),
            )
        )

    __hash__ = object.__hash__

    def token(self, user: str, access: list[dict[str, object]]) -> str:
        """A JSON web token, signed by the key whose certificate it carries."""
        pem = (self.folder / "certificate.pem").read_text(encoding="utf-8")
        certificate = "".join(line for line in pem.splitlines() if not line.startswith("-"))
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": user, "aud": SERVICE, "exp": now + 300, "nbf": now - 60, "iat": now}
        parts = ({"typ": "JWT", "alg": "RS256", "x5c": [certificate]}, {**claims, "jti": "1", "access": access})
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
        key = str(self.folder / "key.pem")
        made = COMMANDS.run(("openssl", "dgst", "-sha256", "-sign", key), stdin=signed.encode())
        return f"{signed}.{_encoded(made.stdout)}"


class Tokens(BaseHTTPRequestHandler):
    """Gives tokens."""

    server: TokenServer

    def do_GET(self) -> None:
        """Give what the asker may have."""
        query = parse_qs(urlsplit(self.path).query)
        login = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        given = self.headers.get("Authorization", "")
        self.server.asked.append(given and "login")
        if given not in {"", login}:
            self.send_error(401)
            return
        access: list[dict[str, object]] = []
        for scope in " ".join(query.get("scope", [])).split():
            kind, name, actions = scope.split(":")
            allowed = actions.split(",") if given else [a for a in actions.split(",") if a == "pull"]
            if given or name.startswith("public"):
                access.append({"type": kind, "name": name, "actions": allowed})
        body = json.dumps({"token": self.server.token(USER if given else "", access)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own name
        """Say nothing."""


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    """The server answers in the block."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def open_registry(folder: Path) -> Iterator[str]:
    """A registry that asks nobody who they are; yields ``127.0.0.1:PORT``."""
    with _running(folder, {}) as host:
        yield host


@contextmanager
def password_registry(folder: Path) -> Iterator[str]:
    """A registry behind basic authentication."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "htpasswd").write_text(HTPASSWD, encoding="utf-8")
    with _running(folder, {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}}) as host:
        yield host


@contextmanager
def token_registry(folder: Path) -> Iterator[tuple[str, TokenServer]]:
    """A registry that believes tokens only, and the server that gives them."""
    folder.mkdir(parents=True, exist_ok=True)
    server = TokenServer(folder=folder)
    believed = {
        "realm": f"http://127.0.0.1:{server.server_port}/token",
        "service": SERVICE,
        "issuer": ISSUER,
        "rootcertbundle": str(folder / "certificate.pem"),
    }
    with serving(server), _running(folder, {"token": believed}) as host:
        yield host, server


@contextmanager
def _running(folder: Path, auth: dict[str, dict[str, str]]) -> Iterator[str]:
    with create_server(("127.0.0.1", 0)) as chosen:
        host = f"127.0.0.1:{chosen.getsockname()[1]}"
    configuration = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        "http": {"addr": host, "secret": hashlib.sha256(host.encode()).hexdigest()},
        **({"auth": auth} if auth else {}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yml").write_text(json.dumps(configuration), encoding="utf-8")
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(("docker-registry", "serve", str(folder / "config.yml")), stdout=log, stderr=log) as process,
    ):
        try:
            _await(host)
            yield host
        finally:
            process.terminate()
            process.wait()


def _await(host: str) -> None:
    for _ in range(200):
        try:
            httpx.get(f"http://{host}/v2/", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"no registry answers at {host}")


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
