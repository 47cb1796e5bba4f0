"""A scan as SARIF and JSON: valid by the published schemas, whole, and never clean by omission."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import scanned_shop
from schemas import is_bom, is_sarif

from repave.wiring import Wiring

Repave = Callable[..., Any]


@pytest.fixture
def shop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock with flaws, and everything about them in files."""
    monkeypatch.setattr(Wiring, "archive", scanned_shop.NothingNew())
    scanned_shop.write(folder)
    return folder


def sarif(repave: Repave) -> dict[str, Any]:
    """The one run, of a log that the schema admits."""
    log = json.loads(repave("scan", "--format", "sarif").out)
    assert is_sarif(log)
    (run,) = log["runs"]
    return dict(run)


def test_the_log_has_a_rule_for_each_advisory(repave: Repave, shop: Path) -> None:
    """With help, severity as a number where somebody rates it, and a level for those who know no number."""
    del shop
    rules = sarif(repave)["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [
        "PYSEC-2026-2",
        "PYSEC-2026-1",
        "DSA-6000-1",
        "GHSA-dddd-eeee-ffff",
        "PYSEC-2026-4",
    ]
    exploited, critical, unrated, *_ = rules
    assert exploited["properties"]["tags"] == ["security", "CVE-2026-0002", "known-exploited"]
    assert (exploited["defaultConfiguration"]["level"], exploited["properties"]["security-severity"]) == (
        "error",
        "4.8",
    )
    assert critical["properties"]["security-severity"] == "9.8"
    assert critical["help"]["text"] == "Cookies are shown to other clients. flask 2.2.5 (PyPI) repairs it."
    assert "https://nvd.nist.gov/vuln/detail/CVE-2026-0001" in critical["help"]["markdown"]
    assert critical["helpUri"] == "https://osv.dev/vulnerability/PYSEC-2026-1"
    assert unrated["defaultConfiguration"]["level"] == "error"
    assert "security-severity" not in unrated["properties"]


def test_results_stand_at_the_line_of_the_pin(repave: Repave, shop: Path) -> None:
    """In the lock, by its path from where the tool was run."""
    run = sarif(repave)
    lines = (shop / "repave.lock").read_text(encoding="utf-8").splitlines()
    assert len(run["results"]) == 5
    for result in run["results"]:
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        assert physical["artifactLocation"]["uri"] == "repave.lock"
        pinned = lines[physical["region"]["startLine"] - 1]
        name, version = result["message"]["text"].split()[:2]
        assert pinned == f'version = "{version}"'
        assert f'name = "{name}"' in lines[physical["region"]["startLine"] - 2 :][0]
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert len({result["partialFingerprints"]["repave/v1"] for result in run["results"]}) == 5
    os.chdir(shop.parent)
    log = json.loads(repave("scan", "--format", "sarif", "--file", str(shop)).out)
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == f"{shop.name}/repave.lock"


def test_what_is_dismissed_is_suppressed_with_its_reason(repave: Repave, shop: Path) -> None:
    """And only that: a service counts what is not suppressed."""
    del shop
    suppressed = {result["ruleId"]: result["suppressions"] for result in sarif(repave)["results"]}
    (word,) = suppressed.pop("PYSEC-2026-4")
    assert word == {
        "kind": "external",
        "status": "accepted",
        "justification": "not_affected: vulnerable_code_not_in_execute_path (Ada, vex.json)",
    }
    assert all(not words for words in suppressed.values())


def test_a_run_that_could_not_read_a_source_says_that_it_failed(repave: Repave, shop: Path) -> None:
    """It is never the log of a clean run, whatever else was found."""
    (whole,) = sarif(repave)["invocations"]
    assert (whole["executionSuccessful"], whole["toolExecutionNotifications"]) == (True, [])
    (shop / "kev.json").unlink()
    for record in (shop / "osv").iterdir():
        record.write_text("{}", encoding="utf-8")
    run = sarif(repave)
    (broken,) = run["invocations"]
    told = [(one["level"], one["message"]["text"]) for one in broken["toolExecutionNotifications"]]
    assert not broken["executionSuccessful"]
    assert run["properties"]["verdict"] == "unknown"
    assert [level for level, _ in told].count("error") == 2
    assert any(text.startswith("KEV kev.json cannot be relied on: unknown") for _, text in told)
    assert ("warning", "3 PyPI packages are not judged: no source of advisories that was read covers them") in told
    assert repave("scan", "--format", "sarif").code == 3


