"""``repave plan``, over a project whose fleet was deployed, measured, and is kept in the store."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from repave.config.policies import revision_for
from repave.config.project import load_project
from repave.model.lock import Lock
from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    FleetName,
    ImageName,
    InstanceId,
    RevisionId,
    SlotId,
    ZoneName,
)
from repave.model.observation import (
    Backend,
    Instance,
    MachineSighting,
    MachineState,
    Observation,
    TrafficSighting,
    TrafficState,
)
from repave.model.release import Release
from repave.ports.intent import Aim
from repave.store.sql import SqlStore

Repave = Callable[..., Any]
DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "plan.md"
LOCK = Digest("sha256:" + "cd" * 32)
BEGAN = datetime.now(UTC) - timedelta(minutes=10)
ENVIRONMENT, FLEET = EnvironmentName("test"), FleetName("web")


@pytest.fixture
def deployed(folder: Path) -> None:
    """Two releases of one lock; two instances of the first serve, each after 12 s."""
    project = load_project(folder / "repave.yaml")
    key = FleetKey(project=project.name, environment=ENVIRONMENT, fleet=FLEET)
    store = SqlStore(f"sqlite:///{folder}/.repave/store.db")
    store.add_lock(LOCK, Lock(), BEGAN)
    releases = [
        store.add_release({ImageName("web"): Digest(f"sha256:{number:064d}")}, LOCK, "source", BEGAN)
        for number in (1, 2)
    ]
    revision = revision_for(project, ENVIRONMENT, FLEET, releases[0])
    store.add_revision(key, revision)
    store.aim(key, Aim(revision=revision.id, release=revision.release, size=2, reason="deploy"), BEGAN)
    store.see(seen(key, releases[0], revision.id, 1.0, TrafficState.CHECKING))
    store.see(seen(key, releases[0], revision.id, 12.0, TrafficState.SERVING))
    store.close()


def seen(key: FleetKey, release: Release, revision: RevisionId, seconds: float, state: TrafficState) -> Observation:
    """Two instances, so long after their launch."""
    at = BEGAN + timedelta(seconds=seconds)
    instances = tuple(
        Instance(
            id=InstanceId(f"i-{number}"),
            slot=SlotId(f"web-{number}"),
            revision=revision,
            release=release.number,
            zone=ZoneName("local"),
            state=MachineState.RUNNING,
            started_at=BEGAN,
            address="10.0.0.1",
            port=8080,
        )
        for number in (1, 2)
    )
    backends = tuple(Backend(instance=instance.id, state=state, since=at) for instance in instances)
    return Observation(
        fleet=key,
        at=at,
        machines=MachineSighting(at=at, instances=instances),
        traffic=TrafficSighting(at=at, backends=backends),
    )


@pytest.mark.usefixtures("deployed")
def test_a_change_is_told_before_it_is_made(repave: Repave) -> None:
    """Who, in which order, when, and how it is known."""
    planned = repave("plan", "test")
    assert planned.code == 0
    assert planned.out == TOLD
    assert "test: r1 -> r2" in planned.err


TOLD = """\
test/web: 2 instances replaced, at most 1 extra, never fewer than 2 serving
  1. +0 s: start web-3 (local)
  2. +12 s: drain and end web-1 (local), after 12 s by the start of web-3
  3. +42 s: start web-4 (local), after 30 s by the leaving of web-1
  4. +54 s: drain and end web-2 (local), after 12 s by the start of web-4
  at most 84 s in all, if nothing fails
    a start takes 12.0 s here, the median of 2
    leaving takes at most 30 s, its `drain`: none was measured here yet
"""


@pytest.mark.usefixtures("deployed")
def test_who_is_there_is_named_as_its_provider_names_it(repave: Repave) -> None:
    """And who is yet to start has no such name."""
    batches = json.loads(repave("plan", "test", "--json").out)["fleets"][0]["rehearsal"]["batches"]
    named = [(one["slot"], one["instance"]) for batch in batches for one in (*batch["launches"], *batch["retires"])]
    assert named == [("web-3", None), ("web-1", "i-1"), ("web-4", None), ("web-2", "i-2")]


@pytest.mark.usefixtures("deployed")
def test_every_key_of_the_document_is_documented(repave: Repave) -> None:
    """So that a program may rely on it."""
    told = json.loads(repave("plan", "test", "--json").out)
    text = DOCUMENT.read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_]+)`", text))
    assert keys_of(told) - named == set()
    assert keys_of(told) >= {"batches", "seconds", "at_most", "closed", "opened", "waited"}


def keys_of(value: object) -> set[str]:
    """Of all objects in it."""
    if isinstance(value, dict):
        return set(value).union(*(keys_of(item) for item in value.values()))
    return set().union(*(keys_of(item) for item in value)) if isinstance(value, list) else set()


@pytest.mark.usefixtures("deployed")
def test_the_way_back_is_asked_for_alone(repave: Repave) -> None:
    """Two answers to one question are refused, with the one that was meant."""
    both = repave("plan", "test", "--rollback", "--release", "r1")
    assert both.code != 0
    assert "--rollback chooses the release, and --release names another" in both.err
    assert "`repave plan test --release r1`" in both.err
    assert "no release but r1 was ever healthy in test" in repave("plan", "test", "--rollback").err
