"""Where a server may send us on to."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from protected import certificate, serving

from repave.ports.errors import Denied, Unreachable
from repave.ports.progress import Silent
from repave.ports.vault import Sought
from repave.registries.vault import FileVault


class Onward(BaseHTTPRequestHandler):
    """Sends on to what the path names, or answers."""

    def do_GET(self) -> None:
        """``/?ADDRESS`` is sent on to the address."""
        _, _, onward = self.path.partition("?")
        self.send_response(302 if onward else 200)
        if onward:
            self.send_header("Location", onward)
        self.send_header("Content-Length", "0" if onward else "7")
        self.end_headers()
        self.wfile.write(b"" if onward else b"content")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own name
        """Say nothing."""


@pytest.fixture
def plain() -> Iterator[str]:
    """A server whose answers anyone on the way can change."""
    with serving(Onward) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture
def protected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server with a certificate that we trust."""
    own = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(own.file))
    with serving(Onward, own) as port:
        yield f"https://127.0.0.1:{port}/"


def seek(folder: Path, url: str) -> int:
    """How many bytes are found there."""
    file = Sought(url=url, name="tool", largest_bytes=100)
    return FileVault(folder / "vault").seek([file], progress=Silent())[0].size_bytes


@pytest.mark.real
def test_a_redirect_may_go_up_and_stay_but_not_go_down(plain: str, protected: str, tmp_path: Path) -> None:
    """From https only to https: else anyone on the way could read and change what comes."""
    for way in (plain, protected, f"{plain}?{plain}", f"{plain}?{protected}", f"{protected}?{protected}"):
        assert seek(tmp_path, way) == len(b"content")
    with pytest.raises(Denied, match="a line that nothing protects"):
        seek(tmp_path, f"{protected}?{plain}")


@pytest.mark.real
def test_who_is_trusted_is_what_the_environment_names_now(
    protected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often was asked before: those whom everybody knows, those of a file, and what it holds by now."""
    other = tmp_path / "other"
    other.mkdir()
    known = str(tmp_path / "certificate.pem")
    monkeypatch.setattr("repave.registries.patience.FIRST_WAIT_SECONDS", 0.001)
    for named, trusted in ((None, False), (known, True), (None, False), (str(certificate(other).file), False)):
        if named is None:
            monkeypatch.delenv("SSL_CERT_FILE")
        else:
            monkeypatch.setenv("SSL_CERT_FILE", named)
        if trusted:
            assert seek(tmp_path, protected) == len(b"content")
        else:
            with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
                seek(tmp_path, protected)
    named_last = other / "certificate.pem"
    named_last.write_bytes(Path(known).read_bytes())
    assert seek(tmp_path, protected) == len(b"content")
