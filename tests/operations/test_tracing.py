"""From a thing to the instances that held it at any time, and from an instance to what it held."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from searching import search_of
from simulated_shop import QUIET, Shop

from repave.model.event import Event
from repave.model.names import ImageName, InstanceId, RevisionId
from repave.operations.instances import Trace, Tracing
from repave.operations.where import Whereabouts
from repave.ports.history import Lifetime

CVE = "CVE-2026-0001"


def trace(shop: Shop, name: str, at: datetime | None = None) -> Trace | None:
    """As `repave where INSTANCE` asks."""
    return Tracing(store=shop.store, advisories=(shop.advisories,), progress=QUIET).trace(name, at)


def found_at(shop: Shop, subject: str, at: datetime) -> Whereabouts:
    """As `repave where --at` asks."""
    return search_of(shop).find(subject, at)


@pytest.fixture
def moved(shop: Shop) -> Shop:
    """First openssl 3.0.20 ran, which has a flaw, then 3.0.22."""
    shop.lock()
    shop.bake()
    shop.deploy("test")
    shop.pinner.archive["openssl"] = "3.0.22"
    shop.advisories.repairs["openssl"] = ("3.0.22", (CVE,))
    cure = shop.patching.cure(shop.patching.diagnose(QUIET), QUIET)
    shop.locking.write(cure.proposal, QUIET)
    shop.bake()
    shop.deploy("test")
    return shop


def lifetimes(shop: Shop) -> tuple[Lifetime, Lifetime]:
    """The first and the last instance."""
    found = shop.store.lifetimes()
    return found[0], found[-1]


def living(found: Whereabouts) -> set[str]:
    """The slots that ran it."""
    return {bearer.slot for holding in found.holdings for bearer in holding.living}


@pytest.mark.parametrize("subject", [CVE, "openssl==3.0.20", "r1"])
def test_what_ran_at_a_time_is_found_by_what_it_held(moved: Shop, subject: str) -> None:
    """From an instance's first sight until a list lacked it, and at no other time."""
    first, last = lifetimes(moved)
    assert first.gone_at is not None
    moment = timedelta(microseconds=1)
    assert first.slot in living(found_at(moved, subject, first.first_seen))
    assert first.slot in living(found_at(moved, subject, first.gone_at - moment))
    assert first.slot not in living(found_at(moved, subject, first.gone_at))
    assert first.slot not in living(found_at(moved, subject, first.first_seen - moment))
    assert living(found_at(moved, subject, last.last_seen)) == set()
    assert [gone.instances for gone in found_at(moved, subject, last.last_seen).holdings[0].past] == [3]


def test_an_instance_is_traced_to_what_it_holds(moved: Shop) -> None:
    """Its packages, what is known of them now, and the deploy that let it in; by its name as by its slot."""
    first, last = lifetimes(moved)
    old, new = trace(moved, first.slot), trace(moved, last.instance)
    assert old is not None
    assert new is not None
    (before,), (after,) = old.instances, new.instances
    assert (before.packages, after.packages) == (("openssl 3.0.20", "zlib 1.2"), ("openssl 3.0.22", "zlib 1.2"))
    assert [finding.cves for finding in before.findings] == [(CVE,)]
    assert after.findings == ()
    assert (before.image, before.artifact) == ("web", moved.store.release(first.release).artifacts[ImageName("web")])
    assert [(one.kind, one.details["release"]) for one in before.decided] == [("deploy", 1)]
    assert [(one.kind, one.details["release"]) for one in after.decided] == [("deploy", 2)]


def test_approvals_and_gates_of_its_release_are_told(moved: Shop) -> None:
    """Of its environment alone; a revocation of its artifact, wherever it was said."""
    first, _ = lifetimes(moved)
    at = moved.clock.now()
    for environment in ("test", "prod"):
        details = {"environment": environment, "release": 1, "result": "passed"}
        moved.store.record([Event(at=at, kind="approval", by="alice", message="alice agrees", details=details)])
    moved.revoking.revoke("r1", "it is old")
    traced = trace(moved, first.slot)
    assert traced is not None
    (one,) = traced.instances
    assert [(event.kind, event.by) for event in one.decided] == [("deploy", ""), ("approval", "alice"), ("revoke", "")]


def test_an_instance_that_no_record_explains_is_said_to_be_so(moved: Shop) -> None:
    """Nothing is guessed of it; nor of one that nobody has seen, or not then."""
    fleet = moved.keys("test")[0]
    seen = moved.store.last_seen(fleet)
    assert seen is not None
    foreign = replace(seen.machines.instances[0], id=InstanceId("i-foreign"), revision=RevisionId("feed"))
    machines = replace(seen.machines, instances=(*seen.machines.instances, foreign))
    moved.store.see(replace(seen, machines=machines))
    traced = trace(moved, "i-foreign")
    assert traced is not None
    assert [(one.artifact, one.packages, one.image) for one in traced.instances] == [(None, (), "")]
    assert trace(moved, "nobody-1") is None
    assert trace(moved, "i-foreign", seen.machines.at - timedelta(days=1)) == Trace(
        instances=(), sources=(), unjudged=()
    )


def test_a_source_that_cannot_be_read_is_told(moved: Shop) -> None:
    """Unknown is not clean."""
    moved.advisories.problem = "no route to host"
    traced = trace(moved, lifetimes(moved)[0].slot)
    assert traced is not None
    assert [source.problem for source in traced.unknown] == ["no route to host"]
