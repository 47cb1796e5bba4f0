"""A server of OSV's API, asked about locks: what it names is judged again by our own matcher."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from osv_asking import DAY_SECONDS, FLASK, LOCK, PROJECT, Asking
from osv_records import BOOKWORM, WEB, deb, document, lock_of, ranged, wheel

from repave.advisories.osv import api
from repave.advisories.osv.api import OsvApi
from repave.advisories.osv.server import KEPT_FILE, OsvServer
from repave.model.lock import Ecosystem, Lock
from repave.ports.progress import Silent
from repave.registries.web import WebClient
from repave.wiring import Wiring


def test_what_the_server_names_and_our_matcher_finds_is_found(asking: Asking) -> None:
    """By name and version, a Debian package by its source; as of when it answered."""
    openssl = document(
        ranged({"introduced": "0"}, {"fixed": "3.0.22-1"}), name="openssl", ecosystem="Debian:12", id="DSA-6000-1"
    )
    asking.server.serve(openssl, "3.0.20-1", ecosystem="Debian:12", name="openssl")
    lock = lock_of(wheel("flask", "2.2.0"), wheel("other", "1"), deb("libssl3", "openssl", "3.0.20-1"))
    findings, status = asking.ask(lock)
    assert [(one.package, one.advisory, one.fixed_version) for one in findings] == [
        ("flask", "PYSEC-2023-62", "2.2.5"),
        ("libssl3", "DSA-6000-1", "3.0.22-1"),
    ]
    assert (status.problem, status.remarks) == ("", ())
    assert status.covers == (Ecosystem.DEB, Ecosystem.PYPI)
    assert status.as_of is not None
    assert abs(asking.clock.now() - status.as_of) < timedelta(minutes=1)


def test_every_page_is_asked_for(asking: Asking) -> None:
    """Only the queries whose answer goes on are asked again, each with its own token."""
    asking.server.page = 2
    for number in range(5):
        asking.server.serve({**FLASK, "id": f"PYSEC-{number}", "aliases": []}, "2.2.0")
    lock = lock_of(wheel("flask", "2.2.0"), wheel("other", "1"))
    assert len(asking.names(lock)) == 6
    assert [[query.get("page_token") for query in queries] for queries in asking.server.batches()] == [
        [None, None],
        ["2"],
        ["4"],
    ]


def test_no_batch_is_larger_than_the_server_takes(asking: Asking) -> None:
    """A thousand queries."""
    lock = lock_of(*(wheel(f"package-{number}", "1") for number in range(1001)), wheel("flask", "2.2.0"))
    assert asking.names(lock) == ["PYSEC-2023-62"]
    assert [len(queries) for queries in asking.server.batches()] == [1000, 2]


def test_pages_without_end_are_ended(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that always names another page."""
    monkeypatch.setattr(api, "MOST_PAGES", 3)
    asking.server.page = 0
    findings, status = asking.ask()
    assert not findings
    assert "answers with more than 3 pages" in status.problem


def test_a_record_that_is_here_and_unchanged_is_not_asked_for(asking: Asking) -> None:
    """It is asked for again when the server names a later change."""
    assert asking.names() == asking.names() == ["PYSEC-2023-62"]
    assert asking.server.fetched() == ["PYSEC-2023-62"]
    asking.server.records["PYSEC-2023-62"] = {**FLASK, "modified": "2026-11-21T00:00:00Z", "affected": []}
    assert asking.names() == []
    assert asking.server.fetched() == ["PYSEC-2023-62"] * 2


