"""What every store keeps and promises, whatever it is made of."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from repave.model.artifact import Artifact, ArtifactLayer
from repave.model.event import Event
from repave.model.lock import Ecosystem, Layer, Lock, LockedPackage
from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    FleetName,
    ImageName,
    InstanceId,
    ProjectName,
    ReleaseNumber,
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
from repave.model.outcome import Outcome, Result
from repave.model.plan import Hold, Launch, Phase, Plan, Retarget, Rule
from repave.model.recipe import ImageKind
from repave.model.release import Limits, Revision, SecretReference
from repave.model.target import Failure, FailureKind, Heal
from repave.ports.errors import Conflict, Gone
from repave.ports.intent import Aim
from repave.ports.store import Store
from repave.simulation.memory.store import MemoryStore
from repave.store.sql import SqlStore

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
OTHER = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("prod"), fleet=FleetName("web"))
ZONE = ZoneName("a")
WEB = ImageName("web")
LOCK = Digest("sha256:" + "1" * 64)


def revision(release: int = 1) -> Revision:
    """What a fleet is asked to run, told apart by the release."""
    return Revision(
        release=ReleaseNumber(release),
        image=WEB,
        artifact=Digest(f"sha256:{release:064d}"),
        port=8080,
        configuration=(("LOG", "info"), ("MODE", "ünïcode")),
        secrets=(("TOKEN", SecretReference(scheme="env", locator="TOKEN")),),
        limits=Limits(memory_bytes=2**40, cpus=0.5),
    )


OLD, NEW = revision(1), revision(2)


def later(seconds: float) -> datetime:
    """So long after the scene began."""
    return NOW + timedelta(seconds=seconds)


def aim(wanted: Revision = OLD, size: int = 2) -> Aim:
    """What a person wants."""
    return Aim(revision=wanted.id, release=wanted.release, size=size, reason="deploy")


def launch(slot: str, wanted: Revision = OLD) -> Launch:
    """One instance more."""
    return Launch(slot=SlotId(slot), revision=wanted.id, zone=ZONE, reason="wanted")


def failure(slot: str, wanted: Revision = OLD, at: datetime = NOW) -> Failure:
    """One instance that was not well."""
    return Failure(slot=SlotId(slot), revision=wanted.id, zone=ZONE, kind=FailureKind.CRASHED, at=at, detail="exit 1")


def empty(parent: int, at: datetime = NOW) -> Plan:
    """A plan that orders nothing."""
    return Plan(fleet=FLEET, parent=parent, at=at, phase=Phase.ROLLING, summary="rolling")


def instance(name: str, wanted: Revision = OLD) -> Instance:
    """One instance, as listed."""
    return Instance(
        id=InstanceId(name),
        slot=SlotId(f"slot-{name}"),
        revision=wanted.id,
        release=wanted.release,
        zone=ZONE,
        state=MachineState.RUNNING,
        started_at=NOW,
        address="10.0.0.1",
        port=8080,
    )


def seen(at: datetime, *names: str, serving: tuple[str, ...] = (), incomplete: str = "") -> Observation:
    """The fleet as it was seen."""
    backends = tuple(Backend(instance=InstanceId(name), state=TrafficState.SERVING, since=NOW) for name in serving)
    machines = MachineSighting(at=at, instances=tuple(instance(name) for name in names), incomplete=incomplete)
    return Observation(fleet=FLEET, at=at, machines=machines, traffic=TrafficSighting(at=at, backends=backends))


def package(name: str, version: str, source: str = "") -> LockedPackage:
    """A pinned package."""
    return LockedPackage(
        ecosystem=Ecosystem.DEB,
        name=name,
        version=version,
        sha256="a" * 64,
        size_bytes=1,
        origin=f"http://archive/{name}.deb",
        filename=f"{name}.deb",
        layer=Layer.BASE,
        images=(WEB,),
        source=source,
    )


def sql_store(folder: Path) -> Store:
    """A store in a file."""
    return SqlStore(f"sqlite:///{folder}/store.db")


def memory_store(_: Path) -> Store:
    """The twin that simulations use."""
    return MemoryStore()


@pytest.fixture(params=[sql_store, memory_store])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """One store of each kind."""
    make: Callable[[Path], Store] = request.param
    made = make(tmp_path)
    yield made
    made.close()


def test_a_lock_comes_back_whole_and_is_found_by_its_packages(store: Store) -> None:
    """`where` asks by a package's own name, its source, or its version."""
    lock = Lock(packages=(package("libssl3", "3.0.20", "openssl"), package("python3", "3.11")))
    other = Digest("sha256:" + "2" * 64)
    store.add_lock(LOCK, lock, NOW)
    store.add_lock(LOCK, lock, later(1))
    store.add_lock(other, Lock(packages=(package("libssl3", "3.0.22", "openssl"),)), NOW)
    assert store.lock(LOCK) == lock
    assert store.locks_holding("libssl3") == (LOCK, other)
    assert store.locks_holding("openssl", "3.0.22") == (other,)
    assert store.locks_holding("python3") == (LOCK,)
    assert store.locks_holding("zlib1g") == ()
    with pytest.raises(Gone):
        store.lock(Digest("sha256:none"))


