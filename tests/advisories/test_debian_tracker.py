"""The Debian security tracker's JSON, from a copy or its address, asked about locks."""

import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from osv_records import BOOKWORM, deb, lock_of, wheel

from repave.advisories.debian_tracker import files
from repave.advisories.debian_tracker.files import TrackerAddress, TrackerFile
from repave.advisories.osv.files import RecordSource
from repave.advisories.osv.indexed import IndexedAdvisories
from repave.model.finding import Finding, Severity, SourceStatus
from repave.model.lock import Ecosystem, Lock
from repave.model.recipe import Base
from repave.ports.progress import Silent
from repave.registries.web import WebClient
from repave.wiring import Wiring

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
PUBLISHED = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
WEEK_SECONDS = 7 * 86400.0


def flaw(release: str = "bookworm", **known: object) -> dict[str, Any]:
    """One flaw as the tracker has it, in one release."""
    known = {"repositories": {release: "3.0.20-1"}, "urgency": "not yet assigned", **known}
    return {"description": "A flaw", "scope": "remote", "debianbug": 1000000, "releases": {release: known}}


OPEN = flaw(status="open", urgency="low", nodsa="Minor issue", nodsa_reason="postponed")
RESOLVED = flaw(status="resolved", fixed_version="3.0.22-1", urgency="high**")
TRACKER = {"openssl": {"CVE-2026-1001": OPEN, "CVE-2026-1002": RESOLVED}, "zlib": {"TEMP-0000000-ABCDEF": OPEN}}
LOCK = lock_of(deb("libssl3", "openssl", "3.0.20-1"))


class Hours:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        """This hour."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """So much later."""
        self.time += timedelta(seconds=seconds)


def write(folder: Path, content: object, at: datetime = PUBLISHED) -> TrackerFile:
    """A copy of that day."""
    path = folder / "tracker.json"
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (at.timestamp(), at.timestamp()))
    return TrackerFile(path, name="tracker")


def asked(
    source: RecordSource, folder: Path, lock: Lock = LOCK, clock: Hours | None = None
) -> tuple[tuple[Finding, ...], SourceStatus]:
    """As a scan asks."""
    index, clock = folder / "index", clock or Hours()
    advisories = IndexedAdvisories(source, folder=index, clock=clock, max_age_seconds=WEEK_SECONDS)
    findings, (status,) = advisories.examine(lock, progress=Silent())
    return findings, status


def test_open_and_resolved_flaws_are_findings(tmp_path: Path) -> None:
    """By the source package; what is open has no repair, and why Debian has no advisory is told."""
    findings, status = asked(write(tmp_path, TRACKER), tmp_path)
    unfixed, fixed = findings
    assert (unfixed.package, unfixed.source, unfixed.version) == ("libssl3", "openssl", "3.0.20-1+b1")
    assert (unfixed.cves, unfixed.fixed_version, unfixed.fixed_in) == (("CVE-2026-1001",), "", "")
    assert unfixed.summary == "A flaw; no advisory by Debian: Minor issue (postponed)"
    assert (fixed.cves, fixed.fixed_version) == (("CVE-2026-1002",), "3.0.22-1")
    assert [one.rating and one.rating.severity for one in findings] == [Severity.LOW, Severity.HIGH]
    assert status == SourceStatus(name="tracker", as_of=PUBLISHED, covers=(Ecosystem.DEB,))


@pytest.mark.parametrize(
    "known",
    [
        flaw(status="resolved", fixed_version="0"),
        flaw(status="resolved", fixed_version="3.0.20-1"),
        flaw(release="trixie", status="open"),
    ],
)
def test_what_is_not_affected_is_no_finding(known: dict[str, Any], tmp_path: Path) -> None:
    """In this release never, repaired before, or another release's; the package is covered all the same."""
    source = write(tmp_path, {"openssl": {"CVE-2026-1003": known}, "zlib": {"CVE-2026-1004": OPEN}})
    findings, status = asked(source, tmp_path)
    assert (findings, status.problem, status.covers) == ((), "", (Ecosystem.DEB,))


@pytest.mark.parametrize(
    ("urgency", "severity"),
    [("unimportant", Severity.NONE), ("medium", Severity.MEDIUM), ("not yet assigned", None), ("end-of-life", None)],
)
def test_an_urgency_is_a_rating(urgency: str, severity: Severity | None, tmp_path: Path) -> None:
    """Where Debian has assigned one."""
    source = write(tmp_path, {"openssl": {"CVE-2026-1001": flaw(status="open", urgency=urgency)}})
    (finding,), status = asked(source, tmp_path)
    assert (finding.rating.severity if finding.rating else None) == severity
    assert status.problem == ""


