"""Services of advisories are asked through the mirrors and with the logins that the file names under ``origins``."""

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from osv_records import document, ranged
from protected import serving

from repave.model.finding import SourceStatus
from repave.model.lock import Ecosystem, Layer, Lock, LockedImage, LockedPackage
from repave.model.names import Digest, ImageName
from repave.model.recipe import Base, ImageKind
from repave.ports.progress import Silent
from repave.wiring import Wiring

PASSWORD = "open sesame"  # noqa: S105 - a test's own
LOGIN = f"Basic {base64.b64encode(f'repave:{PASSWORD}'.encode()).decode()}"
PUBLISHED = datetime(2026, 11, 24, 6, tzinfo=UTC)
WEB = ImageName("web")

SOURCES = {
    "osv api": ("osv: {api: 'https://api.osv.dev'}", "https://api.osv.dev"),
    "osv zip": ("osv: {url: 'https://osv.example/PyPI/all.zip'}", "https://osv.example"),
    "tracker": ("debian_tracker: {url: 'https://tracker.example/data/json'}", "https://tracker.example/data"),
}
"""What the file names, and of what a mirror stands in for it."""

RECORD = document(ranged({"introduced": "0"}, {"fixed": "2.2.5"}), id="PYSEC-2026-1", name="flask")
OPEN = {"releases": {"bookworm": {"status": "open", "repositories": {}, "urgency": "not yet assigned"}}}
LOCK = Lock(
    images=(
        LockedImage(
            name=WEB,
            kind=ImageKind.CONTAINER,
            base=Base(distribution="debian", release="bookworm", suites=("bookworm",)),
            recipe=Digest(f"sha256:{'0' * 64}"),
        ),
    ),
    packages=tuple(
        LockedPackage(
            ecosystem=ecosystem,
            name=name,
            version=version,
            sha256=str(number) * 64,
            size_bytes=1,
            origin=f"https://example.org/{name}",
            filename=name,
            layer=layer,
            images=(WEB,),
            source=source,
            source_version=version if source else "",
        )
        for number, (ecosystem, name, version, layer, source) in enumerate(
            (
                (Ecosystem.DEB, "libssl3", "3.0.20-1~deb12u2", Layer.PLATFORM, "openssl"),
                (Ecosystem.PYPI, "flask", "2.2.0", Layer.PYTHON, ""),
            )
        )
    ),
)


def zipped() -> bytes:
    """One record."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("PYSEC-2026-1.json", json.dumps(RECORD))
    return target.getvalue()


CONTENT = {
    "/mirror/v1/querybatch": json.dumps(
        {"results": [{}, {"vulns": [{"id": RECORD["id"], "modified": RECORD["modified"]}]}]}
    ).encode(),
    f"/mirror/v1/vulns/{RECORD['id']}": json.dumps(RECORD).encode(),
    "/mirror/PyPI/all.zip": zipped(),
    "/mirror/json": json.dumps({"openssl": {"CVE-2026-1001": OPEN}}).encode(),
}


class Mirror(BaseHTTPRequestHandler):
    """Has all of it, for who knows the password."""

    def do_GET(self) -> None:
        """A document."""
        known = self.headers.get("Authorization") == LOGIN
        content = CONTENT.get(self.path) if known else b""
        self.send_response(401 if not known else 200 if content else 404)
        self.send_header("Last-Modified", format_datetime(PUBLISHED, usegmt=True))
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def do_POST(self) -> None:
        """A batch of questions, whatever they are."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own name
        """Say nothing."""


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """One that answers, and its password in the environment."""
    monkeypatch.setattr("repave.registries.patience.FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setenv("MIRROR_PASSWORD", PASSWORD)
    with serving(Mirror) as port:
        yield f"http://127.0.0.1:{port}"


def examined(folder: Path, source: str, origins: str) -> tuple[list[str], SourceStatus]:
    """The packages with flaws, by a source that the file names."""
    text = (
        "project: shop\n"
        "images:\n"
        "  web: {kind: container, base: {distribution: debian, release: bookworm}, run: python3 app.py}\n"
        "fleets: {web: {image: web, port: 8080}}\n"
        "environments: {test: {provider: local, fleets: {web: {size: 1}}}}\n"
        f"advisories: {{sources: [{{{source}}}], max_age: 520w}}\n"
        f"origins:\n{origins}"
    )
    (folder / "repave.yaml").write_text(text, encoding="utf-8")
    wiring = Wiring(folder / "repave.yaml")
    (declared,) = wiring.project.advisories.sources
    findings, (status,) = wiring.advising.source(declared).examine(LOCK, progress=Silent())
    wiring.close()
    return [one.package for one in findings], status


def instead(address: str, *mirrors: str) -> str:
    """What is asked in its place."""
    return f"  {address}: {{mirrors: [{', '.join(mirrors)}]}}\n"


def known_at(mirror: str) -> str:
    """Who we are there."""
    return f"  {mirror}: {{credentials: {{username: repave, password: {{secret: 'env:MIRROR_PASSWORD'}}}}}}\n"


@pytest.mark.real
@pytest.mark.parametrize("name", SOURCES)
def test_a_service_is_asked_through_its_mirror_with_a_login(mirror: str, tmp_path: Path, name: str) -> None:
    """The next mirror when one cannot be reached; the password is kept nowhere."""
    source, address = SOURCES[name]
    origins = instead(address, "http://127.0.0.1:9", f"{mirror}/mirror") + known_at(mirror)
    found, status = examined(tmp_path, source, origins)
    assert (found, status.problem) == (["libssl3" if name == "tracker" else "flask"], "")
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert kept
    for path in kept:
        assert PASSWORD.encode() not in path.read_bytes(), path


@pytest.mark.real
@pytest.mark.parametrize("name", SOURCES)
def test_a_service_that_does_not_know_us_makes_the_answer_unknown(mirror: str, tmp_path: Path, name: str) -> None:
    """With where it was asked; never clean."""
    source, address = SOURCES[name]
    found, status = examined(tmp_path, source, instead(address, f"{mirror}/mirror"))
    assert found == []
    assert status.problem.startswith("unknown")
    assert f"{mirror}/mirror" in status.problem
    assert "the server answered 401" in status.problem


@pytest.mark.real
def test_a_password_that_is_not_there_is_named_by_its_reference(
    mirror: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the file writes it."""
    monkeypatch.delenv("MIRROR_PASSWORD")
    source, address = SOURCES["tracker"]
    found, status = examined(tmp_path, source, instead(address, f"{mirror}/mirror") + known_at(mirror))
    assert (found, status.problem.startswith("unknown")) == ([], True)
    assert "env:MIRROR_PASSWORD" in status.problem


@pytest.mark.real
def test_a_zip_that_is_broken_is_brought_again(mirror: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the server would be asked for newer ones only."""
    source, address = SOURCES["osv zip"]
    origins = instead(address, f"{mirror}/mirror") + known_at(mirror)
    whole = CONTENT["/mirror/PyPI/all.zip"]
    monkeypatch.setitem(CONTENT, "/mirror/PyPI/all.zip", whole[: len(whole) // 2])
    found, status = examined(tmp_path, source, origins)
    assert (found, status.problem.startswith("unknown")) == ([], True)
    monkeypatch.setitem(CONTENT, "/mirror/PyPI/all.zip", whole)
    found, status = examined(tmp_path, source, origins)
    assert (found, status.problem) == (["flask"], "")
