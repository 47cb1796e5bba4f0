"""``repave promote``, ``approve``, ``waive`` and a gated ``deploy``, over a project with one release."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from personal_keys import person, private_key
from store_scene import FLEET, NOW, OLD, OTHER, aim

from repave.cli.commands.deploy import write_down
from repave.cli.opening import opened
from repave.model.lock import Lock
from repave.model.names import Digest, ImageName
from repave.operations.errors import Refused
from repave.ports.progress import Silent
from repave.store.sql import SqlStore

Repave = Callable[..., Any]
ARTIFACT = Digest("sha256:" + "ab" * 32)
LOCK = Digest("sha256:" + "cd" * 32)
ENVIRONMENTS = """environments:
  test: {provider: local, fleets: {web: {size: 1}}, gates: {soak: 1h}}
  prod: {provider: local, fleets: {web: {size: 1}}, gates: {approvals: 1}}
pipeline: [test, prod]
"""


@pytest.fixture
def gated(folder: Path) -> Path:
    """Two environments with gates, two people, and a release. The folder of their keys."""
    file = folder / "repave.yaml"
    people = "".join(f"  {name}: {{keys: [{person(folder, name).keys[0]}]}}\n" for name in ("ana", "bob"))
    text = file.read_text(encoding="utf-8").partition("environments:")[0]
    file.write_text(f"{text}{ENVIRONMENTS}people:\n{people}", encoding="utf-8")
    store = SqlStore(f"sqlite:///{folder}/.repave/store.db")
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    store.add_lock(LOCK, Lock(), at)
    store.add_release({ImageName("web"): ARTIFACT}, LOCK, "source", at)
    store.close()
    return folder


def test_nothing_is_baked_yet(repave: Repave) -> None:
    """No environment has the newest release of none."""
    ended = repave("promote")
    assert (ended.code, ended.out) == (0, "nothing waits: nothing is baked yet, so there is no release\n")
    assert ended.err == "hint: `repave lock`, then `repave bake`\n"


@pytest.mark.usefixtures("gated")
def test_what_may_enter_and_what_waits_is_shown_and_nothing_let_in(repave: Repave) -> None:
    """In words, and for machines."""
    shown = repave("promote", "--dry-run")
    assert (shown.code, shown.out) == (0, "test: r1 may enter now\n")
    told = json.loads(repave("promote", "--dry-run", "--json").out)
    assert told["entering"] == [{"environment": "test", "release": 1, "skipped": [], "emergency": ""}]
    assert (told["held"], told["promoted"], told["wake"]) == ([], [], None)
    assert repave("promote", "prod", "--dry-run").out == (
        "nothing waits: every environment has the newest release that came its way\n"
    )


@pytest.mark.usefixtures("gated")
def test_a_rollback_that_could_not_begin_is_none(repave: Repave) -> None:
    """Its artifact is not here to be published: what comes later is not held for it."""
    refused = repave("rollback", "test", "--to", "r1")
    assert refused.code not in {0, 4}
    assert repave("promote", "--dry-run").out == "test: r1 may enter now\n"


@pytest.mark.usefixtures("gated")
def test_a_deployment_that_a_gate_holds_is_refused_with_what_can_be_done(repave: Repave) -> None:
    """Also in an emergency: nothing skips the environment before."""
    for more in ((), ("--emergency", "orders are lost"), ("--release", "r1")):
        refused = repave("deploy", "prod", *more)
        assert refused.code == 5
        assert "r1 may not enter prod yet: test has not carried r1 in good health (rule carried)" in refused.err
        assert "hint: `repave promote test`" in refused.err


def test_going_back_to_what_never_was_there_asks_the_gates(gated: Path, repave: Repave) -> None:
    """Whoever names it."""
    store = SqlStore(f"sqlite:///{gated}/.repave/store.db")
    store.add_revision(OTHER, OLD)
    store.aim(OTHER, aim(), NOW)
    store.add_release({ImageName("web"): Digest("sha256:" + "ef" * 32)}, LOCK, "source", NOW)
    store.close()
    refused = repave("rollback", "prod", "--to", "r2")
    assert refused.code == 5
    assert "r2 may not enter prod yet: test has not carried r2 in good health (rule carried)" in refused.err


def test_who_goes_back_while_a_release_is_published_has_the_last_word(gated: Path) -> None:
    """Nothing is written down of the decision that came before."""
    with opened(gated / "repave.yaml") as wiring:
        (enter,) = wiring.promoting.plan(Silent()).entering
        environment, release = wiring.project.environments[enter.environment], wiring.store.release(enter.release)
        wiring.promoting.went_back(enter.environment, enter.release)
        with pytest.raises(Refused, match="test has moved on since r1 was let in"):
            write_down(wiring, environment, release, "patch")
        assert wiring.store.target(FLEET) is None
        assert [one.kind for one in wiring.store.evidence()] == ["rolled-back", "entry"]


@pytest.mark.usefixtures("gated")
def test_an_emergency_needs_a_reason(repave: Repave) -> None:
    """One that can be read."""
    for empty in ("", " "):
        assert "error: it needs a reason" in repave("deploy", "prod", "--emergency", empty).err
    assert "is no text in UTF-8" in repave("deploy", "prod", "--emergency", "\udcff").err


def test_the_key_says_who_agrees(gated: Path, repave: Repave) -> None:
    """Whoever runs the command."""
    said = repave("approve", "r1", "prod", "--reason", "tried", "--key", str(private_key(gated, "bob")))
    assert (said.code, said.out) == (0, "bob agrees that r1 enters prod: tried\n")
    assert "`repave promote prod` lets it in once every gate holds" in said.err
    waived = repave(
        "waive", "CVE-2026-1", "--until", "7d", "--reason", "never loaded", "--key", str(private_key(gated, "ana"))
    )
    assert waived.code == 0
    assert waived.out.startswith("ana answers for CVE-2026-1 until 20")


def test_words_that_cannot_count_are_refused(gated: Path, repave: Repave) -> None:
    """Each says what would."""
    key = ("--key", str(private_key(gated, "ana")))
    person(gated, "mallory")
    cases = {
        ("approve", "r1", "prod", *key): "error: it needs a reason",
        ("approve", "r9", "prod", "--reason", "x", *key): "error: there is no release r9",
        ("approve", "r1", "test", "--reason", "x", *key): "error: test wants nobody's approval",
        ("approve", "r1", "prdo", "--reason", "x", *key): "did you mean `prod`?",
        ("approve", "r1", "prod", "--reason", "x", "--key", "none"): "error: there is no key none",
        (
            *("approve", "r1", "prod", "--reason", "x"),
            *("--key", str(private_key(gated, "mallory"))),
        ): "is no key of anybody under `people`, which names ana, bob",
        ("waive", "CVE-1", "--until", "1999-01-01T00:00Z", "--reason", "x", *key): "--until 1999-01-01T00:00Z is over",
        ("waive", "CVE-1", "--until", "soon", "--reason", "x", *key): "--until soon: expected a duration",
        ("promote", "prdo"): "did you mean `prod`?",
    }
    for arguments, words in cases.items():
        ended = repave(*arguments)
        assert ended.code != 0, arguments
        assert words in ended.err, arguments


def test_a_file_of_holidays_is_read_line_by_line(gated: Path, repave: Repave) -> None:
    """A day that is none is told by its line; a file that is not there by its name."""
    file = gated / "repave.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("approvals: 1", "holidays: days.txt"), encoding="utf-8")
    missing = repave("promote", "--dry-run")
    assert missing.code == 2
    assert "days.txt:1:1: `" in missing.err
    assert "`gates.holidays` names a file of the project with a day on each line" in missing.err
    (gated / "days.txt").write_text("# ours\n2026-12-24 Christmas Eve\n\n24.12.2026\n", encoding="utf-8")
    assert "days.txt:4:1: `24.12.2026` is no day; expected one as `2026-12-24`" in repave("promote", "--dry-run").err
    (gated / "days.txt").write_text("2026-12-24 Christmas Eve\n", encoding="utf-8")
    assert repave("promote", "--dry-run").code == 0


def test_a_check_whose_file_is_not_there_is_told_before_anything_is_done(gated: Path, repave: Repave) -> None:
    """And what was never run has printed nothing."""
    file = gated / "repave.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("soak: 1h", "checks: [checks/smoke.sh]"), encoding="utf-8")
    missing = repave("promote")
    assert missing.code == 5
    assert f"error: the check checks/smoke.sh cannot be run: checks/smoke.sh is not in {gated}" in missing.err
    never = repave("logs", "test", "--check", "smoke.sh")
    assert never.code == 5
    assert "hint: declared there: checks/smoke.sh; `repave promote` runs them" in never.err


def test_what_waits_is_told_with_its_rule_and_what_can_be_done(gated: Path, repave: Repave) -> None:
    """One rule, since when, until when; for machines by the same words."""
    file = gated / "repave.yaml"
    frozen = 'freeze: ["2000-01-01..2999-12-31"]'
    file.write_text(file.read_text(encoding="utf-8").replace("soak: 1h", frozen), encoding="utf-8")
    lines = repave("promote").out.splitlines()
    assert lines[0] == "test: r1 waits: test is closed for releases, for a year and more"
    assert lines[1].startswith("  rule window (releases enter at certain times only), since ")
    assert lines[1].endswith(", until somebody acts")
    assert lines[2] == "  what can be done: `repave deploy test --release r1 --emergency REASON` does not wait"
    assert repave("explain", "test").out.splitlines() == lines
    assert json.loads(repave("explain", "prod", "--json").out)["error"]["code"] == "refused"
    (held,) = json.loads(repave("promote", "--json").out)["held"]
    assert json.loads(repave("explain", "--json").out) == {"fleets": [], "held": [held]}
    assert (held["environment"], held["release"], held["rule"], held["until"]) == ("test", 1, "window", None)
