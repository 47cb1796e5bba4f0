"""``repave record``, and ``repave verify`` of what it hands over, by a stranger with nothing but a key."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cosign_program import Pair, ed25519_pair
from store_scene import FLEET, OLD, seen

from repave.cli.commands.deploy import sign_record
from repave.cli.opening import opened
from repave.cli.screen import Screen
from repave.model.event import Event
from repave.model.exposure import Flaw
from repave.model.finding import Severity
from repave.model.statement import canonical
from repave.ports.intent import Aim
from repave.store.sql import SqlStore

Repave = Callable[..., Any]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def recorded(folder: Path, *messages: str) -> None:
    """So many events, a day apart."""
    store = SqlStore(f"sqlite:///{folder}/.repave/store.db")
    store.record(Event(at=NOW.replace(day=day), kind="note", message=each) for day, each in enumerate(messages, 1))
    store.close()


@pytest.fixture
def key(folder: Path) -> Pair:
    """The one that the project signs with."""
    made = ed25519_pair("release.pub")
    (folder / "release.key").write_text(made.pem(), encoding="ascii")
    (folder / "release.pub").write_text(made.trusted.pem, encoding="ascii")
    with (folder / "repave.yaml").open("a", encoding="utf-8") as file:
        file.write("signing: {key: 'file:release.key'}\n")
    return made


def elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, outside of any project, with only the bundle and the key in it."""
    empty = folder.parent / f"{folder.name}-auditor"
    empty.mkdir()
    for name in ("shop.record", "release.pub"):
        (folder / name).rename(empty / name)
    (folder / "repave.yaml").rename(empty.parent / f"{empty.name}.yaml")
    monkeypatch.chdir(empty)
    return empty