def test_an_artifact_comes_back_whole(store: Store) -> None:
    """Layers and all."""
    layer = ArtifactLayer(layer=Layer.BASE, digest=LOCK, size_bytes=3, inputs=LOCK, cached=True)
    artifact = Artifact(image=WEB, kind=ImageKind.CONTAINER, digest=LOCK, size_bytes=2**33, layers=(layer,))
    store.add_artifact(artifact, LOCK, NOW)
    store.add_artifact(artifact, LOCK, NOW)
    assert store.artifact(LOCK) == artifact
    with pytest.raises(Gone):
        store.artifact(Digest("sha256:none"))


def test_the_same_content_makes_no_new_release(store: Store) -> None:
    """A number stands for artifacts and a lock; only the newest release is compared."""
    first = store.add_release({WEB: Digest("sha256:a")}, LOCK, "abc", NOW)
    again = store.add_release({WEB: Digest("sha256:a")}, LOCK, "def", later(1))
    second = store.add_release({WEB: Digest("sha256:b")}, LOCK, "def", later(2))
    third = store.add_release({WEB: Digest("sha256:a")}, LOCK, "abc", later(3))
    assert (first.number, again, second.number, third.number) == (1, first, 2, 3)
    assert store.releases() == (first, second, third)
    assert store.release(second.number) == second
    with pytest.raises(Gone):
        store.release(ReleaseNumber(9))


def test_revisions_stay_in_the_order_they_were_added(store: Store) -> None:
    """Each fleet has its own."""
    assert store.add_revision(FLEET, NEW) == NEW.id
    store.add_revision(FLEET, OLD)
    store.add_revision(FLEET, NEW)
    assert store.revisions(FLEET) == (NEW, OLD)
    assert store.revisions(OTHER) == ()
    assert store.revision(FLEET, OLD.id) == OLD
    with pytest.raises(Gone):
        store.revision(OTHER, OLD.id)


def test_a_fleet_has_no_target_until_someone_wants_something(store: Store) -> None:
    """The first aim begins it; the same aim again changes nothing."""
    assert store.target(FLEET) is None
    assert store.fleets() == ()
    first = store.aim(FLEET, aim(), NOW)
    assert (first.revision, first.release, first.size, first.since) == (OLD.id, 1, 2, NOW)
    assert store.aim(FLEET, aim(), later(5)) == first
    store.aim(OTHER, aim(), NOW)
    assert store.fleets() == (OTHER, FLEET)


def test_a_new_aim_is_a_new_generation(store: Store) -> None:
    """A new size keeps since when the revision is wanted; a new revision does not."""
    first = store.aim(FLEET, aim(), NOW)
    larger = store.aim(FLEET, aim(size=5), later(1))
    newer = store.aim(FLEET, aim(NEW, size=5), later(2))
    assert first.generation < larger.generation < newer.generation
    assert (larger.size, larger.since) == (5, NOW)
    assert (newer.revision, newer.release, newer.since) == (NEW.id, 2, later(2))


def test_asking_again_for_a_stopped_revision_is_a_new_try(store: Store) -> None:
    """The stop and the failures of that revision are forgotten, those of others stay."""
    first = store.aim(FLEET, aim(), NOW)
    plan = Plan(
        fleet=FLEET,
        parent=first.generation,
        at=NOW,
        phase=Phase.STOPPED,
        summary="stopped",
        failures=(failure("1"), failure("2", NEW)),
        stop="2 failed in a row",
    )
    store.commit(plan)
    stopped = store.target(FLEET)
    assert stopped is not None
    assert stopped.stopped == "2 failed in a row"
    again = store.aim(FLEET, aim(), later(1))
    assert again.stopped == ""
    assert again.generation > stopped.generation
    assert again.failures == (failure("2", NEW),)


