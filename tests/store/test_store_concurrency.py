"""Several threads and processes over one store, and processes that are killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest

from repave.model.chain import ORIGIN, chained
from repave.model.event import Event
from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    FleetName,
    ImageName,
    ProjectName,
    ReleaseNumber,
    RevisionId,
    SlotId,
    ZoneName,
)
from repave.model.plan import Launch, Phase, Plan
from repave.ports.errors import Conflict
from repave.ports.intent import Aim
from repave.store.sql import SqlStore

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
AIM = Aim(revision=RevisionId("r1"), release=ReleaseNumber(1), size=2, reason="deploy")
RACERS = 4
ROUNDS = 5

COMMITTER = """
import sys
from datetime import UTC, datetime
from repave.model.names import EnvironmentName, FleetKey, FleetName, ProjectName, RevisionId, SlotId, ZoneName
from repave.model.event import Event
from repave.model.plan import Launch, Phase, Plan
from repave.store.sql import SqlStore

fleet = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
now = datetime(2026, 3, 1, 12, tzinfo=UTC)
store = SqlStore(sys.argv[1])
generation = store.target(fleet).generation
while True:
    slots = [SlotId(f"{generation}-{number}") for number in range(3)]
    steps = tuple(Launch(slot=slot, revision=RevisionId("r1"), zone=ZoneName("a"), reason="") for slot in slots)
    closed = tuple(SlotId(f"{generation - 1}-{number}") for number in range(3))
    plan = Plan(fleet=fleet, parent=generation, at=now, phase=Phase.SCALING, summary="", steps=steps, closed=closed)
    generation = store.commit(plan)
    store.record([Event(at=now, fleet=fleet, kind="launch", message=str(generation))])
    print(generation, flush=True)
"""


RACER = """
import sys
from datetime import UTC, datetime
from repave.model.names import EnvironmentName, FleetKey, FleetName, ProjectName, RevisionId, SlotId, ZoneName
from repave.model.plan import Launch, Phase, Plan
from repave.ports.errors import Conflict
from repave.store.sql import SqlStore

fleet = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
step = Launch(slot=SlotId(sys.argv[2]), revision=RevisionId("r1"), zone=ZoneName("a"), reason="")
now = datetime(2026, 3, 1, 12, tzinfo=UTC)
store = SqlStore(sys.argv[1])
parent = store.target(fleet).generation
print("ready", flush=True)
sys.stdin.readline()
try:
    store.commit(Plan(fleet=fleet, parent=parent, at=now, phase=Phase.SCALING, summary="", steps=(step,)))
    print("won")
except Conflict:
    print("lost")
"""


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    """The store in which one fleet is wanted."""
    made = SqlStore(url)
    made.aim(FLEET, AIM, NOW)
    yield made
    made.close()


def order(parent: int, who: str) -> Plan:
    """A plan that launches one instance in a slot of its maker's own."""
    step = Launch(slot=SlotId(who), revision=AIM.revision, zone=ZoneName("a"), reason="")
    return Plan(fleet=FLEET, parent=parent, at=NOW, phase=Phase.SCALING, summary="", steps=(step,))


def won(store: SqlStore, parent: int, who: str) -> bool:
    """Whether this racer's plan became the target."""
    try:
        store.commit(order(parent, who))
    except Conflict:
        return False
    return True


def test_of_several_threads_exactly_one_commits_the_same_parent(store: SqlStore) -> None:
    """And what it ordered is there, and nothing of the others."""
    barrier = Barrier(RACERS)

    def race(racer: int, parent: int) -> bool:
        barrier.wait()
        return won(store, parent, f"{parent}-{racer}")

    with ThreadPoolExecutor(RACERS) as pool:
        for _ in range(ROUNDS):
            before = store.target(FLEET)
            assert before is not None
            results = list(pool.map(race, range(RACERS), [before.generation] * RACERS))
            after = store.target(FLEET)
            assert after is not None
            assert results.count(True) == 1
            assert after.generation == before.generation + 1
            new = {each.slot for each in after.orders} - {each.slot for each in before.orders}
            assert new == {f"{before.generation}-{results.index(True)}"}


def test_of_two_processes_exactly_one_commits_the_same_parent(store: SqlStore, url: str) -> None:
    """Each has a store of its own over the same database, opened before both are told to go."""
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, url, who], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for who in ("one", "two")
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    results = [racer.communicate(timeout=30)[0].strip() for racer in racers]
    target = store.target(FLEET)
    assert target is not None
    assert sorted(results) == ["lost", "won"]
    assert [each.slot for each in target.orders] == [["one", "two"][results.index("won")]]


def test_several_may_open_an_empty_store_at_once(empty_url: str) -> None:
    """One makes the schema, the others find it made."""

    def opened(_: int) -> tuple[FleetKey, ...]:
        store = SqlStore(empty_url)
        try:
            return store.fleets()
        finally:
            store.close()

    with ThreadPoolExecutor(RACERS) as pool:
        assert list(pool.map(opened, range(RACERS))) == [()] * RACERS


def test_numbers_are_given_once(store: SqlStore) -> None:
    """Releases and events are numbered without gaps, and events chained, whoever asks at the same time."""

    def add(racer: int) -> int:
        for each in range(ROUNDS):
            store.record([Event(at=NOW, fleet=FLEET, kind="note", message=f"{racer}/{each}")] * 2)
        digest = Digest(f"sha256:{racer}")
        return store.add_release({ImageName("web"): digest}, digest, "source", NOW).number

    with ThreadPoolExecutor(RACERS) as pool:
        assert sorted(pool.map(add, range(RACERS))) == list(range(1, RACERS + 1))
    found = store.recorded()
    assert [one.event.sequence for one in found] == list(range(1, (2 * ROUNDS + 1) * RACERS + 1))
    assert found == tuple(chained([one.event for one in found], ORIGIN))


@pytest.mark.parametrize("commits", [1, 4, 9])
def test_a_killed_process_leaves_whole_generations_only(store: SqlStore, url: str, commits: int) -> None:
    """A kill -9 in the middle of commits leaves every order of the last generation, or none."""
    with subprocess.Popen([sys.executable, "-c", COMMITTER, url], stdout=subprocess.PIPE, text=True) as committer:
        assert committer.stdout is not None
        told = [int(committer.stdout.readline()) for _ in range(commits)]
        os.kill(committer.pid, signal.SIGKILL)
    target = store.target(FLEET)
    assert target is not None
    assert target.generation >= told[-1]
    last = target.generation - 1
    assert {each.slot for each in target.orders} == {f"{last}-{number}" for number in range(3)}
    assert won(store, target.generation, "goes-on")


def test_what_is_read_of_one_moment_is_not_moved_by_another_writer(store: SqlStore, url: str) -> None:
    """A writing transaction within sees what it has written, and the view is as it was when that is over."""
    other = SqlStore(url)
    told = Event(at=NOW, kind="deploy", message="told")
    try:
        with store.of_one_moment():
            assert store.newest_event() == 0
            other.record([told])
            assert (store.newest_event(), other.newest_event()) == (0, 1)
            with store.together():
                store.record([told])
                with store.of_one_moment():
                    assert store.newest_event() == 2
            assert store.newest_event() == 0
        assert store.newest_event() == 2
    finally:
        other.close()
