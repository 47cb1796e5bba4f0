"""Instances that bear a fleet's tags, and run what no record here knows."""

from dataclasses import replace

from simulated_shop import Shop

from repave.cli.phrases import stranger_words
from repave.model.names import InstanceId, ReleaseNumber, RevisionId
from repave.operations.preview import preview
from repave.operations.status import fleet_statuses
from repave.operations.watching.learning import Learning
from repave.ports.progress import Silent


def test_what_no_record_knows_is_named(shop: Shop) -> None:
    """In the status and in the plan, by its slot; of what is known nothing is said."""
    shop.change_application("print('hello')\n")
    shop.bake()
    shop.deploy("test")
    [key] = shop.keys("test")
    environment, release = shop.environment("test"), shop.store.releases()[0]
    assert fleet_statuses(shop.store)[0].unknown == ()
    assert preview(shop.project, environment, release, shop.store, shop.clock, Silent())[0].unknown == ()
    seen = shop.store.last_seen(key)
    assert seen is not None
    known, *others = seen.machines.instances
    strange = replace(known, revision=RevisionId("of-another-store"))
    shop.store.see(replace(seen, machines=replace(seen.machines, instances=(strange, *others))))
    assert fleet_statuses(shop.store)[0].unknown == (known.slot,)
    assert preview(shop.project, environment, release, shop.store, shop.clock, Silent())[0].unknown == (known.slot,)


def test_who_watches_goes_on_beside_what_no_record_knows(shop: Shop) -> None:
    """Its release is in no store, nor are its flaws: it is passed over until it is replaced."""
    shop.change_application("print('hello')\n")
    shop.bake()
    shop.deploy("test")
    [key] = shop.keys("test")
    seen = shop.store.last_seen(key)
    assert seen is not None
    known, *others = seen.machines.instances
    strange = replace(known, id=InstanceId("i-old"), release=ReleaseNumber(17))
    shop.store.see(replace(seen, machines=replace(seen.machines, instances=(strange, *others))))
    learning = Learning(
        project=shop.project, locking=shop.locking, advisories=(shop.advisories,), store=shop.store, clock=shop.clock
    )
    assert {one.number for one in learning.learn(Silent()).known.releases} == {1}


def test_what_becomes_of_them_is_said() -> None:
    """Nobody is to be surprised by it."""
    assert stranger_words(["web-4", "web-5"]) == (
        "no record here knows what runs as web-4, web-5: a roll-out replaces it like what is old"
    )
