"""The record handed over: whatever is done to a bundle is found, by its number, with nothing but the public key."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cosign_program import ed25519_pair, pair
from record_scene import RecordScene, told
from simulated_shop import QUIET, Shop
from store_scene import later, seen

from repave.attestations.signatures.keys import Judge
from repave.model.chain import ORIGIN, chained, link
from repave.model.statement import canonical
from repave.operations.errors import Refused
from repave.operations.recording.verifying import Verdict, verify_bundle
from repave.ports.errors import Corrupt
from repave.ports.signatures import TrustedKey

Lines = list[bytes]
Tamper = Callable[[Lines, int], Lines]
"""Does something to the event at a place among the lines; the header is at 0, the head at -1."""


def changed(lines: Lines, at: int) -> Lines:
    """It says something else."""
    document = json.loads(lines[at])
    document["event"]["message"] += "!"
    return [*lines[:at], canonical(document) + b"\n", *lines[at + 1 :]]


def changed_anew(lines: Lines, at: int) -> Lines:
    """It says something else, and every hash from there on is made anew."""
    lines = changed(lines, at)
    previous = json.loads(lines[at - 1]).get("hash") or json.loads(lines[0])["previous"]
    for place in range(at, len(lines) - 1):
        document = json.loads(lines[place])
        previous = document["hash"] = link(previous, canonical(document["event"]))
        lines[place] = canonical(document) + b"\n"
    return lines


def written_otherwise(lines: Lines, at: int) -> Lines:
    """It says the same in other bytes."""
    return [*lines[:at], json.dumps(json.loads(lines[at])).encode() + b"\n", *lines[at + 1 :]]


def removed(lines: Lines, at: int) -> Lines:
    """It is not there."""
    return [*lines[:at], *lines[at + 1 :]]


def removed_and_renumbered(lines: Lines, at: int) -> Lines:
    """It is not there, those behind it take its number, and every hash is made anew."""
    previous = json.loads(lines[at - 1]).get("hash") or json.loads(lines[0])["previous"]
    made = lines[:at]
    for place in range(at + 1, len(lines) - 1):
        document = json.loads(lines[place])
        document["event"]["number"] -= 1
        previous = document["hash"] = link(previous, canonical(document["event"]))
        made.append(canonical(document) + b"\n")
    return [*made, lines[-1]]


def swapped(lines: Lines, at: int) -> Lines:
    """It and the one before it change places; the first one goes to the end."""
    if at == 1:
        return [lines[0], *lines[2:-1], lines[1], lines[-1]]
    return [*lines[: at - 1], lines[at], lines[at - 1], *lines[at + 1 :]]


def truncated(lines: Lines, at: int) -> Lines:
    """It and all behind it are gone, and the head is there."""
    return [*lines[:at], lines[-1]]


def cut_off(lines: Lines, at: int) -> Lines:
    """It is the last line."""
    return lines[: at + 1]


def doubled(lines: Lines, at: int) -> Lines:
    """It stands there twice."""
    return [*lines[:at], lines[at], *lines[at:]]


def appended(lines: Lines, at: int) -> Lines:
    """It stands again behind the head."""
    return [*lines, lines[at]]


TAMPERS: tuple[Tamper, ...] = (
    changed,
    changed_anew,
    written_otherwise,
    removed,
    removed_and_renumbered,
    swapped,
    truncated,
    cut_off,
    doubled,
    appended,
)

NAMED = (changed, removed, swapped, doubled)
"""What shows by the number of the event itself."""


@pytest.fixture
def scene(shop: Shop) -> RecordScene:
    """A story that has happened."""
    return told(shop)


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """One that was exported, and who signed it."""

    lines: tuple[bytes, ...]
    key: TrustedKey

    def tried(self, path: Path, lines: Sequence[bytes]) -> Verdict:
        """What these lines are worth in its place."""
        path.write_bytes(b"".join(lines))
        return verify_bundle(path, (self.key,), Judge, QUIET)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Of a story that has happened; nobody changes it."""
    shop = Shop(tmp_path_factory.mktemp("told") / "shop")
    scene = told(shop)
    scene.export(shop.folder / "shop.record")
    content = (shop.folder / "shop.record").read_bytes()
    shop.close()
    return Bundle(lines=tuple(content.splitlines(keepends=True)), key=scene.key.trusted)


