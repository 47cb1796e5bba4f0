"""Units that a recipe names: found where they are, started at every start, and told what the fleet is told."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from repave.bakers.disk.enabled import SPEAKING, UnitFile, configured, located
from repave.bakers.disk.identity import why_cold
from repave.bakers.disk.settings import Settings
from repave.bakers.rootfs.cache import LayerRecord
from repave.bakers.rootfs.layertar import FIRST_TIME, LayerTar
from repave.bakers.rootfs.skeleton import Skeleton
from repave.bakers.rootfs.stack import Stack
from repave.model.lock import Layer
from repave.model.names import Digest, ImageName
from repave.model.recipe import Base, Image, ImageKind
from repave.ports.baker import BakeRequest
from repave.ports.errors import Invalid

IMAGE = Image(name=ImageName("web"), kind=ImageKind.VM, base=Base(distribution="debian", release="bookworm"))
SYSTEM, WANTS = "etc/systemd/system", "etc/systemd/system/multi-user.target.wants"
NOTHING = Digest("sha256:" + "0" * 64)


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    """Packages with a web server, workers by a template, one that is a script, and one of a machine's own."""
    tree = tmp_path / "packages"
    for path in (
        "usr/lib/systemd/system/nginx.service",
        "usr/lib/systemd/system/worker@.service",
        "usr/lib/systemd/system/systemd-sysusers.service",
        "usr/lib/systemd/system/shop.service",
        "etc/init.d/tor",
    ):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).touch()
    (tree / "usr/lib/systemd/system/nginx.socket.d").mkdir()
    made = Stack()
    record = LayerRecord(layer=Layer.PLATFORM, inputs=NOTHING, digest=NOTHING, size_bytes=0, skeleton=Skeleton())
    made.add(record, tree=tree, cached=False)
    return made


@pytest.fixture
def above(tmp_path: Path) -> Path:
    """A layer with the recipe's own unit, which has the name of one of a package."""
    with LayerTar(tmp_path / "layer") as tar:
        for path in (f"{SYSTEM}/shop.service", f"{SYSTEM}/report.timer", "srv/app/nginx.socket"):
            tar.file(path, BytesIO(), size=0, owner=(0o644, 0, 0), time=FIRST_TIME)
    return tmp_path / "layer"


@pytest.mark.parametrize(
    ("unit", "place"),
    [
        ("nginx.service", "usr/lib/systemd/system/nginx.service"),
        ("worker@mail.service", "usr/lib/systemd/system/worker@.service"),
        ("shop.service", f"{SYSTEM}/shop.service"),
        ("report.timer", f"{SYSTEM}/report.timer"),
        ("tor.service", "etc/init.d/tor"),
    ],
)
def test_a_unit_is_where_systemd_finds_it(stack: Stack, above: Path, unit: str, place: str) -> None:
    """The recipe's own before a package's; of a template its file; a script of the init before under its name."""
    assert located(replace(IMAGE, units=(unit,)), stack, [above])[unit].place == place


@pytest.mark.parametrize(
    ("unit", "hint"),
    [
        ("ngnix.service", "did you mean `nginx.service`? `packages` or `files` must bring it"),
        ("nginx.socket", "`packages` or `files` must bring it"),
    ],
)
def test_a_unit_that_nothing_brings_is_refused(stack: Stack, above: Path, unit: str, hint: str) -> None:
    """Before the disk is made, with the nearest name."""
    with pytest.raises(Invalid, match=f"image web has no unit {unit}") as refused:
        located(replace(IMAGE, units=(unit,)), stack, [above])
    assert hint in refused.value.hint


def test_named_units_start_and_have_the_configuration() -> None:
    """Beside no application, where there is no command; what they say is on the console, too."""
    image = replace(IMAGE, units=("nginx.service", "report.timer"))
    places = {"nginx.service": "usr/lib/systemd/system/nginx.service", "report.timer": f"{SYSTEM}/report.timer"}
    units = {unit: UnitFile(place=place, text="") for unit, place in places.items()}
    own = Settings.own(BakeRequest(image=image, packages=(), files=()), units)
    assert own.links == {f"{WANTS}/{unit}": f"/{place}" for unit, place in places.items()}
    told = {path for path, text in own.files.items() if "EnvironmentFile=-/run/repave/environment" in text}
    assert told == {f"{SYSTEM}/{name}.service.d/zz-repave.conf" for name in ("nginx", "report")}
    assert own.files[SPEAKING] == "[Manager]\nDefaultStandardOutput=journal+console\n"
    assert not any("repave-application" in path for path in (*own.files, *own.links))


def test_a_command_starts_beside_them(stack: Stack) -> None:
    """As without them."""
    image = replace(IMAGE, units=("nginx.service",), run=("serve",))
    settings = Settings.of(BakeRequest(image=image, packages=(), files=()), located(image, stack, []))
    assert f"{WANTS}/repave-application.service" in settings.links
    assert f"{WANTS}/nginx.service" in settings.links


def test_what_every_machine_leaves_out_comes_back_by_its_name(stack: Stack) -> None:
    """The link to nothing gives way to one to the unit."""
    image = replace(IMAGE, units=("systemd-sysusers.service",))
    request = BakeRequest(image=image, packages=(), files=())
    path = f"{SYSTEM}/systemd-sysusers.service"
    assert Settings.of(request, {}).links[path] == "/dev/null"
    settings = Settings.of(request, located(image, stack, []))
    assert settings.links[path] == "/usr/lib/systemd/system/systemd-sysusers.service"
    assert settings.links[f"{WANTS}/systemd-sysusers.service"] == settings.links[path]


def test_what_the_recipe_brings_in_its_place_is_not_hidden_by_a_link_to_itself() -> None:
    """In a machine that installs itself, links are laid over files."""
    file = UnitFile(place=f"{SYSTEM}/apt-daily.timer", text="")
    image = replace(IMAGE, units=("apt-daily.timer",))
    own = Settings.own(BakeRequest(image=image, packages=(), files=()), {"apt-daily.timer": file})
    assert own.links == {f"{WANTS}/apt-daily.timer": f"/{file.place}"}


@pytest.mark.parametrize(
    ("unit", "text", "services"),
    [
        ("a.service", "[Service]\nExecStart=/bin/a\n", ["a.service"]),
        ("w@mail.service", "", ["w@mail.service"]),
        ("a.timer", "[Timer]\nUnit=b.service\n", ["b.service"]),
        ("a.socket", "[Socket]\nAccept=yes\n", ["a@.service"]),
        ("a.socket", "[Socket]\nAccept=no\n", ["a.service"]),
        ("a.target", "", []),
        ("a.timer", "[Timer]\nUnit=../../b.service\n", ["a.service"]),
        ("ufw.service", "[Unit]\nDefaultDependencies=no\n[Service]\n", []),
    ],
)
def test_services_of_units_are_told_the_configuration(unit: str, text: str, services: list[str]) -> None:
    """Those that a unit starts, by whichever name; one before the network cannot wait for it, and is told nothing."""
    found = dict(configured({unit: UnitFile(place="x", text=text)}))
    assert [path.rpartition("/")[0] for path in found] == [f"{SYSTEM}/{service}.d" for service in services]
    assert all("After=cloud-init.service" in said for said in found.values())


def test_a_machine_with_units_starts_cold() -> None:
    """They would go on from memory with the same random numbers in each machine."""
    assert "'cron.service'" in why_cold((), ("cron.service",), cloud_init=False)
