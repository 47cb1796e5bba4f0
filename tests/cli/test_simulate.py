"""`repave simulate`: a story, a picture, and an exit code."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from repave.cli.application import run
from repave.cli.codes import FAILED, OK, USAGE
from repave.cli.commands import simulate
from repave.controller import tick
from repave.model.observation import Observation
from repave.model.plan import Plan
from repave.model.policy import FleetPolicy
from repave.model.target import Target
from repave.planner.check import check
from repave.simulation.provider import SimulatedProvider
from repave.simulation.theatre import Script

SHORT = ("simulate", "--seed", "3", "--instances", "4", "--days", "0.2", "--faults", "deploy,zone-loss")


def test_a_run_is_told_and_drawn(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The story names each fault and what was done; the picture is SVG; nothing was broken."""
    picture = tmp_path / "run.svg"
    assert run([*SHORT, "--picture", str(picture)]) == OK
    told = capsys.readouterr()
    assert "deploy: r1 is deployed, 4 of it" in told.out
    assert "launch     4 instances, web-1 to web-4" in told.out
    assert "every invariant held" in told.err
    drawn = ET.fromstring(picture.read_text(encoding="utf-8"))  # noqa: S314 - our own file
    titles = {title.text for title in drawn.iter("{http://www.w3.org/2000/svg}title")}
    assert "r1" in titles
    assert any("is deployed" in (title or "") or "zone" in (title or "") for title in titles)


def test_a_run_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    """With the command that plays it again; twice the same."""
    assert run([*SHORT, "--json"]) == OK
    first = json.loads(capsys.readouterr().out)
    assert first["broken"] == []
    assert first["command"].startswith("repave simulate --seed 3 --instances 4 --days 0.2")
    assert sum(first["faults"].values()) > 1
    assert run([*SHORT, "--json"]) == OK
    assert json.loads(capsys.readouterr().out) == first


def test_a_broken_invariant_ends_with_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It is named, with the command that plays the run again; five minutes after the last fault it is late."""
    monkeypatch.setattr(simulate, "Script", partial(Script, bound=timedelta(minutes=5)))
    monkeypatch.setattr(SimulatedProvider, "_terminate", lambda *_: None)
    assert run(["simulate", "--seed", "3", "--instances", "2", "--days", "0.01", "--faults", "deploy"]) == FAILED
    told = capsys.readouterr().err
    assert "convergence: " in told
    assert "`repave simulate --seed 3 --instances 2 --days 0.01 --zones 3 --controllers 1 --faults deploy" in told


def test_a_plan_that_the_checker_refuses_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run ends there."""

    def strict(plan: Plan, policy: FleetPolicy, target: Target, seen: Observation, now: datetime) -> None:
        check(plan if target.generation < 3 else replace(plan, parent=0), policy, target, seen, now)

    monkeypatch.setattr(tick, "check", strict)
    assert run(list(SHORT)) == FAILED
    assert "plans: the plan for shop/prod/web would break a promise" in capsys.readouterr().err


def test_what_is_declared_is_drawn_from_the_seed(capsys: pytest.CaptureFixture[str]) -> None:
    """Another story comes of it, and the command that plays it again says so."""
    assert run([*SHORT, "--json"]) == OK
    plain = json.loads(capsys.readouterr().out)
    assert run([*SHORT, "--drawn", "--json"]) == OK
    told = json.loads(capsys.readouterr().out)
    assert told["command"].endswith("--faults deploy,zone-loss --drawn")
    assert told["story"] != plain["story"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (("--faults", "zone-los"), "`zone-los` is no kind of fault; did you mean `zone-loss`?"),
        (("--max-age", "30"), "`30`: expected a duration such as `30s`"),
        (("--flaw-every", "0d"), "`0d`: expected a duration above zero"),
        (("--per-hour", "ten"), "`ten`: expected a count such as `2`, or a share such as `25%`"),
        (("--faults", "rain"), "`rain` is no kind of fault; there are crash, "),
        (("--instances", "0"), "invalid value for '--instances'"),
        (("--controllers", "3"), "invalid value for '--controllers'"),
        (("--days", "0"), "invalid value for '--days'"),
        (("--zones", "27"), "invalid value for '--zones'"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    wrong: tuple[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what was expected."""
    assert run(["simulate", *wrong]) == USAGE
    assert words in capsys.readouterr().err
