"""Deploying, going back, pausing, ending: intent in, fleets out, over a simulated world."""

from dataclasses import replace

import pytest
from simulated_shop import Shop

from repave.config.errors import UnknownName
from repave.model.names import ReleaseNumber, RevisionId
from repave.model.observation import Observation
from repave.model.plan import Plan
from repave.operations.converge import unwatched
from repave.operations.deploy import DEPLOYED, OVERTAKEN, PAUSED, ROLLED_BACK
from repave.operations.dropped import dropped, dropped_environments, environment_to_end, with_dropped
from repave.operations.errors import Refused
from repave.operations.explaining import explain_fleet
from repave.operations.keys import fleets_of
from repave.operations.logs import chosen, consoles
from repave.operations.pause import pause
from repave.operations.preview import preview
from repave.operations.rollback import release_to_return_to
from repave.operations.status import fleet_statuses
from repave.ports.progress import Silent
from repave.simulation.world import Behaviour


def released(shop: Shop, *texts: str) -> None:
    """One release per text of the application."""
    for text in texts or ("print('hello')\n",):
        shop.change_application(text)
        shop.bake()


def broken(shop: Shop, name: str, number: int) -> None:
    """Instances of that release never become healthy."""
    shop.world.behaviours[revision(shop, name, number)] = Behaviour(never_healthy=True)


def revision(shop: Shop, name: str, number: int) -> RevisionId:
    """Of the web fleet."""
    from repave.config.policies import revision_for  # noqa: PLC0415 - one use

    release = next(one for one in shop.store.releases() if one.number == number)
    environment = shop.environment(name)
    return revision_for(shop.project, environment.name, shop.keys(name)[0].fleet, release).id


def test_a_release_is_deployed_and_shown(shop: Shop) -> None:
    """What is told of it is what the balancer serves."""
    released(shop)
    result = shop.deploy("test")
    assert result.as_asked
    assert (result.fleets[0].serving, result.fleets[0].size) == (3, 3)
    status = fleet_statuses(shop.store)[0]
    assert (status.release, status.phase, status.serving) == ("r1", "converged", 3)
    assert {instance.state for instance in status.instances} == {"serving"}
    assert sum(status.zones.values()) == 3


def test_nothing_baked_is_refused(shop: Shop) -> None:
    """With the way there."""
    with pytest.raises(Refused, match="no release"):
        shop.deploy("test")


def test_the_same_lock_is_the_same_release(shop: Shop) -> None:
    """Promise 10: nothing is rebuilt or renumbered for nothing."""
    released(shop)
    again = shop.bake()
    assert (str(again.release), again.new) == ("r1", False)


def test_a_broken_release_is_rolled_back_and_does_not_come_again(shop: Shop) -> None:
    """Promise 1: not by itself, and not by the next plain deploy either."""
    released(shop, "one\n", "two\n")
    shop.deploy("test", 1)
    broken(shop, "test", 2)
    result = shop.deploy("test")
    assert (result.fleets[0].result, result.fleets[0].release) == (ROLLED_BACK, "r1")
    assert result.fleets[0].reason
    assert fleet_statuses(shop.store)[0].releases == {"r1": 3}
    with pytest.raises(Refused, match="r2 failed in test"):
        shop.deploy("test")
    wanted = shop.deploying.wanted(shop.environment("test"))
    assert str(wanted) == "r1"


def test_a_failed_release_is_tried_again_when_named(shop: Shop) -> None:
    """A person may know better."""
    released(shop, "one\n", "two\n")
    shop.deploy("test", 1)
    broken(shop, "test", 2)
    shop.deploy("test")
    shop.world.behaviours.clear()
    assert shop.deploy("test", 2).as_asked