@pytest.mark.parametrize("known", [flaw(status="undetermined"), flaw(status="resolved")])
def test_what_debian_has_not_determined_is_unknown(known: dict[str, Any], tmp_path: Path) -> None:
    """Neither a finding nor clean."""
    findings, status = asked(write(tmp_path, {"openssl": {"CVE-2026-1001": known}}), tmp_path)
    assert not findings
    assert status.problem == (
        "1 of its answers cannot be told: CVE-2026-1001 about libssl3 3.0.20-1+b1: "
        "the distribution has not determined whether it is affected"
    )


def test_sid_has_no_number_and_is_judged(tmp_path: Path) -> None:
    """By the name that the tracker itself gives it."""
    source = write(tmp_path, {"openssl": {"CVE-2026-1001": flaw(release="sid", status="open")}})
    sid = lock_of(deb("libssl3", "openssl", "3.0.20-1"), base=Base(distribution="debian", release="sid"))
    findings, status = asked(source, tmp_path, sid)
    assert [one.advisory for one in findings] == ["CVE-2026-1001"]
    assert status.covers == (Ecosystem.DEB,)


def test_other_packages_and_distributions_are_not_judged(tmp_path: Path) -> None:
    """Wheels, and Ubuntu's packages of the same names."""
    source = write(tmp_path, TRACKER)
    ubuntu = lock_of(deb("libssl3", "openssl", "3.0.20-1"), base=Base(distribution="ubuntu", release="jammy"))
    assert asked(source, tmp_path, ubuntu)[1].covers == ()
    assert asked(source, tmp_path, lock_of(wheel("flask", "1"), base=BOOKWORM))[1].covers == ()


def test_an_old_copy_is_unknown_since_its_own_time(tmp_path: Path) -> None:
    """It says nothing of its date itself."""
    findings, status = asked(write(tmp_path, TRACKER, at=datetime(2026, 11, 1, tzinfo=UTC)), tmp_path)
    assert len(findings) == 2
    assert status.problem == "unknown since 2026-11-01 00:00 UTC: nothing in it is newer, and `max_age` is 7 days"


WRONG = [
    ("", "is no JSON of Debian's security tracker"),
    (json.dumps(TRACKER)[:-40], "is no JSON of Debian's security tracker"),
    ("<html>", "is no JSON of Debian's security tracker"),
    ("{}", "names no package"),
    ("[]", "names no package"),
]


@pytest.mark.parametrize(("content", "told"), WRONG)
def test_a_broken_copy_is_unknown(content: str, told: str, tmp_path: Path) -> None:
    """What was read before still speaks."""
    findings, status = asked(write(tmp_path, content), tmp_path)
    assert (findings, status.covers) == ((), ())
    assert status.problem.startswith("unknown: ")
    assert told in status.problem
    asked(write(tmp_path, TRACKER), tmp_path)
    findings, status = asked(write(tmp_path, content), tmp_path)
    assert len(findings) == 2
    assert status.problem.startswith("unknown since 2026-11-24 06:00 UTC: ")


@pytest.mark.parametrize("known", [{"releases": {"bookworm": {"status": "?"}}}, {"releases": []}, [], "open", None])
def test_an_entry_that_cannot_be_read_is_named(known: object, tmp_path: Path) -> None:
    """It could be about anything; the others speak."""
    source = write(tmp_path, {"openssl": {"CVE-2026-1001": OPEN, "CVE-2026-1009": known}, "odd": [], "": {"": OPEN}})
    findings, status = asked(source, tmp_path)
    assert len(findings) == 1
    assert "3 of its files cannot be read: openssl CVE-2026-1009: " in status.problem
    assert "odd: no mapping of flaws" in status.problem


def test_a_copy_of_any_size_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a limit."""
    monkeypatch.setattr(files, "LARGEST_BYTES", 10)
    assert "the tracker's JSON has far fewer" in asked(write(tmp_path, TRACKER), tmp_path)[1].problem


class Tracker(ThreadingHTTPServer):
    """The tracker's address on loopback."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.content = json.dumps(TRACKER).encode()
        self.modified: datetime | None = PUBLISHED
        self.status = 200
        self.cut = 0
        """Bytes of the content that are not sent, and that no length tells of."""

        self.answered: list[int] = []

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}/tracker/data/json"


class _Answers(BaseHTTPRequestHandler):
    server: Tracker

    def do_GET(self) -> None:
        """The document, unless it is not newer."""
        modified = format_datetime(self.server.modified, usegmt=True) if self.server.modified else ""
        status = self.server.status
        if status == 200 and modified and self.headers.get("If-Modified-Since") == modified:
            status = 304
        self.server.answered.append(status)
        self.send_response(status)
        if modified:
            self.send_header("Last-Modified", modified)
        self.end_headers()
        if status == 200:
            self.wfile.write(self.server.content[: len(self.server.content) - self.server.cut])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own name
        """Say nothing."""


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracker]:
    """One that runs."""
    monkeypatch.setattr("repave.registries.patience.FIRST_WAIT_SECONDS", 0.001)
    server = Tracker()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def web() -> Iterator[WebClient]:
    """Our side of the network."""
    client = WebClient()
    yield client
    client.close()