def test_a_stranger_checks_it_with_the_key_alone(
    folder: Path, repave: Repave, key: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What holds is said with who signed it; what was changed, by its number, and the code is 1."""
    recorded(folder, "one", "two", "three")
    exported = json.loads(repave("record", "export", "shop.record", "--json").out)
    assert (exported["first"], exported["last"], exported["key"]) == (1, 3, key.trusted.fingerprint)
    empty = elsewhere(folder, monkeypatch)
    verified = repave("verify", "shop.record", "--key", "release.pub")
    assert (verified.code, verified.out) == (0, "verified  the record of shop, events 1 to 3\n")
    assert "signed by release.pub" in verified.err
    bundle = empty / "shop.record"
    bundle.write_text(bundle.read_text(encoding="utf-8").replace('"two"', '"2"'), encoding="utf-8")
    found = repave("verify", "shop.record", "--key", "release.pub")
    assert found.code == 1
    assert "WRONG" in found.out
    assert "event 2: its hash does not cover what it says" in found.out
    answer = json.loads(repave("verify", "shop.record", "--key", "release.pub", "--json").out)
    assert answer["verified"] is False
    assert [problem["number"] for problem in answer["record"]["problems"]] == [2]
    assert sorted(path.name for path in empty.iterdir()) == ["release.pub", "shop.record"]


def test_a_part_of_it_is_handed_over(folder: Path, repave: Repave, key: Pair) -> None:
    """By days."""
    del key
    recorded(folder, "one", "two", "three", "four")
    exported = json.loads(
        repave("record", "export", "part.record", "--from", "2026-03-02", "--to", "2026-03-04", "--json").out
    )
    assert (exported["first"], exported["last"]) == (2, 3)


def test_the_signing_goes_over_to_another_key(folder: Path, repave: Repave, key: Pair) -> None:
    """Which is recorded, and said."""
    del key
    recorded(folder, "one")
    new = ed25519_pair("new.pub")
    (folder / "new.pub").write_text(new.trusted.pem, encoding="ascii")
    rotated = repave("record", "rotate", "new.pub")
    assert rotated.code == 0
    assert new.trusted.fingerprint in rotated.out
    assert "signing.key" in rotated.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("record", "exprt", "x"), "did you mean `repave record export`?"),
        (("record", "export"), "`repave record export` needs a file"),
        (("record", "export", "x", "--from", "yesterday"), "--from yesterday: expected a day such as 2026-03-01"),
        (("record", "export", "x", "--to", "2026-03-01T10:00"), "did you mean `2026-03-01T10:00Z`?"),
        (("record", "export", "x", "--from", "2027-01-01"), "nothing is recorded of that time"),
        (("where", "openssl", "--at", "2999-01-01"), "--at 2999-01-01 is still to come"),
        (("where", "openssl", "--at", "yesterday"), "--at yesterday: expected a day such as 2026-03-01"),
        (("record", "rotate", "gone.pub"), "there is no public key"),
        (("record", "rotate", "release.pub"), "is the key that signs already"),
    ],
)
def test_what_cannot_be_done_is_refused(
    folder: Path, repave: Repave, key: Pair, arguments: tuple[str, ...], said: str
) -> None:
    """With what to do instead."""
    del key
    recorded(folder, "one")
    ended = repave(*arguments)
    assert ended.code != 0
    assert said in ended.err


def test_a_record_without_a_key_proves_little(folder: Path, repave: Repave) -> None:
    """Neither is one exported without a key that signs, nor checked without one that counts."""
    recorded(folder, "one")
    refused = repave("record", "export", "shop.record")
    assert refused.code != 0
    assert "name one under `signing.key`" in refused.err
    (folder / "shop.record").write_text('{"type":"repave record bundle 1"}\n', encoding="utf-8")
    unkeyed = repave("verify", "shop.record")
    assert unkeyed.code != 0
    assert "`repave verify shop.record --key release.pub`" in unkeyed.err


def test_an_instance_is_looked_up_by_its_name(folder: Path, repave: Repave) -> None:
    """Also one that no record explains, and at a time at which it was not there."""
    store = SqlStore(f"sqlite:///{folder}/.repave/store.db")
    store.see(seen(NOW, "i-1"))
    store.close()
    found = repave("where", "slot-i-1")
    assert found.code == 0
    assert "i-1 (slot-i-1) of test/web, zone a: seen from 2026-03-01 12:00 and lives" in found.out
    assert "no record explains what it runs" in found.out
    absent = repave("where", "i-1", "--at", "2026-02-28")
    assert (absent.code, absent.out) == (0, "")
    assert "i-1 did not run then" in absent.err
    assert json.loads(repave("where", "i-1", "--json").out)["instances"][0]["artifact"] is None
    assert json.loads(repave("where", "i-1", "--json").out)["at"] is None
    assert json.loads(repave("where", "i-1", "--at", "2026-02-28", "--json").out)["at"] == "2026-02-28T00:00:00.000Z"


def test_exposures_are_shown_with_what_hurries(folder: Path, repave: Repave) -> None:
    """Without any, that is said; with one, its times and that it is open."""
    store = SqlStore(f"sqlite:///{folder}/.repave/store.db")
    store.add_revision(FLEET, OLD)
    store.aim(FLEET, Aim(revision=OLD.id, release=OLD.release, size=1, reason=""), NOW)
    assert "no flaw is known" in repave("status", "--exposures").err
    store.see(seen(NOW, "i-1"))
    flaw = Flaw(advisory="CVE-2026-1", severity=Severity.HIGH, published_at=NOW.replace(year=2025), fixable_at=NOW)
    store.expose(OLD.artifact, [flaw], whole=True)
    store.close()
    shown = repave("status", "--exposures")
    row = next(line for line in shown.out.splitlines() if line.startswith("CVE-2026-1"))
    assert row.split()[:4] == ["CVE-2026-1", "test/web", "high", "overdue"]
    assert "on 1 instance" in row
    assert row.endswith("ago")
    assert "1 flaw open: 1 overdue, 0 at risk" in shown.err
    (clock,) = json.loads(repave("status", "test", "--exposures", "--json").out)["exposures"]
    assert (clock["advisory"], clock["state"], clock["last_clean_at"]) == ("CVE-2026-1", "overdue", None)


def test_a_deploy_ends_with_a_signed_head(folder: Path, repave: Repave, key: Pair) -> None:
    """Which covers all that was recorded; a bundle tells how many hold."""
    del key
    recorded(folder, "one", "two")
    with opened(folder / "repave.yaml") as wiring:
        sign_record(wiring, Screen())
        (head,) = (one.event for one in wiring.store.recorded(kinds=("head",)))
    assert head.sequence == 3
    repave("record", "export", "shop.record")
    assert "and 1 head within" in repave("verify", "shop.record", "--key", "release.pub").err


def test_heads_of_unknown_keys_are_warned_of(folder: Path, repave: Repave, key: Pair) -> None:
    """What they covered may have been changed."""
    del key
    recorded(folder, "one", "two")
    with opened(folder / "repave.yaml") as wiring:
        sign_record(wiring, Screen())
    assert "with 1 signed head in it" in repave("record", "export", "shop.record").err
    (folder / "release.key").write_text(ed25519_pair("other.pub").pem(), encoding="ascii")
    warned = repave("record", "export", "other.record").err
    assert "with 0 signed heads in it" in warned
    assert "warning: heads in it by keys that are not known here: 1." in warned


def test_a_bundle_of_a_stranger_writes_nothing_into_the_terminal(folder: Path, repave: Repave, key: Pair) -> None:
    """Neither by the name of its project nor by what it says of itself."""
    del key
    bundle = {"type": "repave record bundle 1", "project": "\x1b[2J", "first": 1, "previous": "", "artifacts": {}}
    head = {"said": {"type": "repave record head 1", "number": "\x1b[2K"}, "key": "", "signature": ""}
    (folder / "shop.record").write_bytes(b"".join(canonical(line) + b"\n" for line in (bundle, head)))
    shown = repave("verify", "shop.record", "--key", "release.pub")
    assert shown.code == 1
    assert "\x1b" not in shown.out + shown.err


def test_a_file_without_a_record_s_first_line_is_told_as_that(
    folder: Path, repave: Repave, key: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no project, nobody is told to make one."""
    del key
    (folder / "shop.record").write_text('{"type":"something else"}\n', encoding="utf-8")
    elsewhere(folder, monkeypatch)
    told = repave("verify", "shop.record", "--key", "release.pub")
    assert told.code != 0
    assert "shop.record is no record that this repave can check" in told.err


def test_a_key_that_is_gone_keeps_nobody_from_deploying(
    folder: Path, key: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was deployed is deployed; that its end is not signed is said."""
    del key
    recorded(folder, "one")
    (folder / "release.key").unlink()
    with opened(folder / "repave.yaml") as wiring:
        sign_record(wiring, Screen())
        assert wiring.store.newest_event() == 1
    assert "the end of the record is not signed" in capsys.readouterr().err