def test_a_repair_without_an_advisory_is_a_rule_for_each_cve(
    repave: Repave, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A suite's repair speaks for itself; what it names nothing of is a rule of its own."""
    del shop
    repairs = scanned_shop.Repairs(cves=("CVE-2026-7001", "CVE-2026-7002"))
    monkeypatch.setattr("repave.advisories.debian_security.DebianSecurityAdvisories.examine", repairs.examine)
    assert {"CVE-2026-7001", "CVE-2026-7002"} <= {result["ruleId"] for result in sarif(repave)["results"]}
    silent = scanned_shop.Repairs(cves=())
    monkeypatch.setattr("repave.advisories.debian_security.DebianSecurityAdvisories.examine", silent.examine)
    assert "openssl-3.0.23" in {result["ruleId"] for result in sarif(repave)["results"]}


def test_a_document_is_written_whole_and_the_table_shown(repave: Repave, shop: Path) -> None:
    """In one move; --json stays one document of its own."""
    ended = repave("scan", "--format", "sarif", "--output", "scan.sarif")
    assert ended.out.startswith("SEVERITY")
    assert "sarif is in scan.sarif\n" in ended.err
    assert is_sarif(json.loads((shop / "scan.sarif").read_text(encoding="utf-8")))
    ended = repave("scan", "--format", "sarif", "--output", "scan.sarif", "--json")
    assert json.loads(ended.out)["verdict"] == "vulnerable"
    repave("scan", "--format", "json", "--output", "scan.json")
    written = json.loads((shop / "scan.json").read_text(encoding="utf-8"))
    assert written["findings"] == json.loads(ended.out)["findings"]
    assert not [path for path in shop.iterdir() if path.name.startswith(".scan")]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("--output", "x"), "--format sarif"),
        (("--json", "--format", "sarif"), "--output FILE keeps one"),
    ],
)
def test_what_cannot_be_meant_is_refused(repave: Repave, shop: Path, arguments: tuple[str, ...], hint: str) -> None:
    """With what to say instead; nothing is written."""
    ended = repave("scan", *arguments)
    assert ended.code == 2
    told = ended.out if "--json" in arguments else ended.err
    assert hint in told
    assert not (shop / "x").exists()


def test_a_document_needs_a_folder_that_is_there(repave: Repave, shop: Path) -> None:
    """As things stand it cannot be written."""
    ended = repave("scan", "--format", "sarif", "--output", "nowhere/x")
    assert ended.code == 5
    assert "name a file in a folder that is there" in ended.err
    assert not (shop / "nowhere").exists()


def cyclonedx(repave: Repave) -> dict[str, Any]:
    """A document that the schema admits, strictly."""
    text = repave("scan", "--format", "cyclonedx").out
    assert is_bom(text)
    document: dict[str, Any] = json.loads(text)
    return document


def test_every_flaw_is_in_a_component(repave: Repave, shop: Path) -> None:
    """By its package's purl, with its rating, its other names and what repairs it."""
    del shop
    document = cyclonedx(repave)
    components = {part["bom-ref"]: part for part in document["components"]}
    assert set(components) == {
        "pkg:pypi/flask@2.2.0",
        "pkg:pypi/jinja2@3.1.2",
        "pkg:pypi/werkzeug@2.3.0",
        "pkg:deb/debian/libssl3@3.0.20-1~deb12u2%2Bb1?arch=amd64&distro=bookworm&upstream=openssl%403.0.20-1~deb12u2",
    }
    flaws = {flaw["id"]: flaw for flaw in document["vulnerabilities"]}
    assert all(target["ref"] in components for flaw in flaws.values() for target in flaw["affects"])
    critical = flaws["PYSEC-2026-1"]
    (rating,) = critical["ratings"]
    assert (rating["severity"], rating["score"], rating["method"]) == ("critical", 9.8, "CVSSv31")
    assert {one["id"] for one in critical["references"]} == {"CVE-2026-0001", "GHSA-aaaa-bbbb-cccc"}
    assert critical["recommendation"] == "flask 2.2.5 (PyPI) repairs it."
    assert flaws["DSA-6000-1"]["ratings"] == [{"severity": "unknown"}]
    told = {one["name"]: one["value"] for one in flaws["PYSEC-2026-2"]["properties"]}
    assert told == {"repave:known-exploited": "true", "repave:epss": "0.97000", "repave:images": "web"}


def test_what_is_dismissed_has_its_analysis(repave: Repave, shop: Path) -> None:
    """State, justification in CycloneDX's words, and whose word it is."""
    del shop
    analysed = [flaw for flaw in cyclonedx(repave)["vulnerabilities"] if "analysis" in flaw]
    (flaw,) = analysed
    assert (flaw["id"], flaw["affects"][0]["versions"][0]["status"]) == ("PYSEC-2026-4", "unaffected")
    assert flaw["analysis"] == {
        "state": "not_affected",
        "justification": "code_not_reachable",
        "detail": "vulnerable_code_not_in_execute_path (Ada, vex.json)",
        "lastUpdated": "2026-11-01T00:00:00+00:00",
    }


def test_a_document_says_what_could_not_be_read(repave: Repave, shop: Path) -> None:
    """Without flaws it is not always one of something clean."""
    for record in (shop / "osv").iterdir():
        record.unlink()
    document = cyclonedx(repave)
    told = [(one["name"], one["value"]) for one in document["metadata"]["properties"]]
    assert "vulnerabilities" not in document or not document["vulnerabilities"]
    assert ("repave:verdict", "unknown") in told
    assert any(name == "repave:unknown" and "there are no records" in value for name, value in told)
    assert any(name == "repave:not-judged" for name, _ in told)