def test_a_commit_keeps_all_of_a_plan(store: Store) -> None:
    """Orders, failures, heals, slots and the proof change together."""
    store.add_revision(FLEET, OLD)
    first = store.aim(FLEET, aim(), NOW)
    plan = Plan(
        fleet=FLEET,
        parent=first.generation,
        at=later(1),
        phase=Phase.HEALING,
        summary="healing",
        steps=(launch("web-7"), launch("web-8")),
        failures=(failure("web-1"),),
        heals=(Heal(slot=SlotId("web-1"), at=later(1)),),
        next_slot=9,
        proven=OLD.id,
    )
    generation = store.commit(plan)
    target = store.target(FLEET)
    assert target is not None
    assert target.generation == generation == first.generation + 1
    assert [(order.slot, order.zone, order.ordered_at) for order in target.orders] == [
        ("web-7", ZONE, later(1)),
        ("web-8", ZONE, later(1)),
    ]
    assert target.failures == plan.failures
    assert target.heals == plan.heals
    assert target.next_slot == 9
    assert [(proof.revision, proof.release, proof.at) for proof in target.proven] == [(OLD.id, 1, later(1))]


def test_an_order_given_again_keeps_its_first_moment(store: Store) -> None:
    """Or an instance that never comes would be waited for without end; closing ends it."""
    first = store.aim(FLEET, aim(), NOW)
    one = store.commit(
        Plan(fleet=FLEET, parent=first.generation, at=NOW, phase=Phase.SCALING, summary="", steps=(launch("1"),))
    )
    two = store.commit(
        Plan(fleet=FLEET, parent=one, at=later(9), phase=Phase.SCALING, summary="", steps=(launch("1"),), next_slot=4)
    )
    target = store.target(FLEET)
    assert target is not None
    assert [order.ordered_at for order in target.orders] == [NOW]
    store.commit(
        Plan(fleet=FLEET, parent=two, at=later(10), phase=Phase.SCALING, summary="", closed=(SlotId("1"),), next_slot=2)
    )
    closed = store.target(FLEET)
    assert closed is not None
    assert closed.orders == ()
    assert closed.next_slot == 4


def test_a_plan_from_an_older_generation_is_refused_whole(store: Store) -> None:
    """The first to commit wins; the other observes and plans again."""
    first = store.aim(FLEET, aim(), NOW)
    store.commit(empty(first.generation))
    before = store.target(FLEET)
    late = Plan(
        fleet=FLEET, parent=first.generation, at=NOW, phase=Phase.SCALING, summary="", steps=(launch("1"),), stop="bad"
    )
    with pytest.raises(Conflict):
        store.commit(late)
    assert store.target(FLEET) == before
    with pytest.raises(Conflict):
        store.commit(Plan(fleet=OTHER, parent=1, at=NOW, phase=Phase.SCALING, summary=""))


def test_the_wanted_revision_goes_back_with_a_rollback(store: Store) -> None:
    """Promise 1: or the bad one would come again; the size stays and no stop is left behind."""
    store.aim(FLEET, aim(OLD, size=3), NOW)
    newer = store.aim(FLEET, aim(NEW, size=3), later(1))
    plan = Plan(
        fleet=FLEET,
        parent=newer.generation,
        at=later(60),
        phase=Phase.ROLLING_BACK,
        summary="rolling back",
        failures=(failure("9", NEW),),
        retarget=Retarget(revision=OLD.id, release=OLD.release, reason="2 failed in a row"),
    )
    store.commit(plan)
    target = store.target(FLEET)
    assert target is not None
    assert (target.revision, target.release, target.size) == (OLD.id, 1, 3)
    assert (target.since, target.stopped) == (later(60), "")
    assert target.failures == plan.failures


def test_a_revision_is_proven_once_at_its_latest(store: Store) -> None:
    """Oldest proof first."""
    for each in (OLD, NEW):
        store.add_revision(FLEET, each)
    generation = store.aim(FLEET, aim(), NOW).generation
    for seconds, each in ((1, OLD), (2, NEW), (3, OLD)):
        plan = Plan(
            fleet=FLEET, parent=generation, at=later(seconds), phase=Phase.CONVERGED, summary="", proven=each.id
        )
        generation = store.commit(plan)
    target = store.target(FLEET)
    assert target is not None
    assert [(proof.revision, proof.release, proof.at) for proof in target.proven] == [
        (NEW.id, 2, later(2)),
        (OLD.id, 1, later(3)),
    ]
    store.unbootable(FLEET, [NEW.id])
    changed = store.target(FLEET)
    assert changed is not None
    assert [proof.bootable for proof in changed.proven] == [False, True]
    store.unbootable(FLEET, [])
    back = store.target(FLEET)
    assert back is not None
    assert [proof.bootable for proof in back.proven] == [True, True]


