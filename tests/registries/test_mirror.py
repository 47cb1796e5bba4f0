"""A mirror over real sockets: files by their sha256, and nothing else."""

import json
import socket
import urllib.error
import urllib.request
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path

import pytest
from served_mirror import served

from repave.ports.errors import Invalid
from repave.registries.mirror import Mirror, mirroring

pytestmark = pytest.mark.real

CONTENT = b"locked" * 100_000
NAME = sha256(CONTENT).hexdigest()


def one_file(folder: Path) -> dict[str, Path]:
    """A file to be mirrored, beside another that is not."""
    (folder / "file").write_bytes(CONTENT)
    (folder / "secret").write_bytes(b"no")
    return {NAME: folder / "file"}


def read(url: str) -> bytes:
    """What is there."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - on this machine
        content: bytes = answer.read()
        return content


def test_files_are_had_by_their_sha256(tmp_path: Path) -> None:
    """And listed; who took one is told of."""
    told: list[tuple[str, str]] = []
    with served(one_file(tmp_path), told) as mirror:
        assert json.loads(read(f"{mirror.url}/")) == {"files": [{"sha256": NAME, "size": len(CONTENT)}]}
        assert read(f"{mirror.url}/{NAME}") == CONTENT
    assert told == [("127.0.0.1", NAME)]


@pytest.mark.parametrize("path", ["/secret", "/../secret", f"/{NAME}/../secret", "/%2e%2e/secret", "/" + "0" * 64])
def test_nothing_else_is_served(tmp_path: Path, path: str) -> None:
    """Whatever the path says: no file is looked for by it."""
    with served(one_file(tmp_path)) as mirror:
        host, port = mirror.url.removeprefix("http://").split(":")
        connection = HTTPConnection(host, int(port), timeout=10)
        connection.putrequest("GET", path, skip_host=True)
        connection.endheaders()
        assert connection.getresponse().status == 404
        connection.close()


def test_file_that_is_gone_is_told_of_as_any_that_is_not_here(tmp_path: Path) -> None:
    """What else there is is still listed and had."""
    files = one_file(tmp_path)
    with served({**files, "0" * 64: tmp_path / "gone"}) as mirror:
        assert json.loads(read(f"{mirror.url}/")) == {"files": [{"sha256": NAME, "size": len(CONTENT)}]}
        with pytest.raises(urllib.error.HTTPError, match="404"):
            read(f"{mirror.url}/{'0' * 64}")
        assert read(f"{mirror.url}/{NAME}") == CONTENT


def test_no_name_server_is_asked_for_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It could hold up the mirror for as long as it is silent."""

    def asked(*_: object) -> str:
        raise AssertionError("a name server is asked")

    monkeypatch.setattr(socket, "getfqdn", asked)
    monkeypatch.setattr(socket, "gethostbyaddr", asked)
    with served(one_file(tmp_path)) as mirror:
        assert read(f"{mirror.url}/{NAME}") == CONTENT


def test_who_hangs_up_is_not_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A person who looks at a mirror sees no fault of its own where there is none."""
    with served(one_file(tmp_path)) as mirror:
        for failure in (BrokenPipeError(), ConnectionResetError(), TimeoutError()):
            failed(mirror, failure)
        assert capsys.readouterr().err == ""
        failed(mirror, ValueError("ours"))
    assert "ours" in capsys.readouterr().err


def failed(mirror: Mirror, failure: Exception) -> None:
    """As an answer does that ends so."""
    try:
        raise failure
    except type(failure):
        mirror.handle_error(None, ("127.0.0.1", 1))


def test_who_hangs_up_holds_up_nobody(tmp_path: Path) -> None:
    """Neither a request that is never finished nor one that is not read to its end."""
    with served(one_file(tmp_path)) as mirror:
        host, port = mirror.url.removeprefix("http://").split(":")
        for words in (b"GET /", f"GET /{NAME} HTTP/1.0\r\n\r\n".encode()):
            with socket.create_connection((host, int(port))) as rude:
                rude.sendall(words)
        assert read(f"{mirror.url}/{NAME}") == CONTENT


def test_address_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    """With what to do; so is a port that is taken."""
    with (
        pytest.raises(Invalid, match=r"cannot listen at 192\.0\.2\.1, port 0") as refused,
        mirroring({}, address="192.0.2.1", port=0, told=lambda *_: None),
    ):
        pass
    assert refused.value.hint == "give an address of this machine"
    with served(one_file(tmp_path)) as mirror:
        port = int(mirror.url.rpartition(":")[2])
        with (
            pytest.raises(Invalid) as taken,
            mirroring({}, address="127.0.0.1", port=port, told=lambda *_: None),
        ):
            pass
    assert taken.value.hint == "another program listens there: give another --port"