def test_a_deployment_that_is_overtaken_has_not_failed(shop: Shop) -> None:
    """Another's word came later: what they asked for runs, and nothing of the first was stopped for being bad."""
    released(shop, "one\n", "two\n")
    shop.deploy("test", 1)
    test, first = shop.environment("test"), shop.store.release(ReleaseNumber(1))

    def meanwhile(plan: Plan, _: Observation) -> None:
        if plan.changes:
            shop.deploying.begin(test, first, "deploy")

    result = shop.deploy("test", 2, watcher=meanwhile)
    (fleet,) = result.fleets
    assert (fleet.result, fleet.asked, fleet.release) == (OVERTAKEN, "r2", "r1")
    assert fleet.reason == "r1 was asked for meanwhile; r2 is not rolled out any more"
    assert not result.as_asked
    assert not result.failed


def test_a_deployment_that_is_paused_has_not_failed(shop: Shop) -> None:
    """A person halts it on its way: nothing of it was bad, and it goes on where it was left."""
    released(shop, "one\n", "two\n")
    shop.deploy("test", 1)

    def meanwhile(plan: Plan, _: Observation) -> None:
        if plan.changes:
            pause(shop.keys("test"), shop.store, shop.clock, paused=True)

    result = shop.deploy("test", 2, watcher=meanwhile)
    (fleet,) = result.fleets
    assert (fleet.result, fleet.release, fleet.reason) == (PAUSED, "r2", "the fleet is paused")
    assert not result.as_asked
    assert not result.failed
    pause(shop.keys("test"), shop.store, shop.clock, paused=False)
    assert shop.deploy("test").as_asked


def test_a_rollback_goes_to_the_last_proven_release(shop: Shop) -> None:
    """Not to one that merely exists."""
    released(shop, "one\n", "two\n", "three\n")
    shop.deploy("test", 1)
    shop.deploy("test", 3)
    back = release_to_return_to(shop.project, shop.environment("test"), shop.store, None)
    assert str(back) == "r1"
    assert shop.deploy("test", back.number).fleets[0].result == DEPLOYED


def test_a_rollback_without_anything_proven_is_refused(shop: Shop) -> None:
    """It names what can be done."""
    released(shop)
    shop.deploy("test")
    with pytest.raises(Refused, match="no release but r1"):
        release_to_return_to(shop.project, shop.environment("test"), shop.store, None)


def test_a_paused_environment_takes_no_deployment(shop: Shop) -> None:
    """It is refused before anything is written down."""
    released(shop, "one\n", "two\n")
    shop.deploy("test", 1)
    pause(shop.keys("test"), shop.store, shop.clock, paused=True)
    with pytest.raises(Refused, match="paused"):
        shop.deploy("test", 2)
    pause(shop.keys("test"), shop.store, shop.clock, paused=False)
    assert shop.deploy("test", 2).as_asked


def test_destroying_drains_ends_and_forgets_and_may_be_repeated(shop: Shop) -> None:
    """The second call finds nothing, and says so."""
    released(shop)
    shop.deploy("test")
    ended = shop.destroying.destroy(shop.keys("test"), unwatched)
    assert [one.ended for one in ended] == [3]
    assert fleet_statuses(shop.store) == ()
    assert shop.world.living(shop.keys("test")[0]) == []
    assert [one.ended for one in shop.destroying.destroy(shop.keys("test"), unwatched)] == [0]
    assert shop.deploy("test").as_asked


def test_a_fleet_that_the_file_has_no_more_is_ended_too(shop: Shop) -> None:
    """Renamed while it ran, it would run on for ever: no verb would know it."""
    released(shop)
    shop.deploy("test")
    [old] = shop.keys("test")
    where = replace(shop.environment("test"), fleets={})
    shop.project = replace(shop.project, fleets={}, environments={where.name: where})
    assert dropped(shop.project, where.name, shop.store) == (old,)
    shop.project = with_dropped(shop.project, where.name, shop.store)
    assert shop.project.fleets[old.fleet].health.path is None, "what it was asked for went with the file"
    [ended] = shop.destroying.destroy(fleets_of(shop.project, shop.environment("test"), only="web"), unwatched)
    assert (ended.fleet, ended.ended, shop.world.living(old)) == ("web", 3, [])
    assert (shop.store.fleets(), dropped(shop.project, where.name, shop.store)) == ((), ())