def test_failures_and_heals_count_for_a_day(store: Store) -> None:
    """What is older says nothing about today; the story keeps it."""
    generation = store.aim(FLEET, aim(), NOW).generation
    generation = store.commit(
        Plan(
            fleet=FLEET,
            parent=generation,
            at=NOW,
            phase=Phase.HEALING,
            summary="",
            failures=(failure("1"),),
            heals=(Heal(slot=SlotId("1"), at=NOW),),
        )
    )
    fresh = failure("2", at=later(50_000))
    plan = Plan(fleet=FLEET, parent=generation, at=later(50_000), phase=Phase.HEALING, summary="", failures=(fresh,))
    generation = store.commit(plan)
    store.commit(empty(generation, at=later(90_000)))
    target = store.target(FLEET)
    assert target is not None
    assert target.failures == (fresh,)
    assert target.heals == ()


@pytest.mark.parametrize(
    ("result", "kind"), [(Result.REFUSED, FailureKind.REFUSED), (Result.NO_CAPACITY, FailureKind.NO_CAPACITY)]
)
def test_a_launch_that_was_refused_closes_its_order(store: Store, result: Result, kind: FailureKind) -> None:
    """As a failure that says why, counted once however often it is told."""
    first = store.aim(FLEET, aim(), NOW)
    step = launch("1")
    plan = Plan(fleet=FLEET, parent=first.generation, at=NOW, phase=Phase.SCALING, summary="", steps=(step,))
    store.commit(plan)
    outcome = Outcome(step=step, result=result, at=later(2), detail="no such image")
    store.settle(FLEET, [outcome])
    store.settle(FLEET, [outcome])
    target = store.target(FLEET)
    assert target is not None
    assert target.orders == ()
    assert [(each.slot, each.kind, each.at, each.detail) for each in target.failures] == [
        ("1", kind, later(2), "no such image")
    ]


def test_a_spent_slot_closes_its_order_and_blames_nobody(store: Store) -> None:
    """Promise 8: what a lost record made us give twice says nothing about the revision."""
    first = store.aim(FLEET, aim(), NOW)
    step = launch("1")
    plan = Plan(fleet=FLEET, parent=first.generation, at=NOW, phase=Phase.SCALING, summary="", steps=(step,))
    store.commit(plan)
    store.settle(FLEET, [Outcome(step=step, result=Result.SPENT, at=NOW)])
    target = store.target(FLEET)
    assert target is not None
    assert (target.orders, target.failures) == ((), ())


@pytest.mark.parametrize("result", [Result.DONE, Result.UNCERTAIN, Result.STALE])
def test_other_outcomes_leave_the_order_open(store: Store, result: Result) -> None:
    """Until the instance is seen, nobody knows."""
    first = store.aim(FLEET, aim(), NOW)
    step = launch("1")
    plan = Plan(fleet=FLEET, parent=first.generation, at=NOW, phase=Phase.SCALING, summary="", steps=(step,))
    store.commit(plan)
    store.settle(FLEET, [Outcome(step=step, result=result, at=NOW)])
    target = store.target(FLEET)
    assert target is not None
    assert [order.slot for order in target.orders] == ["1"]
    assert target.failures == ()


def test_a_paused_fleet_is_paused_until_it_is_resumed(store: Store) -> None:
    """Each is a change of its own; a fleet without a target has nothing to pause."""
    with pytest.raises(Gone):
        store.pause(FLEET, NOW, paused=True)
    first = store.aim(FLEET, aim(), NOW)
    paused = store.pause(FLEET, NOW, paused=True)
    assert paused.paused
    assert paused.generation > first.generation
    assert store.aim(FLEET, aim(NEW), NOW).paused
    assert not store.pause(FLEET, NOW, paused=False).paused


def test_a_destroyed_fleet_gives_no_slot_or_generation_twice(store: Store) -> None:
    """The provider would refuse a slot it has ended, and an order older than it has seen."""
    first = store.aim(FLEET, aim(), NOW)
    store.see(seen(NOW, "i-1"))
    plan = Plan(
        fleet=FLEET,
        parent=first.generation,
        at=NOW,
        phase=Phase.SCALING,
        summary="",
        steps=(launch("1"),),
        failures=(failure("1"),),
        next_slot=5,
    )
    generation = store.commit(plan)
    store.forget(FLEET)
    store.forget(FLEET)
    assert store.target(FLEET) is None
    assert store.fleets() == ()
    assert len(store.lifetimes(FLEET)) == 1
    with pytest.raises(Conflict):
        store.commit(empty(generation))
    with pytest.raises(Gone):
        store.pause(FLEET, NOW, paused=True)
    again = store.aim(FLEET, aim(), later(1))
    assert again.generation > generation
    assert (again.next_slot, again.orders, again.failures, again.since) == (5, (), (), later(1))


