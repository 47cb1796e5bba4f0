"""Folders and zips of OSV records, asked about locks: what is found, of when it is, and when nothing is believed."""

import gc
import json
import os
import sqlite3
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from osv_records import deb, document, lock_of, ranged, wheel

from repave.advisories.decorated import SearchableAdvisories
from repave.advisories.osv.files import OsvFolder, OsvZip, RecordSource
from repave.advisories.osv.index import CURRENT
from repave.advisories.osv.indexed import IndexedAdvisories
from repave.advisories.osv.subjects import questions
from repave.model.finding import Finding, Severity, SourceStatus
from repave.model.lock import Ecosystem, Lock
from repave.model.names import ImageName
from repave.ports.progress import Silent
from repave.wiring import Wiring

NOW = datetime(2026, 11, 25, tzinfo=UTC)
PUBLISHED = datetime(2026, 11, 20, tzinfo=UTC)
"""Of the records of tests."""

WEEK_SECONDS = 7 * 86400.0

FLASK = document(
    ranged({"introduced": "0"}, {"fixed": "2.2.5"}),
    id="PYSEC-2023-62",
    aliases=["CVE-2023-30861", "GHSA-m2qf-hxjv-5gpq"],
    summary="Cookies are shown to other clients",
    severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}],
)
OPENSSL = document(
    ranged({"introduced": "0"}, {"fixed": "3.0.22-1~deb12u2"}),
    name="openssl",
    ecosystem="Debian:12",
    id="DSA-6000-1",
    upstream=["CVE-2026-1234"],
)


PROJECT = """
project: shop
images:
  web: {kind: container, base: {distribution: debian, release: bookworm, suites: [bookworm]}, run: python3 app.py}
fleets: {web: {image: web, port: 8080}}
environments: {test: {provider: local, fleets: {web: {size: 1}}}}
pipeline: [test]
"""


class Frozen:
    """A clock that stands still."""

    def now(self) -> datetime:
        """The same moment."""
        return NOW

    def sleep(self, seconds: float) -> None:
        """No time passes."""


def write(folder: Path, *contents: dict[str, Any]) -> OsvFolder:
    """A folder of these records, each in a subfolder."""
    for content in contents:
        place = folder / "vulns" / f"{content['id']}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(content), encoding="utf-8")
    return OsvFolder(folder, name="records")


def zipped(folder: Path, *contents: dict[str, Any]) -> OsvZip:
    """A zip of these records."""
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for content in contents:
            archive.writestr(f"{content['id']}.json", json.dumps(content))
    return OsvZip(folder / "all.zip", name="records")


def asked(source: RecordSource, tmp_path: Path, lock: Lock) -> tuple[tuple[Finding, ...], SourceStatus]:
    """As a scan asks."""
    advisories = IndexedAdvisories(source, folder=tmp_path / "index", clock=Frozen(), max_age_seconds=WEEK_SECONDS)
    findings, (status,) = advisories.examine(lock, progress=Silent())
    return findings, status


def test_a_folder_of_the_application_is_no_package_of_anybody_else(tmp_path: Path) -> None:
    """Whatever its name: no record is about it, and no server is told of it."""
    theirs = wheel("words", "1.0.0", Ecosystem.NPM)
    ours = replace(theirs, origin="project:web/words/package.json", filename="package.json")
    record = document(
        ranged({"introduced": "0"}, kind="SEMVER"), name="words", ecosystem="npm", id="GHSA-aaaa-bbbb-cccc"
    )
    folder = write(tmp_path / "osv", record)
    assert len(asked(folder, tmp_path, lock_of(theirs))[0]) == 1
    assert asked(folder, tmp_path, lock_of(ours))[0] == ()
    assert list(questions(lock_of(ours))) == []


