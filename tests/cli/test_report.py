"""``repave report``: the page an auditor is given, the documents for machines, and what it refuses."""

import csv
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from store_scene import FLEET, NEW, NOW, OLD, aim, instance, seen

from repave.cli.formats.audit.documents import SCHEMA
from repave.jobs.commands import LocalCommands
from repave.jobs.printing import BrowserPrinter
from repave.model.event import Event
from repave.model.evidence import Waiver
from repave.model.exposure import Flaw
from repave.model.finding import Severity
from repave.model.names import InstanceId, PersonName, RevisionId, SlotId
from repave.ports.errors import CommandFailed, Gone
from repave.store.sql import SqlStore

Repave = Callable[..., Any]
SCRIPT = "<script>alert(1)</script>"
PERIOD = ("--from", "2026-03-01", "--to", "2026-07-01", "--environment", "test")


@pytest.fixture
def shop(folder: Path) -> Path:
    """A flawed server that became too old, one that no record explains, and words that are code elsewhere."""
    store = SqlStore(f"sqlite:///{folder}/.repave/store.db", by="ada")
    for wanted in (OLD, NEW):
        store.add_revision(FLEET, wanted)
        store.aim(FLEET, aim(wanted), NOW)
    store.see(seen(NOW, "old"))
    known = Flaw(advisory="CVE-2026-0001", severity=Severity.CRITICAL, published_at=NOW, fixable_at=NOW)
    store.expose(OLD.artifact, [known], whole=True)
    store.note_examined(OLD.artifact, NOW)
    unknown = replace(
        instance("=cmd"), revision=RevisionId("nobody"), id=InstanceId("=cmd"), slot=SlotId(f"web{SCRIPT}")
    )
    look = seen(NOW + timedelta(days=100), "old")
    machines = replace(look.machines, instances=(*look.machines.instances, unknown))
    store.see(replace(look, machines=machines))
    said = Waiver(flaw="CVE-2026-0001", person=PersonName("eve"), reason=SCRIPT, at=NOW, until=NOW + timedelta(days=9))
    store.keep_evidence(said)
    store.record([Event(at=NOW + timedelta(days=101), fleet=FLEET, kind="pause", message=f"paused: {SCRIPT}")])
    store.close()
    return folder


