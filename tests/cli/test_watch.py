"""``repave watch``: what it would do, that it is alone, and how it ends."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from forge import TOKEN, forge

from repave.cli import freshness
from repave.cli.codes import FAILED, HELD, OK, ROLLED_BACK, UNKNOWN, WAITING
from repave.cli.commands.watch import watch
from repave.cli.screen import Screen
from repave.config.difference import LockDifference
from repave.jobs.fence import alone
from repave.model.lock import Lock
from repave.model.names import EnvironmentName, ImageName, ReleaseNumber
from repave.model.watch import Carry, FreshnessPlan, Kind, Relock, Rule, Wait
from repave.operations.deploy import DEPLOYED, UNFINISHED, DeployResult, FleetResult
from repave.operations.deploy import ROLLED_BACK as WENT_BACK
from repave.operations.locking import Proposal
from repave.operations.patch import Cure
from repave.operations.watching.passed import Moved, Passed
from repave.operations.watching.passing import Watching
from repave.ports.errors import Unreachable
from repave.ports.pinner import Held

Repave = Callable[..., Any]
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
WEB, TEST = ImageName("web"), EnvironmentName("test")
CARRY = Carry(environment=TEST, release=ReleaseNumber(2), closes=("CVE-1",), by=NOW)


def plan(**changed: Any) -> FreshnessPlan:  # noqa: ANN401 - any field
    """Nothing to do, unless it is said."""
    return FreshnessPlan(at=NOW, wake=NOW, **changed)


def result(word: str) -> DeployResult:
    """Of one fleet."""
    fleet = FleetResult(
        environment="test",
        fleet="web",
        result=word,
        asked="r2",
        release="r2",
        reason="",
        endpoint="",
        serving=1,
        size=1,
    )
    return DeployResult(environment="test", release="r2", fleets=(fleet,), seconds=3.0)


PROPOSAL = Proposal(
    lock=Lock(), text="", previous=Lock(), difference=LockDifference(), changed=True, judged={}, remarks={}, held={}
)
HOLDING = Cure(
    proposal=PROPOSAL,
    difference=LockDifference(),
    cves_before=(),
    cves_closed=(),
    closed=("CVE-1",),
    remaining=(),
    rolls=(),
    held={WEB: (Held(name="lib", version="2", why="`lib < 2`"),)},
)
REPAIRED = Moved(kind=Kind.REPAIRS, proposal=PROPOSAL, closed=("CVE-1",))


@pytest.mark.parametrize(
    ("passed", "code", "told"),
    [
        (Passed(plan=plan()), OK, "everything is fresh"),
        (Passed(plan=plan(), moved=(REPAIRED,), results=(result(DEPLOYED),)), OK, "closes CVE-1"),
        (Passed(plan=plan(unknown=("osv: away",))), UNKNOWN, "nothing more to do by what could be read"),
        (Passed(plan=plan(unknown=("osv: away",)), results=(result(WENT_BACK),)), ROLLED_BACK, "test did not take r2"),
        (Passed(plan=plan(), results=(result(UNFINISHED),)), FAILED, "stopped: test did not take r2"),
        (
            Passed(plan=plan(), results=(result(WENT_BACK), result(DEPLOYED))),
            ROLLED_BACK,
            "stopped: test did not take r2",
        ),
        (
            Passed(plan=plan(waits=(Wait(rule=Rule.PAUSED, detail="prod was left half done"),))),
            WAITING,
            "what was begun waits until it is resumed",
        ),
        (Passed(plan=plan(carry=(CARRY,))), WAITING, "1 environment to be made fresher yet: test"),
        (Passed(plan=plan(), moved=(Moved(kind=Kind.REPAIRS, proposal=PROPOSAL, cure=HOLDING),)), HELD, "fresh"),
        (
            Passed(plan=plan(), moved=(Moved(kind=Kind.UPDATES, proposal=PROPOSAL, unknown=("osv: away",)),)),
            UNKNOWN,
            "everything is fresh",
        ),
        (
            Passed(
                plan=plan(waits=(Wait(rule=Rule.REVIEW, detail="repairs are proposed by https://forge.example/1"),))
            ),
            WAITING,
            "proposed, and waiting for people to look at it",
        ),
        (
            Passed(plan=plan(waits=(Wait(rule=Rule.UNREPAIRED, detail="repave.lock has CVE-2"),))),
            OK,
            "what remains cannot be repaired yet",
        ),
        (
            Passed(
                plan=plan(
                    waits=(
                        Wait(rule=Rule.DRIFT, detail="the base of image `web` has changed"),
                        Wait(rule=Rule.UNREPAIRED, detail="repave.lock has CVE-2"),
                    )
                )
            ),
            WAITING,
            "a person has to lock what was changed",
        ),
        (
            Passed(plan=plan(waits=(Wait(rule=Rule.UNBAKED, detail="no release was made of repave.lock"),))),
            WAITING,
            "a person has to bake what was locked",
        ),
        (
            Passed(plan=plan(waits=(Wait(rule=Rule.CLOSED, detail="repairs were proposed by https://forge/1"),))),
            OK,
            "nothing more to do: what would repair the rest was closed by people",
        ),
    ],
)
def test_each_end_has_its_code_and_its_words(
    passed: Passed, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failure comes before what is unknown, and that before what waits."""
    assert freshness.exit_code(passed) == code
    freshness.show(passed, NOW, Screen())
    assert told in capsys.readouterr().out
    assert set(freshness.document(passed)) >= {"moved", "carry", "unknown", "waits", "wake"}


