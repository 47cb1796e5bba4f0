"""What a report is made of, read from a store in which a whole shop was patched."""

from datetime import datetime, timedelta

from record_scene import RecordScene
from simulated_shop import QUIET, Shop

from repave.model.event import Event
from repave.operations.pause import pause
from repave.operations.reporting.audit import audited
from repave.operations.reporting.facts import Facts
from repave.operations.reporting.gathering import Gathering, Span
from repave.operations.reporting.judging import Verdict

CVE = "CVE-2026-0001"
HOUR = timedelta(hours=1)


def patched(shop: Shop) -> RecordScene:
    """A flaw is found in what runs, repaired and rolled out; it is examined again, and the record is signed."""
    scene = RecordScene(shop=shop)
    shop.lock()
    shop.bake()
    shop.deploy("test")
    shop.pinner.archive["openssl"] = "3.0.22"
    shop.advisories.repairs["openssl"] = ("3.0.22", (CVE,))
    diagnosis = shop.patching.diagnose(QUIET)
    shop.locking.write(shop.patching.cure(diagnosis, QUIET).proposal, QUIET)
    shop.bake()
    shop.deploy("test")
    shop.patching.diagnose(QUIET)
    pause(shop.keys("test"), shop.store, shop.clock, paused=True, reason="the sale")
    scene.keeping.sign_head()
    return scene


def facts(
    shop: Shop, since: timedelta | datetime, until: datetime | None = None, *, environment: str = "test"
) -> Facts:
    """Of a time that ends now, unless it is said."""
    now = shop.clock.now()
    begins = since if isinstance(since, datetime) else now - since
    gathering = Gathering(project=shop.project, store=shop.store, signed=lambda _: True)
    span = Span(since=begins, until=until or now, environments=(shop.environment(environment).name,))
    return gathering.facts(span, now, None, QUIET)


def test_a_patch_is_told_from_its_first_server_to_its_last(shop: Shop) -> None:
    """Who ran what, why it left, what it had open, what was read of it, and how far the record is signed."""
    scene = patched(shop)
    shop.clock.sleep(1)
    audit = audited(facts(shop, HOUR))
    lives = shop.store.lifetimes()
    made = [artifact for release in shop.store.releases() for artifact in release.artifacts.values()]
    assert [one.instance for one in audit.servers] == [life.instance for life in lives]
    assert [one.artifact for one in audit.servers] == [made[0]] * 3 + [made[1]] * 3
    assert [one.why for one in audit.servers] == ["it runs an old revision"] * 3 + [""] * 3
    assert [one.high for one in audit.servers] == [1, 1, 1, 0, 0, 0]
    (flaw,) = audit.flaws
    assert (flaw.advisory, flaw.servers, flaw.living) == (CVE, 3, 0)
    assert audit.replaced == 3
    (source,) = audit.sources
    assert (source.scans, source.failed, source.problem) == (2, 0, "")
    assert {one.kind for one in audit.deviations} == {"pause"}
    assert dict(audit.orders) == {"deploy": 2, "pause": 1}
    record, newest = audit.record, shop.store.newest_event()
    assert (record.number, record.events, record.signed_number) == (newest, newest, newest - 1)
    assert record.key == scene.key.trusted.fingerprint
    assert audit.verdict is Verdict.HELD

    signed_before = facts(shop, timedelta(seconds=0.5)).record
    assert (signed_before.events, signed_before.signed_number) == (0, newest - 1)

    then = lives[3].first_seen
    before, after = audited(facts(shop, then - HOUR, then)), audited(facts(shop, then))
    assert [one.ended_at for one in before.servers] == [None] * 3, (
        "what ended later lives, what came later is not there"
    )
    assert (after.fleets[0].at_start, after.fleets[0].born, after.fleets[0].ended) == (3, 3, 3)
    assert before.record.last + 1 == after.record.first
    assert (before.record.first, after.record.last) == (1, newest)

    elsewhere = audited(facts(shop, HOUR, environment="prod"))
    assert (elsewhere.servers, elsewhere.deviations, elsewhere.verdict) == ((), (), Verdict.UNKNOWN)


def test_no_event_of_the_time_is_missed_among_events_of_other_times(shop: Shop) -> None:
    """What is learned late has the time at which it happened, and clocks are set: the order of numbers is another."""
    shop.lock()
    began, day = shop.clock.now(), 24 * HOUR
    paused = [Event(at=began + number * 6 * HOUR, kind="pause", message="the sale") for number in range(60)]
    paused[30] = Event(at=began - 7 * day, kind="pause", message="learned late")
    paused[7] = Event(at=began + 90 * day, kind="pause", message="of a clock that was ahead")
    shop.store.record(paused)
    newest = shop.store.newest_event()
    shop.clock.sleep(100 * day.total_seconds())
    for since, until in ((5 * day, 8 * day), (-8 * day, -6 * day), (0 * day, 15 * day), (80 * day, 95 * day)):
        told = facts(shop, began + since, began + until)
        ours = [event.at for event in paused if since <= event.at - began < until]
        assert sorted(one.at for one in told.deviations) == sorted(ours)
        assert told.orders == {"pause": len(ours)}
    record = facts(shop, began + 5 * day, began + 8 * day).record
    before = newest - len(paused)
    assert (record.first, record.last, record.events) == (before + 21, before + 32, 12)
