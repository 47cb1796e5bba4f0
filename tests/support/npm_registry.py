"""npm packages made for a test, a registry that has them, and applications that want them."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from repave.model.lock import Ecosystem, Layer, LockedPackage
from repave.model.names import ImageName

Files = Mapping[str, bytes | str | None]
"""Content by path, targets of links as text; nothing for a folder."""


def archive(files: Files, *, root: str = "package") -> bytes:
    """An npm package; a path that ends in ``*`` is of a program, one that ends in ``+`` stands twice, first empty."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for given, content in files.items():
            entry = tarfile.TarInfo(f"{root}/{given.rstrip('*+')}")
            entry.mode = 0o755 if given.endswith("*") else 0o644
            body = content if isinstance(content, bytes) else b""
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
            elif content is None:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            if given.endswith("+"):
                tar.addfile(entry)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return gzip.compress(target.getvalue(), mtime=0)


def manifest(name: str, more: Mapping[str, object] | None = None, *, version: str = "1.0.0") -> bytes:
    """A package.json."""
    return json.dumps({"name": name, "version": version, **(more or {})}).encode()


def integrity_of(content: bytes, algorithm: str = "sha512") -> str:
    """As npm writes it."""
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}"


@dataclass
class Registry:
    """What is published, by path, and what was asked for."""

    address: str = ""
    content: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def publish(self, name: str, version: str = "1.0.0", files: Files | None = None, **more: object) -> dict[str, Any]:
        """Publish a package, and answer what a package-lock says of it."""
        content = archive({"package.json": manifest(name, more, version=version), "index.js": b"", **(files or {})})
        path = f"/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"
        self.content[path] = content
        told = {"version": version, "resolved": f"{self.address}{path}", "integrity": integrity_of(content)}
        dist = {"tarball": told["resolved"], "integrity": told["integrity"]}
        versions = json.loads(self.content.get(f"/{name}", b'{"versions": {}}'))["versions"]
        versions[version] = {"name": name, "version": version, **more, "dist": dist}
        self.content[f"/{name}"] = json.dumps({"name": name, "versions": versions}).encode()
        return told


@contextmanager
def npm_registry() -> Iterator[Registry]:
    """A server on loopback."""
    registry = Registry()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(self.path)
            registry.asked.append(path)
            content = registry.content.get(path)
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    registry.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def write_application(folder: Path, packages: Mapping[str, Mapping[str, Any]], **tables: Mapping[str, str]) -> None:
    """``package.json`` with some tables of dependencies, and the package-lock that agrees with it."""
    folder.mkdir(parents=True, exist_ok=True)
    declared = {"name": "app", "version": "1.0.0", **tables}
    lock = {"name": "app", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": declared, **packages}}
    (folder / "package.json").write_text(json.dumps(declared), encoding="utf-8")
    (folder / "package-lock.json").write_text(json.dumps(lock), encoding="utf-8")


def nodejs(version: str = "18.20.4+dfsg-1~deb12u1") -> LockedPackage:
    """Debian's Node, locked for the image ``web``."""
    return LockedPackage(
        ecosystem=Ecosystem.DEB,
        name="nodejs",
        version=version,
        sha256="0" * 64,
        size_bytes=1,
        origin="https://example.org/nodejs.deb",
        filename="nodejs.deb",
        layer=Layer.PLATFORM,
        images=(ImageName("web"),),
    )