def test_a_lease_is_one_holders_until_it_expires(store: Store) -> None:
    """Its holder may renew it; another waits."""
    mine = store.acquire("web", "me", at=NOW, seconds=15)
    assert mine is not None
    assert mine.expires_at == later(15)
    assert store.acquire("web", "you", at=later(14), seconds=15) is None
    assert store.acquire("web", "me", at=later(10), seconds=15) is not None
    assert store.acquire("web", "you", at=later(16), seconds=15) is None
    assert store.lease("web", later(16)) is not None
    assert store.lease("web", later(25)) is None
    yours = store.acquire("web", "you", at=later(25), seconds=15)
    assert yours is not None
    assert yours.holder == "you"
    store.release_lease("web", "me")
    assert store.lease("web", later(26)) == yours
    store.release_lease("web", "you")
    assert store.lease("web", later(26)) is None
    assert store.acquire("web", "me", at=later(26), seconds=15) is not None


def test_the_newest_observation_and_plan_are_kept(store: Store) -> None:
    """One that comes late does not replace a newer one."""
    assert store.last_seen(FLEET) is None
    assert store.last_plan(FLEET) is None
    newest = seen(later(2), "i-1", serving=("i-1",), incomplete="page 2 was throttled")
    store.see(newest)
    store.see(seen(NOW))
    assert store.last_seen(FLEET) == newest
    hold = Hold(subject="web-1", rule=Rule.STARTING, detail="12 s of 60 s", since=NOW, until=later(60))
    plan = Plan(
        fleet=FLEET,
        parent=3,
        at=later(2),
        phase=Phase.ROLLING,
        summary="1 of 2",
        steps=(launch("1"),),
        holds=(hold,),
        wake_at=later(60),
    )
    store.keep_plan(plan)
    store.keep_plan(empty(2))
    assert store.last_plan(FLEET) == plan


def test_a_lifetime_runs_from_first_sight_to_a_complete_list_without_it(store: Store) -> None:
    """A partial list ends nothing."""
    store.see(seen(NOW, "i-1"))
    store.see(seen(later(1), "i-1", "i-2", serving=("i-1",)))
    store.see(seen(later(2), "i-2", serving=("i-2",), incomplete="throttled"))
    first, second = store.lifetimes(FLEET)
    assert (first.instance, first.first_seen, first.last_seen, first.served_from, first.gone_at) == (
        "i-1",
        NOW,
        later(1),
        later(1),
        None,
    )
    assert (second.first_seen, second.last_seen, second.served_from) == (later(1), later(2), later(2))
    store.see(seen(later(3), "i-2", serving=("i-2",)))
    ended, lives = store.lifetimes(FLEET)
    assert (ended.gone_at, ended.last_seen) == (later(3), later(1))
    assert (lives.gone_at, lives.served_from) == (None, later(2))
    assert store.lifetimes(living=True) == (lives,)
    assert store.lifetimes(OTHER) == ()


def test_an_observation_that_comes_late_ends_no_lifetime(store: Store) -> None:
    """Two controllers may tell what they saw in the wrong order."""
    store.see(seen(later(5), "i-1"))
    store.see(seen(later(4)))
    (lives,) = store.lifetimes(FLEET)
    assert lives.gone_at is None


def test_the_story_is_told_in_order_and_from_where_one_stopped(store: Store) -> None:
    """Sequence numbers count up over all fleets."""
    store.record([])
    store.record(
        [
            Event(at=NOW, fleet=FLEET, kind="launch", message="web-1 in a", slot="web-1"),
            Event(at=NOW, fleet=OTHER, kind="deploy", message="r1"),
        ]
    )
    store.record([Event(at=later(1), fleet=FLEET, kind="serving", message="web-1 serves", slot="web-1")])
    story = store.events()
    assert [event.sequence for event in story] == [1, 2, 3]
    assert [event.kind for event in store.events(FLEET)] == ["launch", "serving"]
    assert story[0] == Event(at=NOW, fleet=FLEET, kind="launch", message="web-1 in a", slot="web-1", sequence=1)
    assert store.events(after=2) == story[2:]
    assert store.events(limit=1) == story[:1]
