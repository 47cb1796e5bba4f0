"""All casts of the demo play the same shop: what differs is taken by repave as it stands."""

import fcntl
import os
import resource
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from demo.__main__ import arguments, cast_of
from demo.casts import BOOTSTRAPPED, CONTAINERS, MACHINES, Cast, kill_container, kill_machine
from demo.kept import is_idle
from demo.shop import Shop
from demo.visitors import PACE_SECONDS
from local_order import ORDER

from repave.balancers.haproxy.process import MAXIMUM_CONNECTIONS
from repave.config.project import load_project
from repave.model.names import EnvironmentName, FleetName, ImageName, InstanceId
from repave.model.recipe import Boot, ImageKind
from repave.providers.local.mapping import new_record
from repave.providers.local.places import find_places
from repave.providers.local.records import Records

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "shop"


@pytest.mark.parametrize(
    ("cast", "kind", "boot"),
    [
        (CONTAINERS, ImageKind.CONTAINER, None),
        (MACHINES, ImageKind.VM, Boot.GOLDEN),
        (BOOTSTRAPPED, ImageKind.VM, Boot.BOOTSTRAP),
    ],
)
def test_shop_is_cast(tmp_path: Path, cast: Cast, kind: ImageKind, boot: Boot | None) -> None:
    """Of that kind and size, made that way, locked from the frozen suite alone."""
    shop = Shop(example=EXAMPLE, folder=tmp_path / "shop", cast=cast, cold=False)
    project = load_project(shop.folder / "repave.yaml")
    image = project.images[ImageName("web")]
    assert (image.kind, image.boot, image.base.suites) == (kind, boot, ("bookworm",))
    assert project.environments[EnvironmentName("test")].fleets[FleetName("web")].size == cast.size


@pytest.mark.parametrize(
    ("options", "cast"), [([], CONTAINERS), (["--vm"], MACHINES), (["--vm", "--bootstrap"], BOOTSTRAPPED)]
)
def test_cast_is_the_one_asked_for(options: list[str], cast: Cast) -> None:
    """And each works in a folder of its own."""
    assert cast_of(arguments(options)) is cast
    assert [one.folder for one in (CONTAINERS, MACHINES, BOOTSTRAPPED)].count(cast.folder) == 1


@pytest.mark.parametrize("options", [["--bootstrap"], ["--bank", "--bootstrap"]])
def test_only_machines_install_themselves(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """It would else be left out without a word."""
    with pytest.raises(SystemExit, match="2"):
        arguments(options)
    assert "--bootstrap is for virtual machines: add --vm" in capsys.readouterr().err


def test_page_tells_how_its_machines_were_made() -> None:
    """In a sentence of its own, where there is something to tell."""
    assert "on one machine. Each installed itself at its first start" in BOOTSTRAPPED.lead
    assert "on one machine. A security fix" in MACHINES.lead


def test_recipe_that_says_something_else_is_told(tmp_path: Path) -> None:
    """An example that has changed would else be played as it is."""
    with pytest.raises(LookupError, match="does not say 'size: 7'"):
        Shop(
            example=EXAMPLE,
            folder=tmp_path / "shop",
            cast=replace(CONTAINERS, recipe={"size: 7": "size: 3"}),
            cold=False,
        )


def test_a_broken_release_gets_less_time_to_be_well(tmp_path: Path) -> None:
    """By the file, for as long as it is broken; what comes after has the usual time."""
    shop = Shop(example=EXAMPLE, folder=tmp_path / "shop", cast=CONTAINERS, cold=False)

    def grace() -> float:
        return load_project(shop.folder / "repave.yaml").fleets[FleetName("web")].health.grace_seconds

    usual = grace()
    shop.break_application()
    assert grace() < usual
    shop.mend_application()
    assert grace() == usual


@pytest.mark.parametrize("cast", [CONTAINERS, MACHINES, BOOTSTRAPPED])
def test_all_visitors_find_room_at_the_balancer(cast: Cast) -> None:
    """Each keeps a connection for as long as it visits."""
    assert cast.rate * PACE_SECONDS < MAXIMUM_CONNECTIONS


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


@pytest.mark.parametrize("left", [True, False])
def test_only_what_was_left_running_is_ended_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: bool
) -> None:
    """An instance has its record until all of it is gone; a run that came to its end leaves none."""
    ended: list[Path] = []
    monkeypatch.setattr(Shop, "destroy", lambda shop: ended.append(shop.folder))
    shop = Shop(example=EXAMPLE, folder=tmp_path / "shop", cast=CONTAINERS, cold=False)
    assert ended == []
    records = Records(places=find_places(shop.folder / ".repave" / "local", user=os.geteuid(), privileged=True))
    record = new_record(ORDER, InstanceId("i-1"), kind=ImageKind.CONTAINER, address="10.0.0.2", at=datetime.now(UTC))
    records.write(record)
    if not left:
        records.remove(record)
    Shop(example=EXAMPLE, folder=tmp_path / "shop", cast=CONTAINERS, cold=False)
    assert ended == ([shop.folder] if left else [])


@pytest.mark.parametrize("number", [1_023, 1_024])
def test_visitors_keep_their_connections(number: int) -> None:
    """However many they are: one that is open and silent is asked over again, whatever its file's number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2_048), hard))
    try:
        here, there = socket.socketpair()
        with here, there, socket.socket(fileno=fcntl.fcntl(here, fcntl.F_DUPFD, number)) as kept:
            assert kept.fileno() >= number
            assert is_idle(None, kept)
            there.close()
            assert not is_idle(None, kept)
        assert not is_idle(None, kept)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