def test_a_dry_run_shows_what_would_be_done_and_by_when(
    folder: Path, repave: Repave, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For people and for machines."""
    del folder
    relock = Relock(kind=Kind.REPAIRS, images=(WEB,), flaws=("CVE-1",), by=NOW)
    weekly = Relock(kind=Kind.UPDATES, images=(WEB,))
    first = plan(relock=relock, bake=True, carry=(CARRY,), finish=(TEST,), unknown=("osv: away",))
    monkeypatch.setattr(Watching, "plan", lambda *_: first)
    told = json.loads(repave("watch", "--dry-run", "--json").out)
    assert (told["relock"]["flaws"], told["unknown"]) == (["CVE-1"], ["osv: away"])
    shown = repave("watch", "--dry-run")
    assert shown.code == OK
    assert shown.out.splitlines() == [
        "would repair CVE-1 in web, the first due by 2026-03-04 12:00 UTC",
        "would bake repave.lock",
        "would let r2 into test as gates allow, which closes CVE-1, due by 2026-03-04 12:00 UTC",
        "would go on in test, where a rollout was left",
    ]
    assert "warning: not known to be clean: osv: away" in shown.err
    monkeypatch.setattr(Watching, "plan", lambda *_: plan(relock=weekly))
    assert repave("watch", "--dry-run").out == "would take this week's updates of web\n"
    monkeypatch.setattr(Watching, "plan", lambda *_: plan())
    assert repave("watch", "--dry-run").out == "nothing to do\n"


def test_there_is_one_at_a_time_and_it_needs_a_lock(folder: Path, repave: Repave) -> None:
    """Each says what can be done; whoever held the fence and is gone holds it no more."""
    refused = repave("watch", "--once")
    assert (refused.code, "there is nothing to keep fresh: no repave.lock" in refused.err) == (5, True)
    assert "hint: `repave lock` makes it" in refused.err
    with alone(folder / ".repave" / "watch.lock", doing="watching shop"):
        second = repave("watch", "--once")
    assert second.code == FAILED
    assert "is watching shop already" in second.err
    assert repave("watch", "--once").code == refused.code


def test_a_forge_that_does_not_answer_is_told_and_its_token_is_found_by_reference(
    folder: Path, repave: Repave, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of both kinds."""
    text = (folder / "repave.yaml").read_text(encoding="utf-8")
    with forge(folder / "hub.git") as hub:
        for kind in ("github", "gitlab"):
            said = f"forge: {kind}, repository: team/shop, author: repave <r@example.org>, api: '{hub.address}/{kind}'"
            review = f"review: {{{said}, token: {{secret: env:FORGE}}}}\n"
            (folder / "repave.yaml").write_text(text + review, encoding="utf-8")
            monkeypatch.delenv("FORGE", raising=False)
            assert "the secret env:FORGE cannot be resolved" in repave("watch", "--dry-run").err
            monkeypatch.setenv("FORGE", "wrong")
            assert "the server answered 401" in repave("watch", "--dry-run").err
            monkeypatch.setenv("FORGE", TOKEN)
            assert "there is nothing to keep fresh: no repave.lock" in repave("watch", "--dry-run").err


def test_what_fails_in_one_pass_is_told_and_the_next_one_comes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Until Ctrl-C, which says how it goes on; a pass whose lock could not be made says why."""
    trouble = Unreachable("the mirror is away", hint="wait")
    passes: list[Passed | BaseException] = [Unreachable("osv is away"), Passed(plan=plan(), trouble=trouble)]
    passes += [Passed(plan=plan()), KeyboardInterrupt()]

    def once(*_: object) -> Passed:
        made = passes.pop(0)
        if isinstance(made, BaseException):
            raise made
        return made

    monkeypatch.setattr(Watching, "once", once)
    monkeypatch.setattr("repave.cli.commands.watch.wait_until", lambda *_: None)
    with pytest.raises(Exception, match="interrupted: what runs stays as it is"):
        watch(file=folder)
    said = capsys.readouterr()
    assert said.out.splitlines() == ["everything is fresh", "everything is fresh"]
    assert "error: osv is away" in said.err
    assert "error: the mirror is away" in said.err
    assert said.err.count("looks again at") == 3
