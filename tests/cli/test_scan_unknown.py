"""What `repave scan` ends with when a source of advisories fails: 3, and since when its answer is not known."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from osv_api import BATCH, OsvApiServer, osv_api
from osv_records import document, lock_of, ranged, wheel

from repave.config.lockfile import dump_lock
from repave.model.lock import Ecosystem, Layer
from repave.model.recipe import Base
from repave.ports.archive import SuiteView
from repave.ports.errors import Unreachable
from repave.wiring import Wiring

FLASK = document(ranged({"introduced": "0"}, {"fixed": "2.2.5"}), id="PYSEC-2023-62", aliases=["CVE-2023-30861"])
TODAY = datetime.now(UTC)


class NothingNew:
    """A distribution whose security suites repair nothing."""

    def security_suites(self, base: Base) -> tuple[str, ...]:
        """One."""
        return (f"{base.release}-security",)

    reached = True

    def view(self, base: Base, suites: Iterable[str], names: Iterable[str]) -> SuiteView:
        """Empty."""
        del base, suites, names
        if not self.reached:
            raise Unreachable("the archive does not answer")
        return SuiteView(as_of=TODAY, candidates={})


@pytest.fixture
def server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OsvApiServer]:
    """A server that knows a flaw of flask 2.2.0, which is locked."""
    monkeypatch.setattr("repave.registries.patience.FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(Wiring, "archive", NothingNew())
    with osv_api() as server:
        file = folder / "repave.yaml"
        sources = f"advisories: {{sources: [{{osv: {{api: '{server.address}'}}}}]}}\n"
        file.write_text(file.read_text(encoding="utf-8") + sources, encoding="utf-8")
        server.serve(FLASK, "2.2.0")
        yield server


def scanned(repave: Callable[..., Any], folder: Path, version: str) -> tuple[int, dict[str, Any]]:
    """Its end, and its document."""
    (folder / "repave.lock").write_text(dump_lock(lock_of(wheel("flask", version))), encoding="utf-8")
    ended = repave("scan", "--json")
    return ended.code, json.loads(ended.out)


def test_a_source_that_fails_is_unknown_since_its_last_answer(
    repave: Callable[..., Any], folder: Path, server: OsvApiServer
) -> None:
    """Found and clean become unknown, with the date of the last good answer and what it said."""
    assert scanned(repave, folder, "2.2.5")[0] == 0
    code, answer = scanned(repave, folder, "2.2.0")
    assert (code, answer["verdict"]) == (1, "vulnerable")
    last = datetime.fromisoformat(answer["sources"][1]["as_of"])
    server.troubles[BATCH] = [500] * 99
    code, answer = scanned(repave, folder, "2.2.0")
    assert (code, answer["verdict"]) == (3, "unknown")
    assert [one["advisory"] for one in answer["findings"]] == ["PYSEC-2023-62"]
    assert answer["sources"][1]["problem"].startswith(f"unknown since {last:%Y-%m-%d %H:%M} UTC: could not ask")
    code, answer = scanned(repave, folder, "2.2.5")
    assert (code, answer["verdict"]) == (3, "unknown")
    assert "unknown since" in repave("scan").err


def test_security_suites_that_fail_are_unknown_since_they_were_last_read(
    repave: Callable[..., Any], folder: Path, server: OsvApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They keep no findings, but their date is kept."""
    del server
    assert scanned(repave, folder, "2.2.5")[0] == 0
    monkeypatch.setattr(NothingNew, "reached", False)
    code, answer = scanned(repave, folder, "2.2.5")
    assert (code, answer["verdict"]) == (3, "unknown")
    assert answer["sources"][0]["problem"] == (f"unknown since {TODAY:%Y-%m-%d %H:%M} UTC: the archive does not answer")


def test_a_source_that_never_answered_is_unknown(
    repave: Callable[..., Any], folder: Path, server: OsvApiServer
) -> None:
    """There is no date, and nothing is clean."""
    server.troubles[BATCH] = [500] * 99
    code, answer = scanned(repave, folder, "2.2.5")
    assert (code, answer["verdict"], answer["findings"]) == (3, "unknown", [])
    assert answer["sources"][1]["problem"].startswith("unknown: could not ask")
    (unjudged,) = answer["unjudged"]
    assert unjudged.startswith("1 PyPI package")


def test_wheels_that_no_source_covers_are_not_clean(
    repave: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian's suites know nothing of them; whom to ask is said, and where a CVE is remains unknown."""
    monkeypatch.setattr(Wiring, "archive", NothingNew())
    code, answer = scanned(repave, folder, "2.2.0")
    assert (code, answer["verdict"], answer["findings"]) == (3, "unknown", [])
    said = repave("scan").err
    assert "repave.lock: unknown" in said
    assert "name who knows them under `advisories`" in said
    looked = repave("where", "CVE-2023-30861")
    assert looked.code == 3
    assert "1 PyPI package is not judged" in looked.err
    assert "no release and no lock holds CVE-2023-30861, as far as they are judged" in looked.err


def test_files_by_address_that_nobody_could_judge_change_nothing(
    repave: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No advisory speaks of them; they are told each time."""
    monkeypatch.setattr(Wiring, "archive", NothingNew())
    file = replace(wheel("https://example.org/tool", "1"), ecosystem=Ecosystem.URL, layer=Layer.SOURCES)
    (folder / "repave.lock").write_text(dump_lock(lock_of(file)), encoding="utf-8")
    scan = repave("scan", "--json")
    answer = json.loads(scan.out)
    assert (scan.code, answer["verdict"]) == (0, "clean")
    assert answer["unjudged"][0].startswith("1 file by its address is not judged")
    assert repave("where", "CVE-2023-30861").code == 0