@pytest.mark.parametrize("make", [write, zipped])
def test_wheels_and_debian_packages_are_judged(make: Callable[..., RecordSource], tmp_path: Path) -> None:
    """By name and version, a Debian package by its source; with the repair, the flaw's names and how bad it is."""
    lock = lock_of(wheel("flask", "2.2.0"), wheel("other", "1"), deb("libssl3", "openssl", "3.0.20-1~deb12u2"))
    findings, status = asked(make(tmp_path / "osv", FLASK, OPENSSL), tmp_path, lock)
    flask, openssl = findings
    assert (flask.package, flask.version, flask.fixed_version, flask.fixed_in) == ("flask", "2.2.0", "2.2.5", "PyPI")
    assert (flask.cves, flask.advisory) == (("CVE-2023-30861",), "PYSEC-2023-62")
    assert flask.rating is not None
    assert flask.rating.severity is Severity.HIGH
    assert (openssl.package, openssl.source, openssl.fixed_version) == ("libssl3", "openssl", "3.0.22-1~deb12u2")
    assert openssl.cves == ("CVE-2026-1234",)
    assert (status.as_of, status.problem) == (PUBLISHED, "")
    assert status.covers == (Ecosystem.DEB, Ecosystem.PYPI)


def test_records_of_one_flaw_are_one_finding(tmp_path: Path) -> None:
    """Databases name each other's records as aliases: the later of their repairs counts, related flaws do not."""
    same = document(
        ranged({"introduced": "0"}, {"fixed": "2.3.2"}), id="GHSA-m2qf-hxjv-5gpq", aliases=["CVE-2023-30861"]
    )
    other = document(ranged({"introduced": "0"}), id="PYSEC-2023-63", related=["CVE-2023-30861"])
    findings, _ = asked(write(tmp_path / "osv", FLASK, same, other), tmp_path, lock_of(wheel("flask", "2.2.0")))
    assert [(one.advisory, one.fixed_version) for one in findings] == [
        ("PYSEC-2023-62", "2.3.2"),
        ("PYSEC-2023-63", ""),
    ]


@pytest.mark.parametrize("make", [write, zipped])
def test_a_changed_source_is_indexed_anew_and_an_unchanged_one_is_not(
    make: Callable[..., RecordSource], tmp_path: Path
) -> None:
    """By its content, even if it keeps its size and its time."""
    lock = lock_of(wheel("flask", "2.2.0"))
    source = make(tmp_path / "osv", FLASK)
    assert asked(source, tmp_path, lock)[0]
    before = (tmp_path / "index" / CURRENT).stat().st_mtime_ns
    assert asked(source, tmp_path, lock)[0]
    assert (tmp_path / "index" / CURRENT).stat().st_mtime_ns == before
    files = [path for path in (tmp_path / "osv").rglob("*") if path.is_file()]
    times = [(path, path.stat().st_mtime_ns) for path in files]
    make(tmp_path / "osv", {**FLASK, "aliases": ["CVE-2023-30862", "GHSA-m2qf-hxjv-5gpq"]})
    for path, time in times:
        os.utime(path, ns=(time, time))
    assert asked(source, tmp_path, lock)[0][0].cves == ("CVE-2023-30862",)


def broken_zip(folder: Path) -> OsvZip:
    """Cut off in the middle."""
    zipped(folder, FLASK)
    (folder / "all.zip").write_bytes((folder / "all.zip").read_bytes()[:200])
    return OsvZip(folder / "all.zip", name="records")


def damaged_zip(folder: Path) -> OsvZip:
    """One byte of a member is another."""
    zipped(folder, FLASK)
    content = bytearray((folder / "all.zip").read_bytes())
    content[100] ^= 0xFF
    (folder / "all.zip").write_bytes(content)
    return OsvZip(folder / "all.zip", name="records")


def empty_folder(folder: Path) -> OsvFolder:
    """Records of another kind only."""
    folder.mkdir()
    (folder / "PYSEC-1.yaml").write_text("id: PYSEC-1", encoding="utf-8")
    return OsvFolder(folder, name="records")


def dangling(folder: Path) -> OsvFolder:
    """A record that leads nowhere."""
    write(folder, FLASK)
    (folder / "X.json").symlink_to(folder / "nowhere")
    return OsvFolder(folder, name="records")


UNREADABLE: list[Callable[[Path], RecordSource]] = [
    lambda folder: OsvFolder(folder, name="records"),
    lambda folder: OsvZip(folder / "all.zip", name="records"),
    empty_folder,
    dangling,
    broken_zip,
    damaged_zip,
    zipped,
]


