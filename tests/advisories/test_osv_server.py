"""A server of OSV's API, asked about locks: what it names is judged again, and no failure of it is ever clean."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from osv_api import BATCH, CUT, FEWER, HALF, OsvApiServer, Trouble, osv_api
from osv_records import BOOKWORM, WEB, deb, document, lock_of, ranged, wheel

from repave.advisories.osv import api
from repave.advisories.osv.api import OsvApi
from repave.advisories.osv.server import KEPT_FILE, OsvServer
from repave.model.finding import Finding, SourceStatus
from repave.model.lock import Ecosystem, Lock
from repave.ports.progress import Silent
from repave.registries.web import WebClient
from repave.wiring import Wiring

DAY_SECONDS = 86400.0
FLASK = document(ranged({"introduced": "0"}, {"fixed": "2.2.5"}), id="PYSEC-2023-62", aliases=["CVE-2023-30861"])
LOCK = lock_of(wheel("flask", "2.2.0"))
RECORD = "/v1/vulns/PYSEC-2023-62"

PROJECT = """
project: shop
images:
  web: {kind: container, base: {distribution: debian, release: bookworm, suites: [bookworm]}, run: python3 app.py}
fleets: {web: {image: web, port: 8080}}
environments: {test: {provider: local, fleets: {web: {size: 1}}}}
pipeline: [test]
"""


class Days:
    """A clock that goes from day to day."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)

    def now(self) -> datetime:
        """This day."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """So much later."""
        self._now += timedelta(seconds=seconds)


class Asking:
    """One project's way to one server."""

    def __init__(self, server: OsvApiServer, folder: Path, web: WebClient) -> None:
        self.clock = Days()
        self.web = web
        self.folder = folder
        self.server = server

    def ask(self, lock: Lock = LOCK, *, max_age_seconds: float = 7 * DAY_SECONDS) -> tuple[list[Finding], SourceStatus]:
        """As a scan asks."""
        source = OsvServer(
            OsvApi(self.server.address, web=self.web),
            name="OSV",
            folder=self.folder,
            clock=self.clock,
            max_age_seconds=max_age_seconds,
        )
        findings, (status,) = source.examine(lock, progress=Silent())
        return list(findings), status

    def names(self, lock: Lock = LOCK) -> list[str]:
        """What is found."""
        return [one.advisory for one in self.ask(lock)[0]]


@pytest.fixture
def server() -> Iterator[OsvApiServer]:
    """A server that knows one flaw."""
    with osv_api() as server:
        server.serve(FLASK, "2.2.0")
        yield server


@pytest.fixture(scope="module")
def web() -> Iterator[WebClient]:
    """Our side of the network."""
    client = WebClient()
    yield client
    client.close()


