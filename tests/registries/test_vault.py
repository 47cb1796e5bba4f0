"""The vault keeps what it is given, byte for byte, and nothing half."""

import errno
import hashlib
import os
import resource
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_memory import in_memory

from repave.ports.errors import Corrupt, Denied, Gone, Invalid, NoCapacity, Unreachable, WorldError
from repave.ports.progress import Silent
from repave.ports.vault import Fetch, Found, Sought
from repave.registries.vault import FileVault

CONTENT = {f"/{name}": name.encode() * 200_000 for name in ("a", "b", "c", "d")}


def digest(content: bytes) -> str:
    """The sha256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


class Origin(ThreadingHTTPServer):
    """A server whose troubles are ordered beforehand: by path, what its next answers are."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.troubles: dict[str, list[int]] = {}
        self.asked: list[str] = []

    def fetch(self, path: str, **changes: object) -> Fetch:
        """The request for a path's true content, or with something else expected."""
        content = CONTENT.get(path, b"gone")
        url = f"http://127.0.0.1:{self.server_port}{path}"
        wanted = {"url": url, "sha256": digest(content), "size_bytes": len(content), "name": path, **changes}
        return Fetch(**wanted)  # type: ignore[arg-type] # the changes are typed where they are written

    def seek(self, path: str, *hashes: tuple[str, str], largest_bytes: int = 10**6) -> Sought:
        """The request for whatever is at a path."""
        url = f"http://127.0.0.1:{self.server_port}{path}"
        return Sought(url=url, name=path, largest_bytes=largest_bytes, hashes=hashes)


class Answers(BaseHTTPRequestHandler):
    """Answers with the ordered trouble, or the content; 1: break off halfway, 2: do not say how long it is."""

    server: Origin

    def do_GET(self) -> None:
        """Answer."""
        self.server.asked.append(self.path)
        waiting = self.server.troubles.get(self.path, [])
        status = waiting.pop(0) if waiting else 200
        content = CONTENT.get(self.path)
        if content is None:
            status = 404
        if status not in {1, 2, 200}:
            self.send_error(status)
            return
        body = content or b""
        self.send_response(200)
        if status != 2:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if status == 1 else body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own name
        """Say nothing."""


@pytest.fixture
def origin() -> Iterator[Origin]:
    """A server on loopback."""
    server = Origin()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def vault(tmp_path: Path) -> FileVault:
    """An empty vault."""
    return FileVault(tmp_path / "vault")


def leftovers(vault: FileVault) -> list[Path]:
    """What lies in the vault and is not kept."""
    return [path for path in vault._incoming.rglob("*") if path.is_file()]


@given(content=st.binary(max_size=2000))
def test_what_was_added_is_there_byte_for_byte(content: bytes) -> None:
    """Under its sha256, once, and verifiable."""
    with tempfile.TemporaryDirectory() as disk, in_memory(Path(disk), wanted_bytes=1 << 20) as folder:
        vault, file = FileVault(folder / "vault"), folder / "file"
        file.write_bytes(content)
        assert vault.add(file) == digest(content) == vault.add(file, sha256=digest(content))
        assert vault.path(digest(content)).read_bytes() == content
        vault.verify(digest(content))
        assert list(vault.entries()) == [(digest(content), len(content))]
        vault.remove(digest(content))
        vault.remove(digest(content))
        assert not vault.has(digest(content))


def test_what_differs_from_its_hash_is_not_kept(vault: FileVault, tmp_path: Path) -> None:
    """Neither under the one nor the other."""
    (tmp_path / "file").write_bytes(b"content")
    with pytest.raises(Corrupt, match="nothing of it was kept"):
        vault.add(tmp_path / "file", sha256=digest(b"other"))
    assert (list(vault.entries()), leftovers(vault)) == ([], [])


def test_what_is_not_there_is_gone(vault: FileVault, tmp_path: Path) -> None:
    """For every way to ask."""
    for ask in (vault.path, vault.verify):
        with pytest.raises(Gone):
            ask(digest(b"x"))
    with pytest.raises(Gone):
        vault.add(tmp_path / "nothing")
    with pytest.raises(Invalid):
        vault.path("../../etc/passwd")
    assert not vault.has(digest(b"x"))