@pytest.mark.parametrize("make", UNREADABLE)
def test_what_cannot_be_read_is_unknown_and_never_clean(make: Callable[[Path], RecordSource], tmp_path: Path) -> None:
    """Missing, empty, cut off, damaged: nothing is covered. What was read before still speaks, as of its date."""
    lock = lock_of(wheel("flask", "2.2.0"))
    broken = make(tmp_path / "broken")
    findings, status = asked(broken, tmp_path, lock)
    assert (findings, status.covers, status.as_of) == ((), (), None)
    assert status.problem.startswith("unknown: ")
    asked(write(tmp_path / "osv", FLASK), tmp_path, lock)
    findings, status = asked(broken, tmp_path, lock)
    assert [one.package for one in findings] == ["flask"]
    assert status.problem.startswith("unknown since 2026-11-20 00:00 UTC: ")


def test_old_records_are_unknown_since_their_date(tmp_path: Path) -> None:
    """Nothing newer than `max_age`: what was published since is not in them."""
    source = write(tmp_path / "osv", {**FLASK, "modified": "2026-11-17T00:00:00Z"})
    findings, status = asked(source, tmp_path, lock_of(wheel("flask", "2.2.0")))
    assert findings
    assert status.problem == ("unknown since 2026-11-17 00:00 UTC: nothing in it is newer, and `max_age` is 7 days")


def test_a_date_in_the_future_makes_nothing_look_new(tmp_path: Path) -> None:
    """A slip of one record."""
    old = {**FLASK, "modified": "2026-01-01T00:00:00Z"}
    slip = {**FLASK, "id": "PYSEC-2023-63", "modified": "2099-01-01T00:00:00Z"}
    _, status = asked(write(tmp_path / "osv", old, slip), tmp_path, lock_of(wheel("flask", "3")))
    assert status.problem.startswith("unknown since 2026-01-01")


def test_a_broken_record_is_named_and_the_others_speak(tmp_path: Path) -> None:
    """It could be about anything, so nothing is called clean."""
    source = write(tmp_path / "osv", FLASK, {**FLASK, "id": "PYSEC-2", "affected": "all"})
    findings, status = asked(source, tmp_path, lock_of(wheel("flask", "2.2.0")))
    assert len(findings) == 1
    assert "1 of its files cannot be read: vulns/PYSEC-2.json is no OSV record: affected" in status.problem


def test_a_record_that_cannot_be_judged_is_named(tmp_path: Path) -> None:
    """It names no versions: neither affected nor clean."""
    source = write(tmp_path / "osv", document(id="PYSEC-2022-15"))
    findings, status = asked(source, tmp_path, lock_of(wheel("flask", "2.2.0")))
    assert not findings
    assert "PYSEC-2022-15 about flask 2.2.0: it names no versions" in status.problem


def test_what_it_has_no_records_of_is_not_covered(tmp_path: Path) -> None:
    """Records of wheels say nothing of Debian packages, and those of one release nothing of another."""
    lock = lock_of(wheel("flask", "3"), deb("libssl3", "openssl", "3.0.20-1~deb12u2"))
    for record in (FLASK, OPENSSL):
        _, status = asked(write(tmp_path / str(record["id"]), record), tmp_path, lock)
        assert status.covers == ((Ecosystem.PYPI,) if record is FLASK else (Ecosystem.DEB,))
    trixie = document(ranged({"introduced": "0"}), name="openssl", ecosystem="Debian:13", id="DSA-1")
    findings, status = asked(write(tmp_path / "trixie", trixie), tmp_path, lock)
    assert (findings, status.covers) == ((), ())


@pytest.mark.parametrize("harm", ["cut", "another", "gone"])
def test_a_damaged_index_is_made_anew(harm: str, tmp_path: Path) -> None:
    """It is a cache: its loss changes no answer."""
    source, lock = write(tmp_path / "osv", FLASK), lock_of(wheel("flask", "2.2.0"))
    before = asked(source, tmp_path, lock)
    (index,) = (path for path in (tmp_path / "index").iterdir() if path.name != CURRENT)
    match harm:
        case "cut":
            index.write_bytes(index.read_bytes()[:5000])
        case "another":
            with sqlite3.connect(index) as connection:
                connection.execute("DELETE FROM advisories")
            connection.close()
        case _:
            index.unlink()
    assert asked(source, tmp_path, lock) == before


