"""How a deployment is watched on a terminal."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from repave.cli.live import table_of
from repave.operations.status import InstanceStatus

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
