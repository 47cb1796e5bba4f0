"""Going back may be ended at any point: asked again, it goes on to the same release."""

from pathlib import Path

import pytest
from simulated_shop import FILE, Shop

from repave.model.names import RevisionId
from repave.model.observation import Observation
from repave.model.plan import Plan
from repave.operations.converge import unwatched
from repave.operations.deploy import DeployResult
from repave.operations.rollback import GOING_BACK, release_to_return_to
from repave.simulation.world import Behaviour

WORKER = """  worker:
    image: web
    port: 8081
    after: [web]
    health: {interval: 200ms, timeout: 200ms, healthy: 2, unhealthy: 3, grace: 3s}
environments:
"""
TWO_FLEETS = (
    FILE.replace("environments:\n", WORKER)
    .replace("{web: {size: 3}}", "{web: {size: 2}, worker: {size: 2}}")
    .replace("{web: {size: 4}}", "{web: {size: 1}, worker: {size: 1}}")
)


class Killed(BaseException):
    """The process ended here."""


class Patience:
    """Watches so many decisions, then the process is killed."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def __call__(self, _: Plan, __: Observation) -> None:
        """One more."""
        if not self.looks:
            raise Killed
        self.looks -= 1


def released(shop: Shop, *, carried: tuple[int, ...]) -> None:
    """As many releases as are named, carried in this order."""
    for number in sorted(carried):
        shop.change_application(f"print({number})\n")
        shop.bake()
    for number in carried:
        assert shop.deploy("test", number).as_asked


def chosen(shop: Shop) -> int:
    """Where the command without a name would go."""
    return release_to_return_to(shop.project, shop.environment("test"), shop.store, None).number


def go_back(shop: Shop, looks: int | None = None) -> DeployResult | None:
    """As the verb does it; killed after so many looks."""
    test = shop.environment("test")
    release = release_to_return_to(shop.project, test, shop.store, None)
    shop.publish(release, "test")
    shop.deploying.begin(test, release, GOING_BACK)
    try:
        return shop.deploying.finish(test, release, unwatched if looks is None else Patience(looks))
    except Killed:
        return None


def killed_deploying(shop: Shop, number: int, looks: int) -> None:
    """A deployment that does not get far."""
    with pytest.raises(Killed):
        shop.deploy("test", number, watcher=Patience(looks))


def there(shop: Shop, number: int) -> list[bool]:
    """Of each fleet, whether the release carries it since it is wanted."""
    targets = [target for key in shop.keys("test") if (target := shop.store.target(key))]
    return [one.proven[-1].release == one.release == number and one.proven[-1].at >= one.since for one in targets]


@pytest.mark.parametrize("looks", [1, 3, 8])
def test_going_back_goes_on_to_the_same_release_wherever_it_is_killed(shop: Shop, looks: int) -> None:
    """Never to the one that is being left; once it is there, the next one goes to another."""
    released(shop, carried=(1, 2, 3))
    killed = 0
    while not all(there(shop, 2)):
        assert chosen(shop) == 2
        killed += go_back(shop, looks) is None
    assert killed > 1
    assert chosen(shop) == 3


def test_going_back_from_a_deployment_that_was_killed_goes_on_too(shop: Shop) -> None:
    """It was to carry the fleet again what carried it last, and so it stays."""
    released(shop, carried=(1, 3, 2))
    killed_deploying(shop, 3, 12)
    assert chosen(shop) == 2
    assert go_back(shop, 1) is None
    assert chosen(shop) == 2
    result = go_back(shop)
    assert result is not None
    assert (result.as_asked, result.release) == (True, "r2")


def test_a_later_word_than_the_way_back_is_what_is_gone_back_from(shop: Shop) -> None:
    """Also where that one is on its way itself."""
    released(shop, carried=(1, 3, 2))
    assert go_back(shop, 2) is None
    assert chosen(shop) == 3
    killed_deploying(shop, 1, 2)
    assert chosen(shop) == 2


def test_what_stops_on_the_way_back_is_not_gone_on_to(shop: Shop) -> None:
    """It came to an end, though a bad one: there is another to go to."""
    released(shop, carried=(1, 2, 3))
    (key,) = shop.keys("test")
    shop.world.behaviours[_revision(shop, 2)] = Behaviour(never_healthy=True)
    result = go_back(shop)
    assert result is not None
    assert not result.as_asked
    target = shop.store.target(key)
    assert target is not None
    assert chosen(shop) != target.release


def test_all_fleets_go_on_while_one_is_on_its_way_back(tmp_path: Path) -> None:
    """The first that is there does not send the others elsewhere."""
    shop = Shop(tmp_path / "shop", TWO_FLEETS)
    try:
        released(shop, carried=(1, 2, 3))
        one_is_there = False
        while not all(there(shop, 2)):
            assert chosen(shop) == 2
            go_back(shop, 3)
            one_is_there = one_is_there or any(there(shop, 2))
        assert one_is_there
        assert chosen(shop) == 3
    finally:
        shop.close()


def test_a_release_that_is_revoked_on_the_way_back_is_not_gone_on_to(shop: Shop) -> None:
    """Nothing of it is started any more."""
    released(shop, carried=(1, 2, 3))
    assert go_back(shop, 2) is None
    shop.revoking.revoke("r2", "it loses orders")
    assert chosen(shop) != 2


def _revision(shop: Shop, number: int) -> RevisionId:
    (key,) = shop.keys("test")
    target = shop.store.target(key)
    assert target is not None
    return next(proof.revision for proof in target.proven if proof.release == number)