def test_the_address_is_asked_again_after_a_while(tracker: Tracker, web: WebClient, tmp_path: Path) -> None:
    """Within the hour the copy speaks; then only what is newer is sent."""
    clock = Hours()
    source = TrackerAddress(tracker.address, web=web, folder=tmp_path / "copy", clock=clock)
    findings, status = asked(source, tmp_path, clock=clock)
    assert len(findings) == 2
    assert (status.as_of, status.problem) == (PUBLISHED, "")
    clock.sleep(1800)
    assert asked(source, tmp_path, clock=clock) == (findings, status)
    assert tracker.answered == [200]
    clock.sleep(1801)
    assert asked(source, tmp_path, clock=clock) == (findings, status)
    assert tracker.answered == [200, 304]
    clock.sleep(3600)
    tracker.content = json.dumps({"openssl": {"CVE-2026-1001": OPEN}}).encode()
    tracker.modified = PUBLISHED + timedelta(hours=6)
    findings, status = asked(source, tmp_path, clock=clock)
    assert len(findings) == 1
    assert status.as_of == PUBLISHED + timedelta(hours=6)


def test_an_address_that_fails_is_unknown_since_its_last_copy(tracker: Tracker, web: WebClient, tmp_path: Path) -> None:
    """Refused, or cut off where no length tells: what was read before still speaks, and it is asked again each time."""
    clock = Hours()
    source = TrackerAddress(tracker.address, web=web, folder=tmp_path / "copy", clock=clock)
    tracker.status = 503
    findings, status = asked(source, tmp_path, clock=clock)
    assert (findings, status.covers) == ((), ())
    assert status.problem.startswith("unknown: could not download Debian tracker ")
    tracker.status = 200
    assert asked(source, tmp_path, clock=clock)[1].problem == ""
    clock.sleep(3601)
    tracker.status = 404
    findings, status = asked(source, tmp_path, clock=clock)
    assert len(findings) == 2
    assert status.problem.startswith("unknown since 2026-11-24 06:00 UTC: could not download")
    tracker.status, tracker.cut, tracker.modified = 200, 40, PUBLISHED + timedelta(hours=6)
    findings, status = asked(source, tmp_path, clock=clock)
    assert len(findings) == 2
    assert status.problem.startswith("unknown since 2026-11-24 06:00 UTC: ")
    assert "is no JSON" in status.problem
    tracker.cut = 0
    findings, status = asked(source, tmp_path, clock=clock)
    assert (len(findings), status.problem) == (2, "")


def test_an_address_that_tells_no_date_is_of_the_moment_it_was_asked(
    tracker: Tracker, web: WebClient, tmp_path: Path
) -> None:
    """There is nothing else to go by."""
    tracker.modified = None
    source = TrackerAddress(tracker.address, web=web, folder=tmp_path / "copy", clock=Hours())
    assert asked(source, tmp_path)[1].as_of == NOW


def test_a_document_without_end_is_ended(
    tracker: Tracker, web: WebClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing of it is kept."""
    monkeypatch.setattr(files, "LARGEST_BYTES", 100)
    source = TrackerAddress(tracker.address, web=web, folder=tmp_path / "copy", clock=Hours())
    assert "the answer is longer than 100 bytes" in asked(source, tmp_path)[1].problem
    assert list((tmp_path / "copy").iterdir()) == []


def test_the_files_trackers_are_asked(tracker: Tracker, tmp_path: Path) -> None:
    """A copy by its path, and an address."""
    write(tmp_path, TRACKER)
    sources = f"[{{debian_tracker: {{file: tracker.json}}}}, {{debian_tracker: {{url: '{tracker.address}'}}}}]"
    text = (
        "project: shop\n"
        "images:\n"
        "  web: {kind: container, base: {distribution: debian, release: bookworm}, run: python3 app.py}\n"
        "fleets: {web: {image: web, port: 8080}}\n"
        "environments: {test: {provider: local, fleets: {web: {size: 1}}}}\n"
        f"advisories: {{sources: {sources}, max_age: 520w}}\n"
    )
    (tmp_path / "repave.yaml").write_text(text, encoding="utf-8")
    wiring = Wiring(tmp_path / "repave.yaml")
    for declared in wiring.project.advisories.sources:
        findings, (status,) = wiring.advising.source(declared).examine(LOCK, progress=Silent())
        assert len(findings) == 2
        assert status.problem == ""
    wiring.close()