def test_a_file_that_was_changed_afterwards_is_found(vault: FileVault, tmp_path: Path) -> None:
    """Reading it again shows it."""
    (tmp_path / "file").write_bytes(b"content")
    place = vault.path(vault.add(tmp_path / "file"))
    place.chmod(0o600)
    place.write_bytes(b"contemt")
    with pytest.raises(Corrupt, match="was changed after it was kept"):
        vault.verify(digest(b"content"))


def test_a_local_origin_is_read(vault: FileVault, tmp_path: Path) -> None:
    """By path or file address, spaces escaped."""
    (tmp_path / "a file").write_bytes(b"content")
    wanted = Fetch(url=(tmp_path / "a file").as_uri(), sha256=digest(b"content"), size_bytes=7, name="a file")
    vault.fetch([wanted], progress=Silent())
    vault.remove(wanted.sha256)
    vault.fetch(
        [Fetch(url=str(tmp_path / "a file"), sha256=wanted.sha256, size_bytes=7, name="a file")], progress=Silent()
    )
    assert vault.has(wanted.sha256)


@pytest.mark.real
def test_files_are_fetched_once_and_together(vault: FileVault, origin: Origin) -> None:
    """A second request asks the origin nothing; the same file under two names is one."""
    wanted = [origin.fetch(path) for path in CONTENT]
    vault.fetch([*wanted, origin.fetch("/a", name="again")], progress=Silent())
    vault.fetch(wanted, progress=Silent())
    assert sorted(origin.asked) == sorted(CONTENT)
    assert {sha256 for sha256, _ in vault.entries()} == {digest(content) for content in CONTENT.values()}


@pytest.mark.real
def test_passing_troubles_are_sat_out(vault: FileVault, origin: Origin) -> None:
    """A busy server, a broken connection: tried again from the start, and the result is whole."""
    origin.troubles = {"/a": [503, 1], "/b": [429]}
    vault.fetch([origin.fetch("/a"), origin.fetch("/b")], progress=Silent())
    assert vault.path(digest(CONTENT["/a"])).read_bytes() == CONTENT["/a"]
    assert (origin.asked.count("/a"), origin.asked.count("/b")) == (3, 2)


@pytest.mark.real
@pytest.mark.parametrize(
    ("path", "changes", "troubles", "outcome"),
    [
        ("/a", {"sha256": "0" * 64}, [], (Corrupt, "/a .* has sha256")),
        ("/a", {"size_bytes": 5}, [], (Corrupt, "/a .* is longer than the 5 bytes")),
        ("/nothing", {}, [], (Gone, "/nothing .* answered 404")),
        ("/a", {}, [403], (Denied, "/a .* answered 403")),
        ("/a", {"url": "ftp://127.0.0.1/a"}, [], (Invalid, "no scheme")),
    ],
)
def test_what_cannot_be_had_is_named_and_leaves_nothing(
    vault: FileVault,
    origin: Origin,
    path: str,
    changes: dict[str, object],
    troubles: list[int],
    outcome: tuple[type[WorldError], str],
) -> None:
    """At once, without further tries."""
    origin.troubles = {path: troubles}
    error, said = outcome
    with pytest.raises(error, match=said):
        vault.fetch([origin.fetch(path, **changes)], progress=Silent())
    assert origin.asked.count(path) <= 1
    assert (list(vault.entries()), leftovers(vault)) == ([], [])


@pytest.mark.real
def test_what_is_sought_is_kept_under_what_it_is(vault: FileVault, origin: Origin) -> None:
    """Each in its place, whichever came first; a known hash of another kind holds; broken lines are sat out."""
    origin.troubles = {"/a": [503, 1]}
    known = ("sha512", hashlib.sha512(CONTENT["/b"]).hexdigest())
    found = vault.seek([origin.seek("/a"), origin.seek("/b", known), origin.seek("/c")], progress=Silent())
    assert found == tuple(Found(sha256=digest(CONTENT[path]), size_bytes=200_000) for path in ("/a", "/b", "/c"))
    for one in found:
        vault.verify(one.sha256)


