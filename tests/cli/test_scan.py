"""What `repave scan` shows, in which order, and what it ends with."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import scanned_shop
from osv_records import document, lock_of, ranged, wheel

from repave.config.lockfile import dump_lock, lock_digest
from repave.model.lock import Ecosystem
from repave.model.names import Digest, ImageName
from repave.store.sql import SqlStore
from repave.wiring import Wiring

Repave = Callable[..., Any]


@pytest.fixture
def shop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock with flaws, and everything about them in files."""
    monkeypatch.setattr(Wiring, "archive", scanned_shop.NothingNew())
    scanned_shop.write(folder)
    return folder


def test_what_hurries_stands_first_and_what_is_dismissed_apart(repave: Repave, shop: Path) -> None:
    """Known exploited, then by severity; an advisory's own name where it has no CVE; counted are packages."""
    del shop
    ended = repave("scan")
    headings, *rows = [line.split() for line in ended.out.splitlines()]
    assert headings == ["SEVERITY", "EPSS", "PACKAGE", "LOCKED", "REPAIRED", "IN", "FLAW", "IMAGES", "RUN", "BY"]
    assert [row[:5] for row in rows] == [
        ["medium", "4.8", "KEV", "97.0%", "flask"],
        ["critical", "9.8", "12.3%", "flask", "2.2.0"],
        ["unrated", "-", "libssl3", "3.0.20-1~deb12u2+b1", "3.0.22-1~deb12u2"],
        ["medium", "4.8", "-", "jinja2", "3.1.2"],
        ["dismissed:", "CVE-2026-0004", "in", "werkzeug", "2.3.0:"],
    ]
    assert "GHSA-dddd-eeee-ffff" in rows[3]
    assert ended.out.endswith("vulnerable_code_not_in_execute_path (Ada, 2026-11-01, vex.json)\n")
    assert "repave.lock: 3 packages with known flaws, 4 CVEs, 1 finding dismissed" in ended.err
    assert ended.code == 1


@pytest.mark.parametrize(
    ("threshold", "failing"), [("any", 4), ("low", 4), ("medium", 4), ("high", 2), ("critical", 2)]
)
def test_a_scan_fails_from_a_threshold_on(repave: Repave, shop: Path, threshold: str, failing: int) -> None:
    """What is not rated counts, and that is said."""
    answer = json.loads(repave("scan", "--fail-on", threshold, "--json").out)
    assert (answer["fail_on"], answer["failing"], len(answer["findings"])) == (threshold, failing, 4)
    ended = repave("scan", "--fail-on", threshold)
    assert ended.code == 1
    if threshold == "critical":
        assert "2 of 4 findings count for `critical`, with 1 unrated one\n" in ended.err
    assert repave("scan", "--fail-on", threshold, "--exit-zero").code == 0
    for record in ("PYSEC-2026-1", "DSA-6000-1"):
        (shop / "osv" / f"{record}.json").write_text(
            json.dumps(scanned_shop.RECORDS[2] | {"id": record}), encoding="utf-8"
        )
    assert repave("scan", "--fail-on", threshold).code == (0 if threshold in {"high", "critical"} else 1)


def test_a_wrong_threshold_names_the_right_ones(repave: Repave, shop: Path) -> None:
    """Usage: 2."""
    del shop
    ended = repave("scan", "--fail-on", "hihg")
    assert ended.code == 2
    assert "'any', 'low', 'medium', 'high', 'critical'" in ended.err


def test_unknown_is_never_below_a_threshold(repave: Repave, shop: Path) -> None:
    """3, whatever was found."""
    (shop / "kev.json").unlink()
    assert repave("scan", "--fail-on", "critical").code == 3
    assert repave("scan", "--exit-zero").code == 3


def test_the_document_has_all_that_is_known(repave: Repave, shop: Path) -> None:
    """In the same order, the dismissed apart."""
    del shop
    answer = json.loads(repave("scan", "--json").out)
    first, second, third, _ = answer["findings"]
    assert (first["exploited"], first["exploitation"], first["cves"]) == (True, 0.97, ["CVE-2026-0002"])
    assert (second["rating"]["severity"], second["rating"]["score"]) == ("critical", 9.8)
    assert second["aliases"] == ["GHSA-aaaa-bbbb-cccc"]
    assert third["rating"] is None
    assert answer["cves"] == ["CVE-2026-0002", "CVE-2026-0001", "CVE-2026-0005", "CVE-2026-0006"]
    (dismissed,) = answer["dismissed"]
    assert dismissed["dismissed"]["author"] == "Ada"


