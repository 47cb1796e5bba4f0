"""Which wheels the PyPI pinner locks, against an index that is a folder."""

import hashlib
from pathlib import Path

import pytest
from pypi_index import PYTHON, WEB, PypiWorld

from repave.model.lock import Ecosystem, Layer, Lock
from repave.ports.errors import Invalid
from repave.ports.pinner import Refresh


@pytest.fixture
def world(tmp_path: Path) -> PypiWorld:
    """An application and its library, each in one version."""
    found = PypiWorld(root=tmp_path)
    found.wheel("app", "1.0", requires=("lib>=1",))
    found.wheel("lib", "1.0")
    return found


def test_the_closure_is_locked_with_hash_size_and_origin(world: PypiWorld) -> None:
    """What the index serves is what stands in the lock."""
    found = world.run("app")
    wheel = world.root / "index/lib/lib-1.0-py3-none-any.whl"
    assert set(found) == {"app", "lib"}
    assert (found["lib"].sha256, found["lib"].size_bytes, found["lib"].origin, found["lib"].filename) == (
        hashlib.sha256(wheel.read_bytes()).hexdigest(),
        wheel.stat().st_size,
        wheel.as_uri(),
        wheel.name,
    )
    assert (found["lib"].layer, found["lib"].images, found["lib"].ecosystem) == (Layer.PYTHON, (WEB,), Ecosystem.PYPI)


def test_the_wheel_is_the_one_the_images_interpreter_takes(world: PypiWorld) -> None:
    """Not the host's: its Python, its C library, its machine."""
    for tag in (
        "cp311-cp311-manylinux_2_17_x86_64",
        "cp311-cp311-manylinux_2_34_x86_64",
        "cp311-cp311-manylinux_2_38_x86_64",
        "cp311-cp311-musllinux_1_2_x86_64",
        "cp311-cp311-manylinux_2_34_aarch64",
        "cp313-cp313-manylinux_2_34_x86_64",
        "cp39-abi3-manylinux_2_34_x86_64",
        "py3-none-any",
    ):
        world.wheel("native", "1.0", tag=tag)
    assert world.run("native")["native"].filename == "native-1.0-cp311-cp311-manylinux_2_34_x86_64.whl"
    world.architecture, world.lock = "arm64", Lock()
    assert world.run("native")["native"].filename == "native-1.0-cp311-cp311-manylinux_2_34_aarch64.whl"


def test_a_lock_stays_when_the_index_moves_on(world: PypiWorld) -> None:
    """Until the recipe, a name or an upgrade asks for more; repairs of the distribution ask for nothing here."""
    before = world.run("app")
    world.wheel("app", "2.0", requires=("lib>=1",))
    world.wheel("lib", "2.0")
    world.wheel("extra", "1.0")
    assert world.run("app") == before
    assert world.run("app", refresh=Refresh.SECURITY) == before
    assert world.versions("app", "extra") == {"app": "1.0", "lib": "1.0", "extra": "1.0"}
    assert world.versions("app", refresh=Refresh.NAMED, named=("App", "app")) == {"app": "2.0", "lib": "1.0"}
    assert world.versions("app", refresh=Refresh.UPGRADE) == {"app": "2.0", "lib": "2.0"}


def test_what_a_killed_lock_left_goes_with_the_next(world: PypiWorld) -> None:
    """What uv keeps between runs stays."""
    left = world.root / "cache/run-killed"
    left.mkdir(parents=True)
    (left / "pylock.toml").write_bytes(b"half")
    world.run("app")
    assert {one.name for one in (world.root / "cache").iterdir()} <= {"uv"}


def test_a_requirement_that_rules_a_pin_out_moves_it(world: PypiWorld) -> None:
    """And nothing else."""
    world.run("app")
    world.wheel("app", "2.0", requires=("lib>=1",))
    world.wheel("lib", "2.0")
    assert world.versions("app >= 2") == {"app": "2.0", "lib": "1.0"}


@pytest.mark.parametrize("requirement", ["app", "app == 1.0"])
def test_promise_14_a_lock_stays_when_the_index_drops_it(world: PypiWorld, requirement: str) -> None:
    """The vault has the wheels."""
    before = world.run(requirement)
    for name in ("app", "lib"):
        wheel = world.root / f"index/{name}/{name}-1.0-py3-none-any.whl"
        world.vault.add(wheel)
        world.remove(wheel)
        world.wheel(name, "2.0")
    assert world.run(requirement) == before


def test_a_pin_that_nobody_can_deliver_is_refused(world: PypiWorld) -> None:
    """Neither index, vault nor origin has it: it is named, and not quietly replaced."""
    world.run("app")
    world.remove(world.root / "index/lib/lib-1.0-py3-none-any.whl")
    world.wheel("lib", "2.0")
    with pytest.raises(Invalid, match=r"lib 1\.0 is locked, but the index no longer offers it") as refused:
        world.run("app")
    assert "--upgrade-package lib" in refused.value.hint
    assert world.versions("app", refresh=Refresh.NAMED, named=("lib",)) == {"app": "1.0", "lib": "2.0"}


@pytest.mark.parametrize(
    ("requirements", "said"),
    [
        (("apq",), "apq was not found in the package registry"),
        (("app > 5",), "app"),
        (("app", "lib < 1"), "lib"),
        (("only-source",), "only-source"),
        (("app @ https://host/app.whl",), "names an address instead of a version"),
        (("-r other.txt",), "is no Python requirement"),
        (("app --index-url http://evil",), "is no Python requirement"),
    ],
)
def test_what_cannot_be_met_is_refused_with_the_reason(
    world: PypiWorld, requirements: tuple[str, ...], said: str
) -> None:
    """In one line, with uv's own reason."""
    (world.root / "index/only-source").mkdir()
    (world.root / "index/only-source/index.html").write_text(
        '<a href="only_source-1.0.tar.gz">only_source-1.0.tar.gz</a>'
    )
    with pytest.raises(Invalid, match=said) as refused:
        world.run(*requirements)
    assert "\n" not in refused.value.message
    assert refused.value.hint


def test_an_image_without_python_is_told_so(world: PypiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint is what to add."""
    monkeypatch.setattr("pypi_index.PYTHON", PYTHON[1:])
    with pytest.raises(Invalid, match="python3 is not among its Debian packages") as refused:
        world.run("app")
    assert "add python3" in refused.value.hint


def test_nothing_is_asked_where_nothing_is_wanted(world: PypiWorld) -> None:
    """An image without requirements has no Python packages, and needs no interpreter."""
    assert world.run() == {}


def test_the_users_own_configuration_is_not_read(
    world: PypiWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither uv's nor pip's, neither from files nor from the environment."""
    (tmp_path / "config/uv").mkdir(parents=True)
    (tmp_path / "config/uv/uv.toml").write_text("this is no configuration")
    (tmp_path / "uv.toml").write_text("this is no configuration")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    assert world.versions("app") == {"app": "1.0", "lib": "1.0"}
