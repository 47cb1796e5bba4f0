"""How a deployment is watched on a terminal."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from repave.cli import live
from repave.cli.live import Story, table_of
from repave.model.event import Event
from repave.model.names import EnvironmentName, FleetKey, FleetName, ProjectName
from repave.operations.status import InstanceStatus
from repave.simulation.memory.store import MemoryStore

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def instance(slot: str, state: str) -> InstanceStatus:
    """One that answers well, since five minutes ago."""
    return InstanceStatus(
        instance=f"i-{slot}",
        slot=slot,
        release="r17",
        zone="eu-central-1a",
        state=state,
        since=NOW - timedelta(minutes=5),
        address=None,
        port=8080,
        detail="answered well, HTTP 200",
    )


@pytest.mark.parametrize(("width", "said"), [(60, "answered w…"), (100, "answered well, HTTP 200")])
def test_a_narrow_terminal_cuts_only_what_was_said(width: int, said: str) -> None:
    """Who, which release, where and how must be read at any width."""
    shown = StringIO()
    Console(file=shown, width=width).print(
        table_of((instance("web-1", "serving"), instance("web-12", "draining")), NOW)
    )
    first, *lines = [line.split(maxsplit=5) for line in shown.getvalue().splitlines()]
    assert [words[:4] for words in lines] == [
        ["web-1", "r17", "eu-central-1a", "serving"],
        ["web-12", "r17", "eu-central-1a", "draining"],
    ]
    assert first[:4] == ["SLOT", "RELEASE", "ZONE", "STATE"]
    assert said in shown.getvalue()


def test_a_fleet_without_instances_has_headings_alone() -> None:
    """As before the first launch is seen."""
    shown = StringIO()
    Console(file=shown, width=80).print(table_of((), NOW))
    assert shown.getvalue().split() == ["SLOT", "RELEASE", "ZONE", "STATE", "SINCE", "DETAIL"]


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4])
def test_each_event_is_told_once(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many come between two looks: a page of the story may be full, and the last one of all."""
    monkeypatch.setattr(live, "PAGE", 2)
    fleet = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
    store = MemoryStore()
    store.record([Event(at=NOW, fleet=fleet, kind="launch", message="from before")])
    story = Story(store)
    store.record([Event(at=NOW, fleet=fleet, kind="launch", message=f"launch {count}") for count in range(number)])
    assert [told.rpartition(": ")[2] for told in story.news(fleet)] == [f"launch {count}" for count in range(number)]
    assert story.news(fleet) == []