def test_a_record_that_nobody_touched_holds(scene: RecordScene, tmp_path: Path) -> None:
    """Promise 15: every event is there, and what ran, from when to when, by what was seen and not by what was asked."""
    exported = scene.export(tmp_path / "shop.record")
    verdict = scene.check(tmp_path / "shop.record")
    assert verdict.holds, verdict.problems
    assert (verdict.first, verdict.last, verdict.events) == (1, exported.last, scene.shop.store.newest_event())
    assert (verdict.signed_by, verdict.heads) == ("first.pub", 2)
    lived = {(one.instance, one.gone_at is None) for one in scene.shop.store.lifetimes()}
    assert {(one.instance, one.until is None) for one in verdict.ran} == lived
    assert {one.artifact for one in verdict.ran} <= {
        artifact for release in scene.shop.store.releases() for artifact in release.artifacts.values()
    }


def test_who_was_first_seen_by_a_clock_that_was_ahead_did_not_end_before(shop: Shop, tmp_path: Path) -> None:
    """It ran from its end on, at the latest, by what was seen with the right clock."""
    scene = RecordScene(shop=shop)
    shop.store.see(seen(later(86_400), "i-1"))
    shop.store.see(seen(later(1)))
    scene.export(tmp_path / "shop.record")
    (ran,) = scene.check(tmp_path / "shop.record").ran
    assert ran.since == ran.until


@pytest.mark.parametrize("tamper", TAMPERS)
def test_every_event_that_is_tampered_with_is_found(bundle: Bundle, tmp_path: Path, tamper: Tamper) -> None:
    """Each event of the story in turn."""
    assert len(bundle.lines) > 40
    for at in range(1, len(bundle.lines) - 1):
        verdict = bundle.tried(tmp_path / "other.record", tamper(list(bundle.lines), at))
        assert not verdict.holds, f"event {at}, {tamper.__name__}"
        assert verdict.ran == ()
        if tamper in NAMED:
            assert at in {problem.number for problem in verdict.problems}, (at, verdict.problems)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"first":1', b'"first":2'),
        (b'"project":"shop"', b'"project":"shed"'),
        (b'"previous":"0', b'"previous":"1'),
        (b"signature of", b"signature by"),
    ],
)
def test_the_first_line_is_covered_too(bundle: Bundle, tmp_path: Path, before: bytes, after: bytes) -> None:
    """Whose record it is, where it begins, and what was signed of the artifacts."""
    first, *others = bundle.lines
    assert before in first
    assert not bundle.tried(tmp_path / "other.record", [first.replace(before, after), *others]).holds


def test_another_key_says_nothing(bundle: Bundle, tmp_path: Path) -> None:
    """Whoever makes a whole record anew needs the key."""
    for stranger in (ed25519_pair("stranger.pub"), pair("stranger.pub")):
        verdict = replace(bundle, key=stranger.trusted).tried(tmp_path / "shop.record", bundle.lines)
        assert [problem.message for problem in verdict.problems] == ["no key that counts signed the head"]


def test_a_key_hands_over_to_the_next(scene: RecordScene, tmp_path: Path) -> None:
    """Who knows the old key finds the new one in the record; a bundle is checked by either."""
    old, new = scene.key, pair("second.pub")
    scene.keeping.rotate(new.trusted)
    scene.key, scene.trusted = new, (old.trusted,)
    scene.keeping.sign_head()
    scene.export(tmp_path / "shop.record")
    for key in (old, new):
        verdict = verify_bundle(tmp_path / "shop.record", (key.trusted,), Judge, QUIET)
        assert verdict.holds, verdict.problems
    lines = (tmp_path / "shop.record").read_bytes().splitlines(keepends=True)
    without = [line for line in lines if b'"kind":"key"' not in line]
    (tmp_path / "other.record").write_bytes(b"".join(without))
    assert not verify_bundle(tmp_path / "other.record", (old.trusted,), Judge, QUIET).signed_by


