"""A fleet whose image has another name in the file than when its release was baked."""

import pytest
from simulated_shop import FILE, Shop

from repave.config.errors import NotInRelease
from repave.config.project import parse_project
from repave.operations.preview import preview
from repave.operations.rollback import release_to_return_to
from repave.ports.progress import Silent

RENAMED = FILE.replace("images:\n  web:", "images:\n  site:").replace("image: web", "image: site")


def rename(shop: Shop) -> None:
    """Give the image another name in the file."""
    shop.project = parse_project(RENAMED, filename="repave.yaml")


def release(shop: Shop, page: str) -> None:
    """Lock and bake another page."""
    shop.change_application(f"print({page!r})\n")
    shop.bake()


def test_what_runs_is_kept_alive_under_another_name(shop: Shop) -> None:
    """The file is ahead of the bake: what was wanted before is still known by what the fleet ran."""
    release(shop, "first")
    shop.deploy("test")
    rename(shop)
    (key,) = shop.keys("test")
    shop.world.kill(shop.world.living(key)[0].id)
    wanted = shop.deploying.wanted(shop.environment("test"))
    assert wanted is not None
    [told] = preview(shop.project, shop.environment("test"), wanted, shop.store, shop.clock, Silent())
    assert not told.changes
    assert shop.deploy("test", 1).as_asked
    assert {machine.revision.image for machine in shop.world.living(key)} == {"web"}


def test_a_release_of_before_is_returned_to(shop: Shop) -> None:
    """The new name's release may turn out bad."""
    release(shop, "first")
    shop.deploy("test")
    rename(shop)
    release(shop, "second")
    assert shop.deploy("test").as_asked
    back = release_to_return_to(shop.project, shop.environment("test"), shop.store, None)
    assert shop.deploy("test", back.number).as_asked
    (key,) = shop.keys("test")
    assert {machine.revision.image for machine in shop.world.living(key)} == {"web"}


def test_a_release_that_never_ran_here_says_what_it_holds(shop: Shop) -> None:
    """Nobody knows which of its images the fleet would have run."""
    release(shop, "first")
    rename(shop)
    with pytest.raises(NotInRelease) as refused:
        shop.deploy("test")
    assert refused.value.hint is not None
    assert refused.value.hint.startswith("it holds web; ")
