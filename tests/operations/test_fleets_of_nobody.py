"""A fleet of size 0 beside others in an environment: it has nothing to show, and holds nobody up."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from simulated_shop import FILE, QUIET, Shop

from repave.config.policies import revision_for
from repave.model.names import EnvironmentName
from repave.model.pipeline import Held, Rule
from repave.operations.converge import unwatched
from repave.operations.promoting.standings import standing_of
from repave.operations.rollback import release_to_return_to, was_healthy
from repave.ports.intent import Aim

WORKER = """  worker:
    image: web
    port: 8081
    health: {interval: 200ms, timeout: 200ms, healthy: 2, unhealthy: 3, grace: 3s}
environments:
"""
HOUR = 3600.0
Opened = Callable[..., Shop]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Shops with a second fleet, whose sizes and gates in `test` are said."""
    made: list[Shop] = []

    def shop(web: int, worker: int, gates: str = "{}") -> Shop:
        text = (
            FILE.replace("environments:\n", WORKER)
            .replace("{web: {size: 3}}", f"{{web: {{size: {web}}}, worker: {{size: {worker}}}}}")
            .replace("{web: {size: 4}}", "{web: {size: 1}, worker: {size: 1}}")
            .replace("config: {GREETING: hello}", f"gates: {gates}")
            .replace('config: {TOKEN: {secret: "env:TOKEN"}}', "gates: {unknown: pass}")
        )
        made.append(Shop(tmp_path / "shop", text))
        return made[-1]

    yield shop
    for one in made:
        one.close()


def released(shop: Shop, *words: str) -> None:
    """One release after the other."""
    for word in words:
        shop.change_application(f"print({word!r})\n")
        shop.bake()


def wanted(shop: Shop, environment: str) -> list[int | None]:
    """Of each of its fleets, which release."""
    return [target.release if (target := shop.store.target(key)) else None for key in shop.keys(environment)]


def held(shop: Shop) -> list[Held]:
    """What waits before prod, once all was let in that may."""
    return [one for one in shop.promote().plan.held if one.environment == EnvironmentName("prod")]


def test_a_release_goes_on_past_a_fleet_of_nobody(opened: Opened) -> None:
    """The others carried it; there is nothing that nobody could have proven."""
    shop = opened(web=1, worker=0)
    released(shop, "one")
    assert held(shop) == []
    assert wanted(shop, "prod") == [1, 1]


def test_a_soak_and_checks_end_beside_a_fleet_of_nobody(opened: Opened) -> None:
    """Whoever is wanted is well."""
    shop = opened(web=1, worker=0, gates="{soak: 1h, checks: [{fleet: web, http: /}]}")
    released(shop, "one")
    assert [one.rule for one in held(shop)] == [Rule.SOAK]
    assert [one.passed for one in shop.ran] == [True]
    shop.clock.sleep(HOUR)
    assert held(shop) == []
    assert wanted(shop, "prod") == [1, 1]


def test_a_gate_of_metrics_asks_for_no_answers_of_a_fleet_of_nobody(opened: Opened) -> None:
    """Nobody is there to give any."""
    shop = opened(web=1, worker=0, gates="{metrics: {error_rate: 1%, over: 5m}}")
    web, _ = shop.keys("test")
    shop.world.load[web] = lambda _: 10.0
    released(shop, "one")
    shop.promote()
    shop.clock.sleep(60)
    assert held(shop) == []
    assert wanted(shop, "prod") == [1, 1]


def test_an_environment_of_nobody_shows_nothing_and_says_so(opened: Opened) -> None:
    """No release passes it untried; and nobody is sent to look for what its fleets wait for."""
    shop = opened(web=0, worker=0)
    released(shop, "one")
    [told] = held(shop)
    assert (told.rule, told.detail) == (
        Rule.CARRIED,
        "test has not carried r1 in good health, and nobody is wanted there",
    )
    assert "take test out of `pipeline`" in told.remedy
    assert wanted(shop, "prod") == [None, None]


def test_what_an_environment_carried_before_it_was_emptied_still_counts(opened: Opened) -> None:
    """And it soaks no longer: nobody is there to be well."""
    shop = opened(web=1, worker=1, gates="{soak: 1h}")
    released(shop, "one")
    assert [one.rule for one in held(shop)] == [Rule.SOAK]
    shop.destroying.destroy(shop.keys("test"), lambda *_: None)
    shop.clock.sleep(2 * HOUR)
    assert [one.rule for one in held(shop)] == [Rule.SOAK]


def test_a_fleet_of_nobody_that_is_behind_keeps_its_environment_behind(opened: Opened) -> None:
    """As when a deployment was killed halfway: the next promotion lets the release in anew, for all fleets."""
    shop = opened(web=1, worker=0)
    released(shop, "one", "two")
    shop.deploy("test", 1)
    web, _ = shop.keys("test")
    newest = shop.store.releases()[-1]
    shop.publish(newest, "test")
    revision = revision_for(shop.project, web.environment, web.fleet, newest)
    shop.store.add_revision(web, revision)
    aim = Aim(revision=revision.id, release=newest.number, size=1, reason="deploy")
    shop.store.aim(web, aim, shop.clock.now())
    shop.converge((web,), watcher=unwatched)
    standing = standing_of(shop.project, web.environment, shop.store, shop.clock.now())
    assert (standing.release, standing.well_since, list(standing.proven)) == (1, None, [1, 2])
    assert held(shop) == []
    assert (wanted(shop, "test"), wanted(shop, "prod")) == ([2, 2], [2, 2])


def test_a_rollback_goes_to_what_carried_all_but_a_fleet_of_nobody(opened: Opened) -> None:
    """It has nothing that it could go back to, and needs nothing."""
    shop = opened(web=1, worker=0)
    released(shop, "one", "two", "three")
    shop.deploy("test", 1)
    shop.deploy("test", 2)
    environment = shop.environment("test")
    assert str(release_to_return_to(shop.project, environment, shop.store, None)) == "r1"
    first, _, third = shop.store.releases()
    assert was_healthy(shop.project, environment, shop.store, first)
    assert not was_healthy(shop.project, environment, shop.store, third)
    assert shop.promoting.held(environment, first, QUIET) is None
