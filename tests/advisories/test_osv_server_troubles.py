"""A server of OSV's API that fails, lies, dawdles or answers in part: nothing of that is ever clean."""

import re
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime

import pytest
from osv_api import BATCH, CUT, FEWER, HALF, OsvApiServer, Trouble
from osv_asking import DAY_SECONDS, FLASK, RECORD, Asking
from osv_records import document, lock_of, ranged, wheel

from repave.advisories.osv import api
from repave.advisories.osv.server import KEPT_FILE


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