@pytest.fixture
def asking(server: OsvApiServer, web: WebClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asking:
    """A way to it, with little patience."""
    monkeypatch.setattr("repave.registries.patience.FIRST_WAIT_SECONDS", 0.001)
    return Asking(server, tmp_path / "osv", web)


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


def always(path: str, trouble: Trouble) -> Callable[[OsvApiServer], None]:
    """The same for every try."""
    return lambda server: server.troubles.update({path: [trouble] * 99})


def lose(server: OsvApiServer) -> None:
    """The record is named, and not there."""
    del server.records["PYSEC-2023-62"]


def change(**fields: object) -> Callable[[OsvApiServer], None]:
    """Another record stands where the one named is wanted."""
    record = {**FLASK, "modified": "2026-11-22T00:00:00Z", **fields}
    return lambda server: server.records.update({"PYSEC-2023-62": record})


TROUBLES = [
    (always(BATCH, 500), "the server answered 500"),
    (always(BATCH, 403), r"the server answered 403 \(It is not your day\.\)"),
    (always(BATCH, CUT), "could not ask .* about 1 packages: "),
    (always(BATCH, HALF), "does not answer by OSV's API"),
    (always(BATCH, FEWER), "answers 0 of 1 questions"),
    (always(RECORD, 503), "could not read PYSEC-2023-62 from .*: the server answered 503"),
    (always(RECORD, HALF), "PYSEC-2023-62 of .* is no OSV record"),
    (lose, "could not read PYSEC-2023-62 from .*: the server answered 404"),
    (change(id="PYSEC-9"), "gives PYSEC-9 for PYSEC-2023-62"),
    (change(affected="all"), "is no OSV record: affected"),
]


@pytest.mark.parametrize(("misbehave", "told"), TROUBLES)
def test_no_failure_is_clean(asking: Asking, misbehave: Callable[[OsvApiServer], None], told: str) -> None:
    """Nothing is covered; what was learned before still speaks, as of that day."""
    misbehave(asking.server)
    findings, status = asking.ask()
    assert (findings, status.covers, status.as_of) == ([], (), None)
    assert status.problem.startswith("unknown: ")
    asking.server.troubles.clear()
    asking.server.records["PYSEC-2023-62"] = FLASK
    _, good = asking.ask()
    assert good.problem == ""
    assert good.as_of is not None
    asking.clock.sleep(2 * DAY_SECONDS)
    asking.server.records["PYSEC-2023-62"] = {**FLASK, "modified": "2026-11-21T00:00:00Z"}
    misbehave(asking.server)
    findings, status = asking.ask()
    assert [one.advisory for one in findings] == ["PYSEC-2023-62"]
    assert status.as_of == good.as_of
    assert re.match(f"unknown since {good.as_of:%Y-%m-%d %H:%M} UTC: .*{told}", status.problem)


def test_a_missing_page_is_unknown(asking: Asking) -> None:
    """What the first page names is not taken for all."""
    asking.server.page = 1
    asking.server.serve({**FLASK, "id": "PYSEC-2"}, "2.2.0")
    asking.server.troubles[BATCH] = [200, *[502] * 99]
    findings, status = asking.ask()
    assert (findings, status.covers) == ([], ())
    assert "the server answered 502" in status.problem


def test_a_server_that_is_not_there_is_unknown(asking: Asking) -> None:
    """Nobody listens."""
    asking.server.server_close()
    findings, status = asking.ask()
    assert (findings, status.covers, status.as_of) == ([], (), None)
    assert status.problem.startswith(f"unknown: could not ask {asking.server.address} about 1 packages: ")


def test_what_was_never_answered_has_no_date(asking: Asking) -> None:
    """A package that came since the last answer is unknown altogether; the others speak."""
    asking.ask()
    asking.server.troubles[BATCH] = [500] * 99
    findings, status = asking.ask(lock_of(wheel("flask", "2.2.0"), wheel("other", "1")))
    assert [one.advisory for one in findings] == ["PYSEC-2023-62"]
    assert status.problem.startswith("unknown: could not ask")
    assert status.covers == ()


def test_a_record_that_cannot_be_had_leaves_the_others(asking: Asking) -> None:
    """Only the packages it is named for stay as they were last known."""
    asking.server.serve(document(ranged({"introduced": "0"}), name="other", id="PYSEC-3"), "1", name="other")
    asking.server.troubles[RECORD] = [404]
    lock = lock_of(wheel("flask", "2.2.0"), wheel("other", "1"))
    del asking.server.records["PYSEC-2023-62"]
    findings, status = asking.ask(lock)
    assert [one.advisory for one in findings] == ["PYSEC-3"]
    assert "could not read PYSEC-2023-62" in status.problem


def test_an_old_answer_is_unknown_since_its_date(asking: Asking) -> None:
    """A proxy that hands out what it once kept: by the answer's own date."""
    asking.server.date = format_datetime(asking.clock.now() - timedelta(days=30), usegmt=True)
    findings, status = asking.ask()
    assert findings
    assert status.as_of is not None
    assert (
        status.problem
        == f"unknown since {status.as_of:%Y-%m-%d %H:%M} UTC: nothing in it is newer, and `max_age` is 7 days"
    )


def test_an_older_record_than_the_one_named_is_unknown(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that keeps records, and hands out what has changed since."""
    monkeypatch.setattr(
        "osv_api._Answers._result",
        lambda *_: {"vulns": [{"id": "PYSEC-2023-62", "modified": "2026-11-24T00:00:00Z"}]},
    )
    findings, status = asking.ask()
    assert not findings
    assert "names PYSEC-2023-62 as of 2026-11-24 00:00, and gives an older one, of 2026-11-20 00:00" in status.problem


@pytest.mark.parametrize("path", [BATCH, RECORD])
def test_passing_troubles_are_sat_out(asking: Asking, path: str) -> None:
    """Some refusals and a cut answer."""
    asking.server.troubles[path] = [503, CUT, 429]
    findings, status = asking.ask()
    assert [one.advisory for one in findings] == ["PYSEC-2023-62"]
    assert status.problem == ""


def test_a_server_that_asks_for_a_long_rest_is_left_alone(asking: Asking) -> None:
    """It is asked once, and how long it wants is said."""
    asking.server.headers = {"Retry-After": "3600"}
    asking.server.troubles[BATCH] = [429] * 99
    assert "the server answered 429" in asking.ask()[1].problem
    assert len(asking.server.asked) == 1


def test_a_short_rest_is_kept(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the server asks for, when that is longer than we would wait."""
    waited: list[float] = []

    class Waiting:
        def wait(self, seconds: float) -> None:
            """Note it."""
            waited.append(seconds)

    monkeypatch.setattr("repave.registries.patience.Event", Waiting)
    asking.server.headers = {"Retry-After": "20"}
    asking.server.troubles[BATCH] = [429]
    assert asking.ask()[1].problem == ""
    assert waited == [20.0]


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


def test_an_answer_without_end_is_ended(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read without a limit."""
    monkeypatch.setattr(api, "LARGEST_ANSWER_BYTES", 10)
    assert "the answer is longer than 10 bytes" in asking.ask()[1].problem


@pytest.mark.parametrize("harm", [b"", b"x", b'{"said": {}}', None])
def test_damaged_answers_are_not_believed(asking: Asking, harm: bytes | None) -> None:
    """It is a cache: its loss costs asking again."""
    before, _ = asking.ask()
    kept = asking.folder / KEPT_FILE
    kept.write_bytes(kept.read_bytes().replace(b"2.2.5", b"2.1.0") if harm is None else harm)
    assert asking.ask()[0] == before
    assert asking.server.fetched() == ["PYSEC-2023-62"] * 2


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
