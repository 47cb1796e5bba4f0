"""Both casts of the demo play the same shop: what differs is taken by repave as it stands."""

import subprocess
import sys
from pathlib import Path

import pytest
from demo.casts import CONTAINERS, MACHINES, Cast, kill_container, kill_machine
from demo.shop import Shop

from repave.config.project import load_project
from repave.model.names import EnvironmentName, FleetName, ImageName
from repave.model.recipe import ImageKind

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "shop"


@pytest.mark.parametrize(("cast", "kind"), [(CONTAINERS, ImageKind.CONTAINER), (MACHINES, ImageKind.VM)])
def test_shop_is_cast(tmp_path: Path, cast: Cast, kind: ImageKind) -> None:
    """Of that kind and size, locked from the frozen suite alone."""
    shop = Shop(example=EXAMPLE, folder=tmp_path / "shop", recipe=cast.recipe, cold=False)
    project = load_project(shop.folder / "repave.yaml")
    image = project.images[ImageName("web")]
    assert (image.kind, image.base.suites) == (kind, ("bookworm",))
    assert project.environments[EnvironmentName("test")].fleets[FleetName("web")].size == cast.size


def test_recipe_that_says_something_else_is_told(tmp_path: Path) -> None:
    """An example that has changed would else be played as it is."""
    with pytest.raises(LookupError, match="does not say 'size: 7'"):
        Shop(example=EXAMPLE, folder=tmp_path / "shop", recipe={"size: 7": "size: 3"}, cold=False)


def test_only_what_bears_the_instances_labels_is_killed() -> None:
    """A container's process by its environment; a machine by its name, which nobody here has."""
    instance = {"instance": "i-0123456789ab", "zone": "a"}
    sleeping = [sys.executable, "-c", "print(flush=True); input()"]
    labels = {"REPAVE_INSTANCE": instance["instance"], "REPAVE_ZONE": instance["zone"]}
    with subprocess.Popen(sleeping, env=labels, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert kill_machine(instance) == 0
        assert kill_container({**instance, "zone": "b"}) == 0
        assert kill_container(instance) == 1
