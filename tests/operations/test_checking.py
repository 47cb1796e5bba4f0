"""Checks among the gates of a shop: when they are run, what is kept of them, and what they hold."""

import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from answering import Answers, answering
from simulated_shop import FILE, QUIET, Shop

from repave.jobs.asking import HttpAsking
from repave.jobs.check_logs import LOGS_KEPT, FolderLogs
from repave.model.checks import HttpCheck, ProgramCheck
from repave.model.evidence import Checked
from repave.model.names import FleetName, ImageName
from repave.model.pipeline import Rule
from repave.operations.errors import Refused
from repave.ports.checks import CheckOutcome, Endpoint

SMOKE = "checks/smoke.sh"
TEXT = FILE.replace(
    "config: {GREETING: hello}",
    'config: {TOKEN: {secret: "env:TOKEN"}}, gates: {checks: [{run: checks/smoke.sh, files: [checks/data/]}, '
    "{http: /healthz}], checks_last: 2h}",
).replace("{size: 3}", "{size: 1}")
FAILED = CheckOutcome(passed=False, detail="exit code 1", output="asking\n\n\x1b[31mtoken s3cret\n")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Two checks in test, and a release that it carries."""
    made = Shop(tmp_path, TEXT)
    made.variables["TOKEN"] = "s3cret"  # noqa: S105 - of this test
    (tmp_path / "checks" / "data").mkdir(parents=True)
    (tmp_path / SMOKE).write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    (tmp_path / "checks" / "data" / "one").write_text("1", encoding="utf-8")
    made.lock()
    made.bake()
    yield made
    made.close()


def runs(shop: Shop) -> list[tuple[str, int, bool]]:
    """What the next promotion runs, in order."""
    before = len(shop.ran)
    shop.promote()
    return [(one.check, one.release, one.passed) for one in shop.ran[before:]]


def waits(shop: Shop) -> list[tuple[int, Rule, str]]:
    """What holds each release before prod now, without anything being run."""
    return [(one.release, one.rule, one.detail) for one in shop.promoting.plan(QUIET).held]


def test_a_release_goes_on_when_all_checks_have_passed_on_it_where_it_runs(shop: Shop) -> None:
    """One that failed is run again by each promotion, one that passed is not."""
    shop.checks.outcomes[SMOKE] = FAILED
    assert shop.checking.verify(shop.environment("test"), QUIET) == (), "where nothing runs nothing is checked"
    assert runs(shop) == [(SMOKE, 1, False), ("web/healthz", 1, True)]
    detail = f"{SMOKE} failed on r1 in test: exit code 1; at its end: asking / [31mtoken ***"
    assert waits(shop) == [(1, Rule.CHECKS, detail)]
    prod, release = shop.environment("prod"), shop.store.releases()[0]
    with pytest.raises(Refused, match=r"r1 may not enter prod yet: checks/smoke.sh failed .* \(rule checks\)") as told:
        shop.promoting.admit(prod, release, QUIET, shop.promoting.word(prod, release, "orders are lost"))
    assert told.value.hint == (
        f"`repave promote` runs it again; `repave logs test --check {SMOKE}` shows all that it printed"
    )
    assert runs(shop) == [(SMOKE, 1, False)]
    del shop.checks.outcomes[SMOKE]
    assert runs(shop) == [(SMOKE, 1, True)]
    assert (waits(shop), shop.store.target(shop.keys("prod")[0]) is not None) == ([], True)
    told_of = [event.message for event in shop.store.events() if event.kind == "checked"]
    assert told_of[0] == detail
    assert f"{SMOKE} passed on r1 in test: as invented" in told_of


def test_what_passed_is_run_again_when_it_or_the_release_is_another_or_long_ago_or_asked_for(shop: Shop) -> None:
    """And a failure then takes away that the release may go on."""
    runs(shop)
    assert runs(shop) == []
    shop.clock.sleep(7200)
    assert [name for name, _, _ in runs(shop)] == [SMOKE, "web/healthz"]
    (shop.folder / "checks" / "data" / "one").write_text("2", encoding="utf-8")
    assert runs(shop) == [(SMOKE, 1, True)]
    shop.change_application("print('two')\n")
    shop.bake()
    shop.checks.outcomes["/healthz"] = CheckOutcome(passed=False, detail="answered 500", output="")
    assert runs(shop) == [(SMOKE, 2, True), ("web/healthz", 2, False)]
    del shop.checks.outcomes["/healthz"]
    test = shop.environment("test")
    shop.clock.sleep(1)
    assert len(shop.checking.verify(test, QUIET)) == 1
    assert waits(shop) == []
    assert [one.release for one in shop.promoting.plan(QUIET).entering] == [2]
    shop.checks.outcomes[SMOKE] = FAILED
    ran = shop.checking.verify(test, QUIET, again=True)
    assert [(one.check, one.passed) for one in ran] == [(SMOKE, False), ("web/healthz", True)]
    assert shop.checking.verify(test, QUIET, again=True, already=ran) == ()
    assert [(number, rule) for number, rule, _ in waits(shop)] == [(2, Rule.CHECKS)]


def test_a_check_is_given_the_fleets_address_and_its_own_files_and_its_output_is_kept(shop: Shop) -> None:
    """Nothing else of the project, and no secret; what was printed is shown, and of it no secret either."""
    shop.checks.outcomes[SMOKE] = FAILED
    runs(shop)
    (order,) = shop.checks.ordered
    assert sorted(order.files) == ["checks/data/one", SMOKE]
    (endpoint,) = order.endpoints
    assert order.variables == {
        "REPAVE_ENVIRONMENT": "test",
        "REPAVE_RELEASE": "r1",
        "REPAVE_URL": endpoint.url,
        "REPAVE_URL_WEB": endpoint.url,
        "REPAVE_ADDRESS": endpoint.address,
        "REPAVE_ADDRESS_WEB": endpoint.address,
    }
    ran, output = shop.checking.log(shop.environment("test"), "smoke.sh")
    assert (ran.passed, output) == (False, "exit code 1\nasking\n\n\x1b[31mtoken ***\n")
    for named in ("load", "moke.sh"):
        with pytest.raises(Refused, match=f"no check `{named}` has been run in test") as told:
            shop.checking.log(shop.environment("test"), named)
        assert told.value.hint == f"declared there: {SMOKE}, web/healthz; `repave promote` runs them"
    (shop.folder / "smoke.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (shop.folder / "more" / "smoke.sh").parent.mkdir()
    (shop.folder / "more" / "smoke.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    test = shop.environment("test")
    smoke = test.gates.checks[0]
    assert isinstance(smoke, ProgramCheck)
    for path in ("more/smoke.sh", "smoke.sh"):
        others = replace(test.gates, checks=(replace(smoke, run=path, files=()),))
        if path == "smoke.sh":
            with pytest.raises(Refused, match=r"several checks in test end with `smoke\.sh`") as told:
                shop.checking.log(test, path)
            assert told.value.hint == f"name one whole: {SMOKE}, more/smoke.sh"
        shop.checking.verify(replace(test, gates=others), QUIET)
        assert shop.checking.log(test, path)[0].check == path
    assert not any("s3cret" in str(one) for one in shop.store.evidence() if isinstance(one, Checked))


def test_a_check_that_cannot_be_run_has_not_passed(shop: Shop) -> None:
    """Where nobody runs programs, and where its image is in no release: the reason is the detail."""
    shop.promote()
    checking, test = shop.checking, shop.environment("test")
    checking._bench = replace(checking._bench, machines=lambda _: shop.world)
    assert checking.verify(test, QUIET, again=True)[0].detail == (
        "it could not be run: local runs no programs; at its end: ask by `http`"
    )
    smoke, asked = test.gates.checks
    assert isinstance(smoke, ProgramCheck)
    elsewhere = replace(smoke, image=ImageName("tools"))
    other = replace(test, gates=replace(test.gates, checks=(elsewhere, asked)))
    assert "r1 holds no artifact of image tools" in shop.checking.verify(other, QUIET, again=True)[0].detail


def test_what_is_tried_on_a_release_that_does_not_stay_has_not_passed(shop: Shop) -> None:
    """Another one came while it ran: nobody knows which of them it found well."""
    shop.promote()
    shop.change_application("print('two')\n")
    shop.bake()
    shop.checks.meanwhile[SMOKE] = lambda: shop.deploy("test", 2)
    tried, after = shop.checking.verify(shop.environment("test"), QUIET, again=True)
    assert (tried.release, tried.passed, tried.detail) == (1, False, "test changed while it ran")
    assert not after.passed
    del shop.checks.meanwhile[SMOKE]
    assert [one.release for one in shop.checking.verify(shop.environment("test"), QUIET) if one.passed] == [2, 2]


def test_of_a_long_answer_the_end_is_kept_and_of_none_a_secret_that_cannot_be_looked_for(shop: Shop) -> None:
    """Without the secret nobody can tell where it stands: what came of the check is kept alone."""
    said = "s3cret, too, at its end\n"
    shop.checks.outcomes[SMOKE] = CheckOutcome(passed=True, detail="as invented", output="\u00e9" * 60_000 + said)
    runs(shop)
    output = shop.checking.log(shop.environment("test"), SMOKE)[1]
    assert 64 * 1024 <= len(output.encode()) <= 64 * 1024 + len("as invented\n")
    assert output.endswith("\u00e9***, too, at its end\n")
    del shop.variables["TOKEN"]
    shop.checks.outcomes[SMOKE] = FAILED
    ran = shop.checking.verify(shop.environment("test"), QUIET, again=True)[0]
    assert (ran.passed, "s3cret" in ran.detail) == (False, False)
    output = shop.checking.log(shop.environment("test"), SMOKE)[1]
    assert output == (
        "what it said is not kept: the secret env:TOKEN cannot be resolved: the environment variable is not set\n"
        "set TOKEN in the environment of this command"
    )


def test_logs_of_many_runs_at_once_are_kept_whole(tmp_path: Path) -> None:
    """Also where two of them say the same, and clear away at the same time."""
    logs = FolderLogs(tmp_path / "logs")
    for number in range(LOGS_KEPT + 20):
        logs.keep(f"old {number}")
    with ThreadPoolExecutor(8) as threads:
        kept = [threads.submit(logs.keep, f"run {number // 8}") for number in range(160)]
    assert {logs.read(one.result()) for one in kept} == {f"run {number}" for number in range(20)}
    assert {path.suffix for path in (tmp_path / "logs").iterdir()} == {".log"}


def test_files_of_checks_that_cannot_be_meant_are_refused(shop: Shop, tmp_path: Path) -> None:
    """Before anything is run, and with what to do."""
    smoke, data = tmp_path / SMOKE, tmp_path / "checks" / "data"

    def refused(words: str) -> str:
        with pytest.raises(Refused, match=words) as told:
            shop.promoting.plan(QUIET)
        return told.value.hint

    smoke.write_text("exit 0\n", encoding="utf-8")
    assert "`#!/bin/sh`" in refused(f"{SMOKE} does not say by what it is run")
    smoke.unlink()
    assert refused(f"{SMOKE} cannot be run: {SMOKE} is not in {tmp_path}")
    smoke.mkdir()
    assert refused(f"{SMOKE} is a folder")
    smoke.rmdir()
    smoke.write_text("#!/bin/sh\n", encoding="utf-8")
    (data / "out").symlink_to("/etc/passwd")
    assert refused("leads out of the project to /etc/passwd") == "copy what it needs into the project"
    (data / "out").unlink()
    with (data / "large").open("wb") as large:
        large.truncate((32 << 20) + 1)
    assert "name what it needs" in refused("are above 32 MiB")


def test_metrics_hold_a_release_until_it_is_known_to_answer_well_where_it_runs(tmp_path: Path) -> None:
    """Without traffic nothing is known; too many errors are told with the numbers."""
    limits = "gates: {metrics: {error_rate: 0.5%, latency: 300ms, over: 5m}}"
    shop = Shop(tmp_path, FILE.replace("config: {GREETING: hello}", limits).replace("{size: 3}", "{size: 1}"))
    try:
        shop.lock()
        shop.bake()
        shop.promote()
        unknown = "how r1 answers in test is not known: 0 answers of web were measured, 100 say something"
        assert waits(shop) == [(1, Rule.METRICS, unknown)]
        (web,) = shop.keys("test")
        shop.world.load[web] = lambda _: 10.0
        for machine in shop.world.machines.values():
            machine.behaviour = replace(machine.behaviour, error_share=0.02)
        shop.clock.sleep(60)
        ((_, rule, detail),) = waits(shop)
        assert rule is Rule.METRICS
        assert re.fullmatch(r"r1 does not answer well in test: 2.00 % of \d+ answers of web failed, 0.5 % may", detail)
        for machine in shop.world.machines.values():
            machine.behaviour = replace(machine.behaviour, error_share=0.0)
        shop.clock.sleep(60)
        shop.promote()
        assert (waits(shop), shop.store.target(shop.keys("prod")[0]) is not None) == ([], True)
        shop.world.unmeasured = "the balancer does not answer"
        assert shop.promoting.plan(QUIET).held == (), "what has entered has entered"
    finally:
        shop.close()


@pytest.mark.parametrize(
    ("more", "came"),
    [
        ({}, "answered 200"),
        ({"contains": "hello"}, "answered 200"),
        ({"contains": "goodbye"}, "answered 200 without `goodbye`"),
        ({"status": 204}, "answered 200, not 204"),
        ({"path": "/moved", "status": 302}, "answered 302"),
        ({"path": "/slow", "timeout_seconds": 0.2}, "took longer than 0.2 s"),
        ({"path": "/drips", "timeout_seconds": 0.3}, "took longer than 0.3 s"),
        ({"path": "/drips-headers", "timeout_seconds": 0.3}, "took longer than 0.3 s"),
        ({"path": "/ends-late", "timeout_seconds": 0.4}, "took longer than 0.4 s"),
        ({"path": "/breaks"}, "failed: "),
        ({"path": "/base64", "contains": "hello"}, "answered 200"),
        ({"path": "/undefined", "contains": "hello"}, "answered 200"),
        ({"path": "/nonsense", "contains": "hello"}, "answered 200"),
    ],
)
def test_a_request_is_judged_by_its_status_its_content_and_its_time(more: dict[str, object], came: str) -> None:
    """What does not come is no answer; nobody is followed elsewhere, and whatever encoding it names, it is read."""
    check = HttpCheck(path="/hello", fleet=FleetName("web"), status=200, timeout_seconds=5.0)
    with answering() as endpoint:
        outcome = HttpAsking().ask(replace(check, **more), endpoint)  # type: ignore[arg-type] # a test's own words
    assert came in outcome.detail
    assert outcome.passed is (came in {"answered 200", "answered 302"})
    assert Answers.HELLO in outcome.output or "/" in str(more.get("path", ""))


def test_where_nobody_listens_the_reason_is_told() -> None:
    """By the system's own number, not in the words of the libraries above it."""
    check = HttpCheck(path="/hello", fleet=FleetName("web"), status=200, timeout_seconds=5.0)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        outcome = HttpAsking().ask(check, Endpoint(host="127.0.0.1", port=silent.getsockname()[1]))
    assert "failed: [Errno 111] " in outcome.detail


def test_an_answer_that_is_cut_short_ends_with_a_whole_line() -> None:
    """In half of one, nobody would recognise a secret."""
    check = HttpCheck(path="/long", fleet=FleetName("web"), status=200, timeout_seconds=5.0)
    with answering() as endpoint:
        outcome = HttpAsking().ask(check, endpoint)
    assert outcome.passed
    assert len(outcome.output) < len(Answers.HELLO) * 50_000
    assert set(outcome.output.splitlines()) == {Answers.HELLO.strip()}