def test_a_key_does_not_hand_over_to_itself(scene: RecordScene) -> None:
    """It would be said of a key that signs already."""
    with pytest.raises(Refused, match=r"first\.pub is the key that signs already"):
        scene.keeping.rotate(scene.key.trusted)


def test_a_part_is_checked_by_itself(scene: RecordScene, tmp_path: Path) -> None:
    """From one moment to another; what is before it is covered by the hash it continues."""
    found = scene.shop.store.recorded()
    since, until = found[9].event.at, found[30].event.at
    exported = scene.exporting.export(tmp_path / "part.record", since=since, until=until, progress=QUIET)
    verdict = scene.check(tmp_path / "part.record")
    assert verdict.holds, verdict.problems
    assert exported.first <= 10
    assert 31 <= exported.last < len(found)
    assert (verdict.first, verdict.last) == (exported.first, exported.last)


def test_a_store_that_was_tampered_with_is_not_signed(scene: RecordScene, tmp_path: Path) -> None:
    """Whoever changes the database does not get repave to vouch for it, whether or not they made the hashes anew."""
    file = scene.shop.folder / "store.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE events SET message = 'nothing happened' WHERE sequence = 7")
    with pytest.raises(Corrupt, match="event 7: its hash") as refused:
        scene.export(tmp_path / "shop.record")
    assert "backup" in refused.value.hint
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DELETE FROM events WHERE sequence = 8")
    with pytest.raises(Corrupt):
        scene.export(tmp_path / "shop.record")
    assert not list(tmp_path.glob("*.record"))


def made_anew(scene: RecordScene, gone: Sequence[int]) -> None:
    """These events are taken out of the store; those behind them are numbered and hashed anew."""
    kept = [one for one in scene.shop.store.recorded() if one.event.sequence not in gone]
    numbered = (replace(one.event, sequence=number) for number, one in enumerate(kept, 1))
    with closing(sqlite3.connect(scene.shop.folder / "store.db")) as connection, connection:
        connection.executemany("DELETE FROM events WHERE sequence = ?", [(number,) for number in gone])
        for before, after in zip(kept, chained(numbered, ORIGIN), strict=True):
            row = (after.event.sequence, after.hash, before.event.sequence)
            connection.execute("UPDATE events SET sequence = ?, hash = ? WHERE sequence = ?", row)


@pytest.mark.parametrize("gone", [(7,), (7, 8), (7, 8, 9, 10)])
def test_events_taken_out_before_a_head_are_found_however_many(
    scene: RecordScene, tmp_path: Path, gone: Sequence[int]
) -> None:
    """A head that covers what stands behind it was moved there."""
    made_anew(scene, gone)
    with pytest.raises(Corrupt, match="the head that was signed here is of another record"):
        scene.export(tmp_path / "shop.record")


def test_heads_of_keys_that_nobody_knows_are_told_when_the_record_is_handed_over(
    scene: RecordScene, tmp_path: Path
) -> None:
    """Who takes the key's name off a head has to leave something there."""
    assert (scene.export(tmp_path / "one").heads, scene.export(tmp_path / "two").strange_heads) == (2, 0)
    scene.key = ed25519_pair("second.pub")
    exported = scene.export(tmp_path / "three")
    assert (exported.heads, exported.strange_heads) == (0, 2)