def test_the_files_sources_are_asked(tmp_path: Path) -> None:
    """Each beside the security suites, by a path from the file's folder; their indexes are in the project's cache."""
    write(tmp_path / "folder", FLASK)
    zipped(tmp_path / "zip", OPENSSL)
    text = PROJECT + "advisories: {sources: [{osv: {folder: folder}}, {osv: {zip: zip/all.zip}}], max_age: 520w}\n"
    (tmp_path / "repave.yaml").write_text(text, encoding="utf-8")
    lock = lock_of(wheel("flask", "2.2.0"), deb("libssl3", "openssl", "3.0.20-1~deb12u2"))
    wiring = Wiring(tmp_path / "repave.yaml")
    named = [wiring.advising.source(source) for source in wiring.project.advisories.sources]
    answers = [source.examine(lock, progress=Silent()) for source in named]
    assert [[one.package for one in findings] for findings, _ in answers] == [["flask"], ["libssl3"]]
    assert [status.name for _, (status,) in answers] == ["OSV folder folder", "OSV zip zip/all.zip"]
    assert len(list((tmp_path / ".repave" / "cache" / "advisories").iterdir())) == 2


def test_findings_stand_in_the_order_of_the_lock(tmp_path: Path) -> None:
    """Although the packages of one source are judged together; and Python collects afterwards as it did before."""
    lock = lock_of(
        deb("libssl3", "openssl", "3.0.20-1~deb12u1"), wheel("flask", "2.2.0"), deb("openssl", "openssl", "3.0.20-1")
    )
    findings, _ = asked(write(tmp_path / "osv", FLASK, OPENSSL), tmp_path, lock)
    assert [one.package for one in findings] == ["libssl3", "flask", "openssl"]
    assert gc.isenabled()


def test_what_a_flaw_is_about_is_known_by_each_of_its_names(tmp_path: Path) -> None:
    """Packages by their own names; not of a repository, which has many addresses, nor by a source that fails."""
    flask = document(ranged({"introduced": "0"}), name="Flask", id="PYSEC-1", aliases=["CVE-2026-1"])
    openssl = document(
        ranged({"introduced": "0"}), name="openssl", ecosystem="Debian:12", id="DSA-1", upstream=["CVE-2026-1"]
    )
    commits = {"type": "GIT", "repo": "https://git.example/tool", "events": [{"introduced": "0"}]}
    repository = {"affected": [{"ranges": [commits]}], "id": "CVE-2026-2", "modified": flask["modified"]}
    folder = write(tmp_path / "osv", flask, openssl, repository)

    def about(flaw: str, source: RecordSource) -> frozenset[str] | None:
        advisories = IndexedAdvisories(source, folder=tmp_path / "index", clock=Frozen(), max_age_seconds=WEEK_SECONDS)
        return SearchableAdvisories((advisories,), ()).packages_of(flaw, progress=Silent())

    assert about("CVE-2026-1", folder) == frozenset({"flask", "openssl"})
    assert about("PYSEC-1", folder) == frozenset({"flask"})
    assert about("CVE-2026-9", folder) == frozenset()
    assert about("CVE-2026-2", folder) is None
    assert about("CVE-2026-1", OsvFolder(tmp_path / "gone", name="gone")) is None


def test_locks_after_each_other_have_the_same_answers_as_alone(tmp_path: Path) -> None:
    """In whichever images the package is, and of records that have changed in between the new ones."""
    first = document(ranged({"introduced": "0"}), name="flask", id="PYSEC-1")
    source = write(tmp_path / "osv", first)
    advisories = IndexedAdvisories(source, folder=tmp_path / "index", clock=Frozen(), max_age_seconds=WEEK_SECONDS)
    flask = wheel("flask", "2.2.0")
    one = lock_of(flask)
    two = replace(one, packages=(replace(flask, images=(ImageName("other"),)),))
    for lock in (one, two, one):
        ((found,), _) = advisories.examine(lock, progress=Silent())
        assert found.images == lock.packages[0].images
    write(tmp_path / "osv", document(ranged({"introduced": "3"}), name="flask", id="PYSEC-1"))
    assert advisories.examine(one, progress=Silent())[0] == ()