def test_where_a_flaw_is_says_how_bad_it_is_and_whose_word_dismisses_it(repave: Repave, shop: Path) -> None:
    """It is there all the same."""
    del shop
    told = repave("where", "CVE-2026-0004").out.splitlines()
    assert told == ["CVE-2026-0004: critical 9.8", "repave.lock holds werkzeug 2.3.0 (dismissed by Ada)"]
    told = repave("where", "CVE-2026-0002").out.splitlines()
    assert told == ["CVE-2026-0002: medium 4.8 KEV, EPSS 97.0%", "repave.lock holds flask 2.2.0"]
    (finding,) = json.loads(repave("where", "CVE-2026-0002", "--json").out)["findings"]
    assert finding["exploited"]


def test_npm_packages_are_judged(repave: Repave, shop: Path) -> None:
    """By the order of their own versions; what repairs them is named."""
    packages = [replace(wheel(name, "4.9.0", Ecosystem.NPM), integrity=name) for name in ("express", "@some/other")]
    (shop / "repave.lock").write_text(dump_lock(lock_of(*packages)), encoding="utf-8")
    record = document(
        ranged({"introduced": "4.0.0-rc.1"}, {"fixed": "4.10.0"}, kind="SEMVER"),
        name="express",
        ecosystem="npm",
        id="GHSA-npm1-npm1-npm1",
        modified=f"{scanned_shop.TODAY:%Y-%m-%dT%H:%M:%SZ}",
    )
    (shop / "osv" / "npm.json").write_text(json.dumps(record), encoding="utf-8")
    answer = json.loads(repave("scan", "--json").out)
    assert [(one["package"], one["fixed_version"]) for one in answer["findings"]] == [("express", "4.10.0")]
    assert answer["unjudged"] == []
    assert "`repave patch` takes just the repairs" in repave("scan").err


@pytest.fixture
def released(shop: Path) -> Path:
    """What is locked was released once."""
    store = SqlStore(f"sqlite:///{shop}/.repave/store.db")
    digest, now = lock_digest(scanned_shop.LOCK), scanned_shop.TODAY
    store.add_lock(digest, scanned_shop.LOCK, now)
    store.add_release({ImageName("web"): Digest(f"sha256:{1:064}")}, digest, "source", now)
    store.close()
    return shop


def test_all_releases_are_examined_and_asked_about_afterwards(repave: Repave, released: Path) -> None:
    """`where --kept` tells what was found, though the sources are gone; one flaw alone is added to it."""
    ended = repave("scan", "--released")
    assert ended.code == 1
    assert [line.split() for line in ended.out.splitlines()] == [
        ["RELEASE", "FINDINGS", "CRITICAL", "HIGH", "PACKAGES"],
        ["r1", "4", "1", "0", "3"],
    ]
    late = document(ranged({"introduced": "0"}), name="jinja2", id="PYSEC-2026-9", aliases=["CVE-2026-0009"])
    late["modified"] = f"{scanned_shop.TODAY:%Y-%m-%dT%H:%M:%SZ}"
    (released / "osv" / "late.json").write_text(json.dumps(late), encoding="utf-8")
    assert json.loads(repave("where", "CVE-2026-0009", "--kept", "--json").out)["releases"] == []
    added = repave("scan", "--released", "--flaw", "cve-2026-0009", "--json")
    assert added.code == 1
    answer = json.loads(added.out)
    assert (answer["flaw"], [one["release"] for one in answer["releases"]]) == ("CVE-2026-0009", ["r1"])
    unknown = repave("scan", "--released", "--flaw", "CVE-2026-00009")
    assert unknown.code == 5
    assert "no record that is here has the name CVE-2026-00009" in unknown.err
    assert "`repave scan --released` asks every source" in unknown.err
    for file in (released / "osv").iterdir():
        file.unlink()
    for flaw, what in (("CVE-2026-0009", "jinja2 3.1.2"), ("CVE-2026-0001", "flask 2.2.0")):
        (found,) = json.loads(repave("where", flaw, "--kept", "--json").out)["releases"]
        assert (found["release"], found["what"]) == ("r1", [what])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--flaw", "CVE-2026-1"), "add --released"),
        (("--released", "--release", "r1"), "name them without --released"),
        (("--released", "--format", "sarif"), "name them without --released"),
    ],
)
def test_what_does_not_go_together_is_refused(repave: Repave, shop: Path, words: tuple[str, ...], said: str) -> None:
    """With what to leave out."""
    del shop
    ended = repave("scan", *words)
    assert ended.code == 2
    assert said in ended.err


def test_a_flaw_is_searched_only_where_records_are_here(repave: Repave, shop: Path) -> None:
    """The file names none: what to name is said."""
    file = shop / "repave.yaml"
    file.write_text(
        file.read_text(encoding="utf-8").replace("  sources: [{osv: {folder: osv}}]\n", ""), encoding="utf-8"
    )
    ended = repave("scan", "--released", "--flaw", "CVE-2026-1")
    assert ended.code == 5
    assert "no source of advisories has its records here" in ended.err