WITHDRAWN = {**FLASK, "withdrawn": "2026-11-01T00:00:00Z"}
ELSEWHERE = document(ranged({"introduced": "0"}), id="PYSEC-2023-62", name="django")
REPAIRED = document(ranged({"introduced": "0"}, {"fixed": "2.1"}), id="PYSEC-2023-62")


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (WITHDRAWN, "it was withdrawn on 2026-11-01"),
        (ELSEWHERE, "the record is about other packages"),
        (REPAIRED, "by the record itself this version is not affected"),
    ],
)
def test_the_servers_word_alone_is_no_finding(asking: Asking, record: dict[str, Any], why: str) -> None:
    """What its own record does not bear out is passed over, and said with the reason."""
    asking.server.records["PYSEC-2023-62"] = record
    findings, status = asking.ask()
    assert not findings
    assert status.remarks == (f"it names PYSEC-2023-62 for flask 2.2.0, which is no finding: {why}",)
    assert status.problem == ""


def test_what_cannot_be_judged_is_unknown(asking: Asking) -> None:
    """Although the server names it: neither a finding nor clean."""
    asking.server.records["PYSEC-2023-62"] = document(id="PYSEC-2023-62")
    findings, status = asking.ask()
    assert not findings
    assert "PYSEC-2023-62 about flask 2.2.0: it names no versions" in status.problem


def test_commits_are_asked_about_as_commits(asking: Asking) -> None:
    """Without a package, which the server does not know them by."""
    commit, repo = "a" * 40, "https://example.org/tool.git"
    record = document(id="OSV-1", affected=[{"ranges": [ranged({"introduced": commit}, kind="GIT", repo=repo)]}])
    asking.server.serve(record, commit, ecosystem="GIT", name="")
    assert asking.names(lock_of(wheel(repo, commit, Ecosystem.GIT))) == ["OSV-1"]
    assert asking.server.batches() == [[{"commit": commit}]]


def test_releases_that_osv_does_not_know_are_not_asked_about(asking: Asking) -> None:
    """The server would refuse the whole batch; they are not judged."""
    sid = Lock(
        images=tuple(
            type(image)(**{**image.__dict__, "base": type(BOOKWORM)(distribution="debian", release="sid")})
            for image in lock_of().images
        ),
        packages=(deb("libssl3", "openssl", "3.0.20-1"), wheel("flask", "2.2.0")),
    )
    findings, status = asking.ask(sid)
    assert [one.package for one in findings] == ["flask"]
    assert (status.covers, status.problem) == ((Ecosystem.PYPI,), "")
    assert [[query["package"]["name"] for query in queries] for queries in asking.server.batches()] == [["flask"]]
    assert findings[0].images == (WEB,)


def test_the_proxy_of_the_environment_is_used(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """For addresses that only it can reach."""
    monkeypatch.setenv("http_proxy", asking.server.address)
    web = WebClient()
    findings, _ = OsvServer(
        OsvApi("http://osv.invalid", web=web),
        name="OSV",
        folder=asking.folder,
        clock=asking.clock,
        max_age_seconds=DAY_SECONDS,
    ).examine(LOCK, progress=Silent())
    web.close()
    assert [one.advisory for one in findings] == ["PYSEC-2023-62"]


def test_what_nobody_asks_about_any_more_is_forgotten(asking: Asking) -> None:
    """After some months, with its records."""
    asking.ask()
    asking.server.date = "no date"
    asking.clock.sleep(100 * DAY_SECONDS)
    asking.ask(lock_of(wheel("other", "1")))
    assert b"PYSEC-2023-62" not in (asking.folder / KEPT_FILE).read_bytes()


def test_the_files_server_is_asked(asking: Asking, tmp_path: Path) -> None:
    """What it said is kept in the project's own folder."""
    text = f"{PROJECT}advisories: {{sources: [{{osv: {{api: '{asking.server.address}/'}}}}]}}\n"
    (tmp_path / "repave.yaml").write_text(text, encoding="utf-8")
    wiring = Wiring(tmp_path / "repave.yaml")
    (declared,) = wiring.project.advisories.sources
    findings, (status,) = wiring.advising.source(declared).examine(LOCK, progress=Silent())
    wiring.close()
    assert [one.advisory for one in findings] == ["PYSEC-2023-62"]
    assert status.name == f"OSV server {asking.server.address}"
    assert list((tmp_path / ".repave" / "cache" / "advisories").glob(f"*/{KEPT_FILE}"))