def test_the_report_tells_what_ran(shop: Path, repave: Repave) -> None:
    """One reading makes all documents; what no record explains stands first; a broken rule gives the code 1."""
    names = ("report.html", "report.json", "servers.csv")
    outputs = [word for name in names for word in ("--output", name)]
    ended = repave("report", *PERIOD, "--manual-minutes-per-server", "45", "--people", "2", *outputs)
    assert ended.code == 1
    assert "no record explains test/web" in ended.err
    assert "broken" in ended.out

    document = json.loads((shop / "report.json").read_text(encoding="utf-8"))
    assert document["schema"] == SCHEMA
    assert [one["artifact"] for one in document["servers"]] == [None, OLD.artifact]
    verdicts = {one["key"]: one["verdict"] for one in document["rules"]}
    assert verdicts == {
        "explained": "broken",
        "age": "broken",
        "critical-patches": "broken",
        "scans": "not shown",
        "deadlines": "broken",
    }
    assert document["labour"]["manual"] == {"minutes_per_server": 45, "people": 2}
    assert document["waivers"][0]["signed"] is False

    rows = list(csv.DictReader((shop / "servers.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["instance"], row["explained"]) for row in rows] == [("'=cmd", "false"), ("old", "true")]
    assert [row["instance"].lstrip("'") for row in rows] == [one["instance"] for one in document["servers"]]

    page = ET.fromstring((shop / "report.html").read_text(encoding="utf-8"))  # noqa: S314 - our own page
    assert not page.findall(".//script")
    text = "".join(page.itertext())
    assert text.count(SCRIPT) >= 3
    assert text.index("servers that no record explains") < text.index("How each rule stood")
    links = [value for each in page.iter() for name, value in each.attrib.items() if name in {"href", "src"}]
    assert links
    assert all(link.startswith("#") for link in links), "nothing comes from elsewhere"
    places = {each.attrib["id"] for each in page.iter() if "id" in each.attrib}
    assert {link[1:] for link in links} <= places
    assert "1artifacts ran" in text, "what no record explains is none"
    assert "person-hours by hand" in text
    assert "not by a key that counts now" in text
    for number in ("6.3.3", "11.3.1", "7.4", "A.8.32"):
        assert number in text


def test_json_is_one_document(shop: Path, repave: Repave) -> None:
    """The same as the file, and no talk."""
    del shop
    ended = repave("report", *PERIOD, "--json")
    assert json.loads(ended.out)["project"] == "shop"
    assert ended.err == ""


def test_an_empty_estate_shows_nothing(folder: Path, repave: Repave) -> None:
    """Which is neither held nor broken; the page is whole nevertheless."""
    ended = repave("report", "--output", "report.html")
    assert ended.code == 3
    text = (folder / "report.html").read_text(encoding="utf-8")
    ET.fromstring(text)  # noqa: S314 - our own page
    assert "no server was observed in this time" in text
    assert "Nothing is on record." in text
    assert json.loads(repave("report", "--json").out)["servers"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--output", "report.docx"), "expected one of .html, .pdf, .json, .csv"),
        (("--environment", "tset"), "did you mean `test`?"),
        (("--from", "2026-03-02", "--to", "2026-03-01"), "is not before --to"),
        (("--to", "2999-01-01"), "is still to come"),
        (("--to", "0001-06-01"), "has no year before it"),
        (("--people", "2"), "nothing says how long that takes"),
        (("--manual-minutes-per-server", "0"), "--manual-minutes-per-server"),
        (("--output", "nowhere/report.html"), "nowhere/report.html cannot be written"),
    ],
)
def test_what_cannot_be_meant_is_refused(repave: Repave, words: tuple[str, ...], said: str) -> None:
    """With what was expected, before anything is read or written."""
    ended = repave("report", *words)
    assert ended.code in {2, 5}
    assert said in ended.err


class NoBrowser(LocalCommands):
    """A machine without one."""

    def available(self, program: str) -> bool:
        """Nothing is."""
        del program
        return False


def test_paper_needs_a_browser() -> None:
    """Where there is none it is said how to get one."""
    with pytest.raises(Gone, match="made by a browser") as gone:
        BrowserPrinter(NoBrowser()).print("<p>hello</p>")
    assert "apt-get install --no-install-recommends chromium" in gone.value.hint


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make a browser of a line of shell."""
    place = tmp_path / "bin" / "chromium"
    place.parent.mkdir()
    monkeypatch.setenv("PATH", str(place.parent), prepend=":")

    def made(line: str) -> None:
        place.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        place.chmod(0o755)

    return made


def test_a_browser_that_fails_is_told(browser: Callable[[str], None]) -> None:
    """Whether it ends with an error, or writes nothing."""
    for code, said in ((0, "it wrote no page"), (7, "ended with 7")):
        browser(f"exit {code}")
        with pytest.raises(CommandFailed, match=said):
            BrowserPrinter(LocalCommands()).print("<p>hello</p>")


def test_paper_is_put_in_place_as_any_other_file(folder: Path, repave: Repave, browser: Callable[[str], None]) -> None:
    """A place that cannot be is refused, and no link that lies beside it is followed."""
    browser('for word; do case $word in --print-to-pdf=*) printf paper > "${word#*=}";; esac; done')
    (folder / "taken").touch()
    ended = repave("report", "--output", "taken/report.pdf")
    assert ended.code == 5
    assert "taken/report.pdf cannot be written: not a directory" in ended.err

    (folder / ".report.pdf.part").symlink_to("elsewhere")
    assert repave("report", "--output", "report.pdf").code == 3
    assert (folder / "report.pdf").read_bytes() == b"paper"
    assert not (folder / "elsewhere").exists()
