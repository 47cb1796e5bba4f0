"""What a person asks of single instances, of all of a fleet and of a fleet as a whole, over a simulated world."""

from datetime import timedelta

import pytest
from simulated_shop import Shop

from repave.model.observation import Observation, TrafficState
from repave.model.plan import Plan
from repave.operations.errors import Refused
from repave.operations.explaining import explain_fleet
from repave.operations.heal import allow_healing
from repave.operations.keys import fleets_of
from repave.operations.pause import pause
from repave.operations.status import fleet_statuses
from repave.operations.wishes import Named, Wishing, fleets_running, instance_named


@pytest.fixture
def running(shop: Shop) -> Shop:
    """r1 runs in test, r2 is baked."""
    for text in ("one\n", "two\n"):
        shop.change_application(text)
        shop.bake()
    shop.deploy("test", 1)
    return shop


def named(shop: Shop, name: str) -> Named:
    """One instance of test."""
    return instance_named(shop.keys("test"), shop.store, name)


def slots(shop: Shop) -> set[str]:
    """Who lives in test."""
    return {instance.slot for instance in fleet_statuses(shop.store)[0].instances}


def test_one_is_replaced_by_name(running: Shop) -> None:
    """By its slot or its provider's name; launch first, and the wish is done."""
    one = named(running, named(running, "web-2").instance)
    told = Wishing(running.store, running.clock).replace(one, reason="slow")
    assert (told.slot, told.to_be_replaced) == ("web-2", True)
    assert fleet_statuses(running.store)[0].to_be_replaced == ("web-2",)
    running.deploy("test", 1)
    assert slots(running) == {"web-1", "web-3", "web-4"}
    assert fleet_statuses(running.store)[0].to_be_replaced == ()
    told_of = [event.message for event in running.store.events(running.keys("test")[0], limit=1000)]
    assert "a person asked for web-2 to be replaced: slow" in told_of
    assert "web-2 is gone, whose replacement a person asked for" in told_of


def test_a_rollout_leaves_the_protected_one_until_its_time(running: Shop) -> None:
    """And says for whom it waits."""
    until = running.clock.now() + timedelta(hours=1)
    told = Wishing(running.store, running.clock).protect(named(running, "web-2"), until=until, reason="a profiler")
    assert told.protected_until == until
    result = running.deploy("test", 2)
    assert not result.as_asked
    assert "web-2" in slots(running)
    waits = {wait.subject: wait for wait in explain_fleet(running.store, running.keys("test")[0]).waits}
    assert (waits["web-2"].rule, waits["web-2"].until) == ("protected", until)
    assert "a profiler" in waits["web-2"].sentence
    gone = Wishing(running.store, running.clock).unprotect(named(running, "web-2"), reason="")
    assert gone.protected_until is None
    assert running.deploy("test", 2).as_asked


def test_what_a_person_protects_is_not_destroyed(running: Shop) -> None:
    """It would be the last of them, and waited for; let go, all of them end."""
    until = running.clock.now() + timedelta(hours=1)
    wishing = Wishing(running.store, running.clock)
    wishing.protect(named(running, "web-2"), until=until, reason="a profiler")
    before = slots(running)
    with pytest.raises(Refused, match=r"web-2 of test/web is protected until .* UTC: a profiler") as told:
        running.destroying.destroy(running.keys("test"), lambda *_: None)
    assert "`repave unprotect test web-2`" in told.value.hint
    assert slots(running) == before
    wishing.unprotect(named(running, "web-2"), reason="")
    assert [one.ended for one in running.destroying.destroy(running.keys("test"), lambda *_: None)] == [len(before)]


def test_what_cannot_be_is_refused_with_the_way_there(running: Shop) -> None:
    """The nearest name, what is over, what is not protected."""
    wishing = Wishing(running.store, running.clock)
    with pytest.raises(Refused) as unknown:
        named(running, "web-33")
    assert unknown.value.message == "no instance or slot is named web-33; expected one of web-1, web-2, web-3"
    assert unknown.value.hint == "did you mean web-3?"
    with pytest.raises(Refused, match="is over"):
        wishing.protect(named(running, "web-1"), until=running.clock.now(), reason="")
    with pytest.raises(Refused, match="web-1 is not protected"):
        wishing.unprotect(named(running, "web-1"), reason="")


def test_a_pause_of_one_fleet_ends_by_its_time(running: Shop) -> None:
    """A deployment is refused until then, and taken after it."""
    environment = running.environment("test")
    keys = fleets_of(running.project, environment, only="web")
    until = running.clock.now() + timedelta(minutes=1)
    (told,) = pause(keys, running.store, running.clock, paused=True, until=until, reason="a look")
    assert (told.paused, told.until, told.reason) == (True, until, "a look")
    with pytest.raises(Refused, match="paused"):
        running.deploy("test", 2)
    running.clock.sleep(60)
    assert running.deploy("test", 2).as_asked


def test_healing_is_allowed_by_a_person(running: Shop) -> None:
    """Who looked sick is told, and the event says why."""
    (told,) = allow_healing(running.keys("test"), running.store, running.clock, reason="they hang")
    assert (told.stopped, told.sick) == (False, ())
    target = running.store.target(running.keys("test")[0])
    assert target is not None
    assert target.healing_allowed == running.clock.now()
    events = running.store.events(running.keys("test")[0], limit=1000)
    assert events[-1].message == "a person allowed the sick to be replaced: they hang"


def test_a_whole_fleet_is_replaced_as_in_a_rollout(running: Shop) -> None:
    """None of those there is left but the protected one, as many serve as before, and one more at most is there."""
    key = running.keys("test")[0]
    before, until = slots(running), running.clock.now() + timedelta(hours=1)
    wishing = Wishing(running.store, running.clock)
    wishing.protect(named(running, "web-2"), until=until, reason="a profiler")
    asked = wishing.replace_all(key, reason="a new password")
    assert {one.slot for one in asked} == before - {"web-2"}
    served: list[int] = []
    there: list[int] = []

    def looked(_: Plan, seen: Observation) -> None:
        served.append(sum(backend.state is TrafficState.SERVING for backend in seen.traffic.backends))
        there.append(len(seen.machines.instances))

    (settled,) = running.converge((key,), watcher=looked)
    assert settled.reached
    assert slots(running) & before == {"web-2"}
    assert (min(served), max(there)) == (len(before), len(before) + 1)
    assert fleet_statuses(running.store)[0].release == "r1"
    assert min(served) >= len(before)


def test_a_whole_environment_that_was_never_deployed_is_refused(shop: Shop) -> None:
    """With what does it."""
    with pytest.raises(Refused, match="test was never deployed"):
        fleets_running(shop.keys("test"), shop.store)