def test_an_environment_that_the_file_has_no_more_is_not_called_unknown(shop: Shop) -> None:
    """What runs is named, and how it is ended; a name that nobody ever used is unknown."""
    released(shop)
    shop.deploy("test")
    test = shop.environment("test")
    assert environment_to_end(shop.project, "test", shop.store) == test
    assert dropped_environments(shop.project, shop.store) == ()
    left = {name: one for name, one in shop.project.environments.items() if name != test.name}
    without = replace(shop.project, environments=left)
    assert dropped_environments(without, shop.store) == ("test",)
    with pytest.raises(Refused, match=r"`test` was deployed \(web\), and the file has it no more"):
        environment_to_end(without, "test", shop.store)
    with pytest.raises(UnknownName):
        environment_to_end(without, "tset", shop.store)


def test_a_preview_is_what_then_happens(shop: Shop) -> None:
    """Batches, extra instances and least serving are the planner's own, and writing nothing down."""
    released(shop, "one\n", "two\n")
    shop.deploy("prod", 1)
    release = shop.store.releases()[-1]
    told = preview(shop.project, shop.environment("prod"), release, shop.store, shop.clock, Silent())[0]
    assert (told.running, told.release, told.replaces) == ("r1", "r2", 4)
    assert told.extra == 1
    assert told.rehearsal.least_serving == 4
    assert told.rehearsal.finished
    retired = [slot for batch in told.rehearsal.batches for slot in batch.retires]
    assert len(retired) == 4
    most = 0

    def watch(*_: object) -> None:
        nonlocal most
        most = max(most, len(shop.world.living(shop.keys("prod")[0])))

    shop.deploy("prod", 2, watch)
    assert most == told.rehearsal.peak


def test_a_preview_shows_changed_settings_with_secrets_by_reference(shop: Shop) -> None:
    """Values of secrets are in no plan."""
    released(shop)
    shop.deploy("prod")
    changed = shop.folder / "other"
    other = Shop(changed, text=ANOTHER_FILE)
    try:
        release = shop.store.releases()[0]
        told = preview(other.project, other.environment("prod"), release, shop.store, shop.clock, Silent())[0]
    finally:
        other.close()
    assert [(change.what, change.old, change.new) for change in told.changes] == [
        ("config.TOKEN", "secret env:TOKEN", "secret env:OTHER"),
        ("port", "8080", "9090"),
    ]


def test_explaining_names_the_rule_of_what_waits(shop: Shop) -> None:
    """Promise 4."""
    released(shop)
    shop.deploy("test")
    pause(shop.keys("test"), shop.store, shop.clock, paused=True)
    shop.converge(shop.keys("test"), watcher=unwatched)
    told = explain_fleet(shop.store, shop.keys("test")[0])
    assert [(wait.subject, wait.rule) for wait in told.waits] == [("fleet", "paused")]
    assert told.waits[0].remedy


def test_consoles_are_chosen_by_name_or_fate(shop: Shop) -> None:
    """An unknown name is answered with those there are."""
    released(shop)
    shop.deploy("test")
    key = shop.keys("test")[0]
    found = consoles(key, shop.machines, shop.store, frozenset())
    assert len(chosen(found, named=None, previous=False, failed=False)) == 3
    assert chosen(found, named=found[1].slot, previous=False, failed=False) == (found[1],)
    with pytest.raises(Refused) as refused:
        chosen(found, named="nobody", previous=False, failed=False)
    assert found[0].slot in refused.value.hint


ANOTHER_FILE = """
project: shop
images:
  web:
    kind: container
    base: {distribution: debian, release: bookworm}
    packages: [openssl]
    run: python3 app.py
fleets:
  web: {image: web, port: 9090}
environments:
  prod: {provider: local, zones: [a, b], fleets: {web: {size: 4}}, config: {TOKEN: {secret: "env:OTHER"}}}
"""