@pytest.mark.parametrize("written", ["{", "[]", '{"a":1.5}', '{"a":NaN}', "[" * 100_000])
def test_broken_details_are_told_by_their_event(scene: RecordScene, tmp_path: Path, written: str) -> None:
    """As tampered with, which it was."""
    with closing(sqlite3.connect(scene.shop.folder / "store.db")) as connection, connection:
        connection.execute("UPDATE events SET details = ? WHERE sequence = 7", (written,))
    with pytest.raises(Corrupt, match="event 7: its details are not as they were written"):
        scene.export(tmp_path / "shop.record")


def test_details_with_half_a_letter_are_tampered_with(scene: RecordScene, tmp_path: Path) -> None:
    """Nothing that repave wrote has them."""
    with closing(sqlite3.connect(scene.shop.folder / "store.db")) as connection, connection:
        connection.execute("UPDATE events SET details = ? WHERE sequence = 7", (r'{"a":"\ud800"}',))
    with pytest.raises(Corrupt, match="event 7: its hash"):
        scene.export(tmp_path / "shop.record")


@pytest.mark.parametrize("name", [b"project", b"previous"])
def test_half_a_letter_in_the_first_line_is_wrong_and_nothing_more(bundle: Bundle, tmp_path: Path, name: bytes) -> None:
    """It is told like any other change."""
    first, *others = bundle.lines
    strange = first.replace(b'"%b":"' % name, b'"%b":"\\ud800' % name)
    assert strange != first
    assert not bundle.tried(tmp_path / "other.record", [strange, *others]).holds


def test_what_cannot_be_exported_is_refused(shop: Shop, tmp_path: Path) -> None:
    """Nothing recorded, no key, a path that is taken."""
    scene = RecordScene(shop=shop)
    with pytest.raises(Refused, match="nothing is recorded"):
        scene.export(tmp_path / "shop.record")
    assert scene.keeping.sign_head() is None
    (tmp_path / "taken").write_text("")
    with pytest.raises(Refused, match="exists already"):
        scene.export(tmp_path / "taken")


@pytest.mark.parametrize("content", [b"", b"{}\n", b"not json\n", b'{"type":"repave record bundle 9"}\n'])
def test_what_is_no_bundle_is_refused(bundle: Bundle, tmp_path: Path, content: bytes) -> None:
    """With how one is made."""
    with pytest.raises(Refused, match="no record that this repave can check") as refused:
        bundle.tried(tmp_path / "other", [content])
    assert "repave record export" in refused.value.hint


def test_a_head_that_is_nested_without_end_says_nothing(bundle: Bundle, tmp_path: Path) -> None:
    """It is told like any other that no key signed."""
    deep = b'{"key":"","said":%b{}%b,"signature":""}\n' % (b'{"a":' * 800, b"}" * 800)
    verdict = bundle.tried(tmp_path / "other.record", [*bundle.lines[:-1], deep])
    assert not verdict.holds


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\n",
        b"[]\n",
        b'{"event":{},"hash":"x"}\n',
        b'{"event":{"number":true},"hash":""}\n',
        b'{"said":"\\ud800"}\n',
    ],
)
def test_strange_lines_are_wrong_and_nothing_more(bundle: Bundle, tmp_path: Path, line: bytes) -> None:
    """Whatever stands there, it is told, and nothing breaks."""
    assert not bundle.tried(tmp_path / "other.record", [*bundle.lines[:5], line, *bundle.lines[5:]]).holds


def test_no_secret_is_recorded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the value behind a reference nor what the configuration says."""
    monkeypatch.setenv("TOKEN", "hunter2-of-production")
    told(shop)
    shop.deploy("prod", 1)
    whole = b"".join(canonical(dict(one.event.details)) + one.event.message.encode() for one in shop.store.recorded())
    assert b"hunter2" not in whole
    assert b"GREETING" not in whole
    kinds = {one.event.kind for one in shop.store.recorded()}
    assert {
        "release",
        "deploy",
        "plan",
        "sighting",
        "launch",
        "rollback",
        "pause",
        "replace",
        "revoke",
        "head",
    } <= kinds