@pytest.mark.real
@pytest.mark.parametrize(
    ("hashes", "largest_bytes", "trouble", "outcome"),
    [
        ((("sha512", "0" * 128),), 10**6, 200, (Corrupt, "/a .* has sha512 .*, not 000")),
        ((("sha256", digest(CONTENT["/a"])), ("sha1", "0" * 40)), 10**6, 200, (Corrupt, "/a .* has sha1")),
        ((), 199_999, 200, (Corrupt, "/a .* is longer than the 199999 bytes it may have")),
        ((("sha256", digest(CONTENT["/a"])),), 199_999, 2, (Corrupt, "/a .* is longer than the 199999 bytes")),
        ((), 10**6, 2, (Invalid, "/a cannot be pinned: its server does not say how long it is")),
        ((), 10**6, 404, (Gone, "/a .* answered 404")),
    ],
)
def test_what_is_sought_and_cannot_be_trusted_is_not_kept(
    vault: FileVault,
    origin: Origin,
    hashes: tuple[tuple[str, str], ...],
    largest_bytes: int,
    trouble: int,
    outcome: tuple[type[WorldError], str],
) -> None:
    """Another hash, too long, or so that a cut would not be noticed: named, and nothing is left."""
    origin.troubles = {"/a": [trouble]}
    error, said = outcome
    with pytest.raises(error, match=said):
        vault.seek([origin.seek("/a", *hashes, largest_bytes=largest_bytes)], progress=Silent())
    assert (list(vault.entries()), leftovers(vault)) == ([], [])


@pytest.mark.real
def test_a_known_hash_makes_a_length_needless(vault: FileVault, origin: Origin) -> None:
    """Whoever cuts such a file is found out."""
    origin.troubles = {"/a": [2]}
    found = vault.seek([origin.seek("/a", ("sha256", digest(CONTENT["/a"])))], progress=Silent())
    assert found[0].sha256 == digest(CONTENT["/a"])


@pytest.mark.real
def test_one_wrong_file_stops_the_others(vault: FileVault, origin: Origin) -> None:
    """The error is of the wrong one; what was whole before may stay, and nothing is half."""
    wanted = [origin.fetch(path) for path in CONTENT]
    with pytest.raises(Corrupt, match="/b"):
        vault.fetch([*wanted[2:], origin.fetch("/b", sha256="0" * 64)], progress=Silent())
    for sha256, _ in vault.entries():
        vault.verify(sha256)
    assert leftovers(vault) == []


def test_a_server_that_is_not_there_is_unreachable(vault: FileVault, monkeypatch: pytest.MonkeyPatch) -> None:
    """After all tries, with the address in the message."""
    monkeypatch.setattr("repave.registries.patience.FIRST_WAIT_SECONDS", 0.001)
    wanted = Fetch(url="http://127.0.0.1:9/a", sha256=digest(b"a"), size_bytes=1, name="a")
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9"):
        vault.fetch([wanted], progress=Silent())


def test_a_full_disk_is_said_and_leaves_nothing_half(vault: FileVault, tmp_path: Path) -> None:
    """A limit on file sizes stands for the full disk here; the error is made of the same kind."""
    (tmp_path / "large").write_bytes(bytes(300_000))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(NoCapacity, match=os.strerror(errno.EFBIG)) as refused:
            vault.add(tmp_path / "large")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "make room" in refused.value.hint
    assert (list(vault.entries()), leftovers(vault)) == ([], [])


def test_what_a_killed_writer_left_is_swept_out(vault: FileVault, tmp_path: Path) -> None:
    """By the next writer that is alone."""
    (tmp_path / "file").write_bytes(b"content")
    vault.add(tmp_path / "file")
    (vault._incoming / "tmpdead").write_bytes(b"half")
    (tmp_path / "file").write_bytes(b"other content")
    vault.add(tmp_path / "file")
    assert leftovers(vault) == []
