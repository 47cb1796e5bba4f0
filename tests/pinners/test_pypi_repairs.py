"""Which wheels move when their flaws are to be repaired, and what holds the others."""

from pathlib import Path

import pytest
from pypi_index import PypiWorld

from repave.ports.errors import Invalid


@pytest.fixture
def world(tmp_path: Path) -> PypiWorld:
    """An application and two libraries, locked in their first versions; newer ones have come out since."""
    found = PypiWorld(root=tmp_path)
    found.wheel("app", "1.0", requires=("lib>=1,<2", "other"))
    found.wheel("lib", "1.0")
    found.wheel("other", "1.0")
    found.run("app")
    for version in ("1.4", "1.5", "1.6", "2.0"):
        found.wheel("lib", version)
    found.wheel("other", "1.1")
    return found


def test_just_the_package_moves_that_is_repaired(world: PypiWorld) -> None:
    """To the version that repairs it, the others not at all; what is not locked here is passed over."""
    assert world.repaired("app", lib="1.4", nowhere="1.0") == {"app": "1.0", "lib": "1.4", "other": "1.0"}
    assert world.held == ()


def test_a_later_version_is_taken_where_the_repairing_one_is_not_to_be_had(world: PypiWorld) -> None:
    """The newest that the ranges admit; other repairs still move as little as they can."""
    assert world.repaired("app", lib="1.3", other="1.1") == {"app": "1.0", "lib": "1.6", "other": "1.1"}
    world.wheel("other", "1.2")
    assert world.repaired("app", "lib != 1.4", lib="1.4", other="1.1")["other"] == "1.1"
    assert world.held == ()


def test_what_it_forces_along_moves_too(world: PypiWorld) -> None:
    """A package that is needed in an older version gives way, if the recipe lets it."""
    world.wheel("app", "1.1", requires=("lib>=1", "other"))
    assert world.repaired("app", lib="2.0") == {"app": "1.1", "lib": "2.0", "other": "1.0"}
    assert world.held == ()


def test_the_recipes_range_is_named_that_holds_a_repair(world: PypiWorld) -> None:
    """The others are taken all the same."""
    found = world.repaired("app", "lib < 1.5", lib="1.5", other="1.1")
    assert found == {"app": "1.0", "lib": "1.0", "other": "1.1"}
    (held,) = world.held
    assert (held.name, held.version) == ("lib", "1.5")
    assert held.why == "`lib < 1.5` under `python` of image `web` holds it"


def test_another_packages_range_is_told_by_the_resolver(world: PypiWorld) -> None:
    """It says who needs what."""
    assert world.repaired("app", lib="2.0")["lib"] == "1.0"
    (held,) = world.held
    assert "lib>=1,<2" in held.why
    assert "app" in held.why


def test_of_several_repairs_the_highest_is_taken_that_can_be_had(world: PypiWorld) -> None:
    """It repairs the most; what it does not is named."""
    assert world.repaired("app", "lib != 1.6", lib=("2.0", "1.4"))["lib"] == "1.4"
    assert [(held.name, held.version) for held in world.held] == [("lib", "2.0")]


def test_of_repairs_that_exclude_each_other_the_first_is_taken(world: PypiWorld) -> None:
    """What hurries stands first."""
    world.wheel("other", "2.0", requires=("lib<1.5",))
    world.remove(world.root / "index/other/other-1.1-py3-none-any.whl")
    assert world.repaired("app", other="2.0", lib="1.5") == {"app": "1.0", "lib": "1.0", "other": "2.0"}
    assert [held.name for held in world.held] == ["lib"]
    assert world.repaired("app", lib="1.4", other="2.0") == {"app": "1.0", "lib": "1.4", "other": "2.0"}


def test_a_lock_that_cannot_be_kept_is_refused_as_ever(world: PypiWorld) -> None:
    """It is no repair that fails, but the recipe."""
    with pytest.raises(Invalid, match="cannot be resolved"):
        world.repaired("app", "lib > 7", lib="1.5")
