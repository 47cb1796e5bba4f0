"""Flawed npm packages are moved within the application's own package-lock, as far as its ranges admit it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from npm_registry import Registry, nodejs, npm_registry, write_application

from repave.model.lock import Ecosystem, Lock
from repave.model.names import ImageName
from repave.model.recipe import Base, FileMapping, Image, ImageKind, NodeApplication
from repave.pinners.files import FilesPinner
from repave.pinners.npm.following import FollowedPackageLocks
from repave.pinners.npm.packagelock import read_package_lock
from repave.pinners.npm.pinner import NpmPinner
from repave.ports.errors import Unreachable
from repave.ports.pinner import Held, Mended, PinRequest, Refresh, Repair
from repave.ports.progress import Silent
from repave.registries.vault import FileVault
from repave.registries.web import WebClient

WEB = ImageName("web")


def repair(name: str, locked: str, *versions: str) -> Repair:
    """Of one locked version, the highest first."""
    return Repair(ecosystem=Ecosystem.NPM, name=name, versions=versions, images=(WEB,), locked=locked)


class Application:
    """A project with one application."""

    def __init__(self, folder: Path, registry: Registry, web: WebClient) -> None:
        self.folder = folder / "project"
        self.registry = registry
        self.vault = FileVault(folder / "vault")
        self.following = FollowedPackageLocks(NpmPinner(vault=self.vault), web=lambda: web)

    def write(self, packages: dict[str, dict[str, Any]], **tables: dict[str, Any]) -> None:
        """Its package-lock, laid out as npm does it."""
        write_application(self.folder / "app", packages, **tables)
        for name in ("package.json", "package-lock.json"):
            path = self.folder / "app" / name
            path.write_text(json.dumps(json.loads(path.read_text("utf-8")), indent=2) + "\n", encoding="utf-8")

    def request(self, *repairs: Repair) -> PinRequest:
        """To mend it."""
        base = Base(distribution="debian", release="bookworm", suites=("bookworm",))
        node = NodeApplication(lock="app/package-lock.json", into="/srv/app")
        files = (FileMapping(source="app/", target="/srv/app/"),)
        return PinRequest(
            image=Image(name=WEB, kind=ImageKind.CONTAINER, base=base, node=node, files=files),
            folder=self.folder,
            previous=Lock(packages=(nodejs(),)),
            refresh=Refresh.SECURITY,
            repairs=repairs,
            pinned=(nodejs(),),
        )

    def mend(self, *repairs: Repair) -> Mended:
        """What becomes of them."""
        return self.following.mend(self.request(*repairs), progress=Silent())

    def held(self, *repairs: Repair) -> Held:
        """The only one that is."""
        mended = self.mend(*repairs)
        assert mended.rewritten == ()
        (held,) = mended.held
        return held


def entries(mended: Mended) -> dict[str, Any]:
    """What the package-lock says then."""
    (one,) = mended.rewritten
    assert one.path == "app/package-lock.json"
    packages: dict[str, Any] = json.loads(one.content)["packages"]
    return packages


@pytest.fixture
def registry() -> Iterator[Registry]:
    """With nothing."""
    with npm_registry() as started:
        yield started


@pytest.fixture
def app(tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """Without a package-lock yet."""
    monkeypatch.setattr("repave.registries.patience.FIRST_WAIT_SECONDS", 0.001)
    web = WebClient()
    yield Application(tmp_path, registry, web)
    web.close()


@pytest.mark.real
def test_a_repair_moves_as_little_as_it_can(app: Application, registry: Registry) -> None:
    """To the version that repairs it, not to the newest; everything else stays as npm wrote it."""
    old = registry.publish("lib", "1.0.0")
    for version in ("1.0.1", "1.0.2", "1.9.0", "2.0.0"):
        published = registry.publish("lib", version, bin="cli.js", engines={"node": ">=14"}, license="MIT")
        if version == "1.0.2":
            new = published
    app.write(
        {"node_modules/lib": old, "node_modules/other": registry.publish("other")}, dependencies={"lib": "^1.0.0"}
    )
    before = json.loads((app.folder / "app/package-lock.json").read_text("utf-8"))
    mended = app.mend(repair("lib", "1.0.0", "1.0.2"))
    assert mended.held == ()
    assert entries(mended)["node_modules/lib"] == {
        **new,
        "license": "MIT",
        "bin": {"lib": "cli.js"},
        "engines": {"node": ">=14"},
    }
    written = mended.rewritten[0].content.decode()
    after = json.loads(written)
    assert written == json.dumps(after, indent=2) + "\n"
    for document in (before, after):
        del document["packages"]["node_modules/lib"]
    assert json.dumps(before) == json.dumps(after)


@pytest.mark.real
def test_what_is_mended_is_pinned_and_goes_into_the_image(app: Application, registry: Registry) -> None:
    """Before anything is written: the packages, and the package-lock among the application's files."""
    app.write({"node_modules/lib": registry.publish("lib", "1.0.0")}, dependencies={"lib": "^1.0.0"})
    registry.publish("lib", "1.0.1")
    (one,) = app.mend(repair("lib", "1.0.0", "1.0.1")).rewritten
    request = replace(app.request(), rewritten=(one,))
    (package,) = NpmPinner(vault=app.vault).pin(request, progress=Silent()).packages
    assert package.version == "1.0.1"
    files = {file.origin: file for file in FilesPinner(vault=app.vault).pin(request, progress=Silent()).files}
    assert app.vault.path(files["app/package-lock.json"].sha256).read_bytes() == one.content
    assert app.mend(repair("lib", "1.0.0", "1.0.1")).rewritten == (one,)


@pytest.mark.real
def test_each_place_of_a_package_moves_by_itself(app: Application, registry: Registry) -> None:
    """One version lies in two places; a range holds the one that it is about, and no other."""
    lib = registry.publish("lib", "1.0.0")
    registry.publish("lib", "1.5.0")
    app.write(
        {
            "node_modules/lib": lib,
            "node_modules/user": registry.publish("user", dependencies={"lib": "~1.0.0"})
            | {"dependencies": {"lib": "~1.0.0"}},
            "node_modules/user/node_modules/lib": lib,
        },
        dependencies={"lib": "^1.0.0", "user": "1"},
    )
    mended = app.mend(repair("lib", "1.0.0", "1.5.0"))
    packages = entries(mended)
    assert packages["node_modules/lib"]["version"] == "1.5.0"
    assert packages["node_modules/user/node_modules/lib"]["version"] == "1.0.0"
    (held,) = mended.held
    assert held.why == "`lib: ~1.0.0` of user 1.0.0 holds it"
    assert held.remedy.startswith("take a user that admits it: `npm update user --package-lock-only`")


@pytest.mark.real
def test_the_persons_own_range_is_named_with_its_line(app: Application, registry: Registry) -> None:
    """In package.json, and what to do about it."""
    app.write(
        {"node_modules/lib": registry.publish("lib", "1.0.0")},
        optionalDependencies={"else": "*"},
        dependencies={"another": "lib", "lib": "~1.0.0"},
    )
    registry.publish("lib", "2.0.0")
    held = app.held(repair("lib", "1.0.0", "2.0.0"))
    assert (held.name, held.version, held.locked) == ("lib", "2.0.0", "1.0.0")
    assert held.why == "`lib: ~1.0.0` under `dependencies` holds it"
    file, line, column = held.place.split(":")
    told = (app.folder / file).read_text("utf-8").splitlines()[int(line) - 1]
    assert told[int(column) - 1 :] == '"lib": "~1.0.0"'
    assert "npm install lib@2.0.0 --package-lock-only" in held.remedy


@pytest.mark.real
def test_the_highest_repair_that_can_be_had_is_taken(app: Application, registry: Registry) -> None:
    """One flaw is repaired in 1.1, another in 2.0, which the range rules out: that one is held."""
    app.write({"node_modules/lib": registry.publish("lib", "1.0.0")}, dependencies={"lib": "1"})
    for version in ("1.1.0", "1.2.0", "2.0.0"):
        registry.publish("lib", version)
    mended = app.mend(repair("lib", "1.0.0", "2.0.0", "1.1.0"))
    assert entries(mended)["node_modules/lib"]["version"] == "1.1.0"
    assert [held.version for held in mended.held] == ["2.0.0"]


def wants(app: Application, **tables: Any) -> None:  # noqa: ANN401 - a package.json's own
    """The repair of lib has these tables; ``there`` 1.0.0 lies beside it."""
    app.write(
        {"node_modules/lib": app.registry.publish("lib", "1.0.0"), "node_modules/there": app.registry.publish("there")},
        dependencies={"lib": "^1.0.0", "there": "1"},
    )
    app.registry.publish("lib", "1.0.1", **tables)


@pytest.mark.real
@pytest.mark.parametrize(
    ("tables", "why"),
    [
        ({"dependencies": {"new": "^1.0.0"}}, "lib 1.0.1 needs `new ^1.0.0`, which is not there"),
        ({"dependencies": {"there": "^2.0.0"}}, "lib 1.0.1 needs `there ^2.0.0`, and there lies 1.0.0"),
        ({"peerDependencies": {"there": "2"}}, "lib 1.0.1 needs `there 2`, and there lies 1.0.0"),
        ({"optionalDependencies": {"new": "1"}}, "lib 1.0.1 needs `new 1`, which is not there"),
        ({"engines": {"node": ">=99"}}, "lib 1.0.1 is for Node `>=99`, or another machine"),
        ({"bundleDependencies": ["there"]}, "lib and another package share one archive"),
    ],
)
def test_a_version_whose_needs_are_not_met_is_not_taken(app: Application, tables: dict[str, Any], why: str) -> None:
    """Nothing is resolved here: npm does that, and its command is told."""
    wants(app, **tables)
    held = app.held(repair("lib", "1.0.0", "1.0.1"))
    assert held.why == why
    assert held.place.startswith("app/package-lock.json:")
    assert held.remedy


@pytest.mark.real
@pytest.mark.parametrize(
    "tables",
    [
        {"dependencies": {"there": "^1.0.0"}},
        {"dependencies": {"there": "npm:there@1"}},
        {"peerDependencies": {"new": "1"}, "peerDependenciesMeta": {"new": {"optional": True}}},
        {"optionalDependencies": {"there": "1"}, "dependencies": {"there": "1"}},
    ],
)
def test_a_version_whose_needs_are_met_is_taken(app: Application, tables: dict[str, Any]) -> None:
    """By what lies where it would look for it."""
    wants(app, **tables)
    (one,) = app.mend(repair("lib", "1.0.0", "1.0.1")).rewritten
    lock = read_package_lock(app.folder, "app/package-lock.json", (one,))
    assert lock.entries["node_modules/lib"].version == "1.0.1"


ELSEWHERE: dict[str, Any] = {"cpu": ["mips"]}


@pytest.mark.real
@pytest.mark.parametrize(
    ("lib", "there", "lies"),
    [
        ({}, {"dev": True}, "for developing only"),
        ({}, {"dev": True, "optional": True}, "for developing only"),
        ({}, {"devOptional": True}, "where it may be missing"),
        ({}, {"optional": True}, "where it may be missing"),
        ({"optional": True}, {"dev": True}, "for developing only"),
        ({"optional": True}, {"optional": True, **ELSEWHERE}, "where it may be missing"),
        ({"devOptional": True}, {"dev": True}, "for developing only"),
        ({}, {}, ""),
        ({"dev": True}, {"dev": True}, ""),
        ({"dev": True}, {"devOptional": True}, ""),
        ({"dev": True, "optional": True}, {"dev": True, "optional": True}, ""),
        ({"optional": True}, {"optional": True}, ""),
        ({"optional": True}, {"devOptional": True}, ""),
        ({"optional": True}, {}, ""),
    ],
)
def test_what_a_repair_needs_is_installed_wherever_the_repair_is(
    app: Application, lib: dict[str, Any], there: dict[str, Any], lies: str
) -> None:
    """A tool for developing may need it too: then it lies in the lock, and not in the image."""
    app.write(
        {
            "node_modules/lib": app.registry.publish("lib", "1.0.0") | lib,
            "node_modules/there": app.registry.publish("there") | there,
        },
        dependencies={"lib": "^1.0.0", "there": "1"},
    )
    app.registry.publish("lib", "1.0.1", dependencies={"there": "^1.0.0"})
    if lies:
        held = app.held(repair("lib", "1.0.0", "1.0.1"))
        assert held.why == f"lib 1.0.1 needs `there ^1.0.0`, and 1.0.0 is there {lies}"
        assert held.remedy.startswith("`npm update lib")
    else:
        assert entries(app.mend(repair("lib", "1.0.0", "1.0.1")))["node_modules/lib"]["version"] == "1.0.1"


@pytest.mark.real
@pytest.mark.parametrize(
    "tables",
    [
        {"optionalDependencies": {"there": "1"}},
        {"peerDependencies": {"there": "1"}, "peerDependenciesMeta": {"there": {"optional": True}}},
    ],
)
def test_what_a_repair_goes_on_without_may_be_there_for_developing(app: Application, tables: dict[str, Any]) -> None:
    """The image goes without, as it would with npm."""
    app.write(
        {
            "node_modules/lib": app.registry.publish("lib", "1.0.0"),
            "node_modules/there": app.registry.publish("there") | {"dev": True},
        },
        dependencies={"lib": "^1.0.0"},
        devDependencies={"there": "1"},
    )
    app.registry.publish("lib", "1.0.1", **tables)
    assert entries(app.mend(repair("lib", "1.0.0", "1.0.1")))["node_modules/lib"]["version"] == "1.0.1"


@pytest.mark.real
def test_overrides_hold_what_they_speak_of(app: Application, registry: Registry) -> None:
    """They are the person's own word, with a line of its own."""
    app.write({"node_modules/lib": registry.publish("lib", "1.0.0")}, dependencies={"lib": "1"})
    registry.publish("lib", "1.0.1")
    path = app.folder / "app/package.json"
    declared = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(declared | {"overrides": {"x": {"lib@1": "1.0.0"}}}, indent=2), encoding="utf-8")
    held = app.held(repair("lib", "1.0.0", "1.0.1"))
    assert held.why == "`overrides` holds lib"
    file, line, _ = held.place.split(":")
    assert '"overrides"' in (app.folder / file).read_text("utf-8").splitlines()[int(line) - 1]


@pytest.mark.real
def test_what_only_the_replaced_version_needed_goes(app: Application, registry: Registry) -> None:
    """What others need too stays."""
    app.write(
        {
            "node_modules/lib": registry.publish("lib", "1.0.0") | {"dependencies": {"left": "1", "both": "1"}},
            "node_modules/left": registry.publish("left"),
            "node_modules/both": registry.publish("both"),
        },
        dependencies={"lib": "1", "both": "1"},
    )
    registry.publish("lib", "1.0.1")
    assert set(entries(app.mend(repair("lib", "1.0.0", "1.0.1")))) == {"", "node_modules/both", "node_modules/lib"}


@pytest.mark.real
def test_a_registry_without_the_version_or_the_package_holds_the_repair(app: Application, registry: Registry) -> None:
    """Nor does one help that gives no integrity; one that does not answer is an error, not a verdict."""
    app.write({"node_modules/lib": registry.publish("lib", "1.0.0")}, dependencies={"lib": "1"})
    assert "no such version" in app.held(repair("lib", "1.0.0", "1.0.1")).why
    document = json.loads(registry.content["/lib"])
    document["versions"]["1.0.1"] = {"version": "1.0.1", "dist": {"shasum": "0" * 40}}
    registry.content["/lib"] = json.dumps(document).encode()
    assert "no such version" in app.held(repair("lib", "1.0.0", "1.0.1")).why
    del registry.content["/lib"]
    assert "no such version" in app.held(repair("lib", "1.0.0", "1.0.1")).why
    app.write(
        {"node_modules/lib": registry.publish("lib", "1.0.0") | {"resolved": "http://127.0.0.1:9/lib/-/lib-1.0.0.tgz"}},
        dependencies={"lib": "1"},
    )
    with pytest.raises(Unreachable, match=r"read the versions of lib at http://127\.0\.0\.1:9"):
        app.mend(repair("lib", "1.0.0", "1.0.1"))


@pytest.mark.real
def test_version_2_of_the_format_is_mended_in_both_its_halves(app: Application, registry: Registry) -> None:
    """The older one is what npm 6 reads."""
    lib = registry.publish("lib", "1.0.0")
    app.write(
        {
            "node_modules/user": registry.publish("user") | {"dependencies": {"lib": "1"}},
            "node_modules/user/node_modules/lib": lib | {"dependencies": {"old": "1"}},
            "node_modules/user/node_modules/old": registry.publish("old"),
        },
        dependencies={"user": "1"},
    )
    new = registry.publish("lib", "1.0.1", dependencies={"user": "1"})
    path = app.folder / "app/package-lock.json"
    lock = json.loads(path.read_text("utf-8")) | {"lockfileVersion": 2}
    inner = {"lib": {**lib, "requires": {"old": "1"}}, "old": {"version": "1.0.0"}}
    lock["dependencies"] = {"user": {"version": "1.0.0", "requires": {"lib": "1"}, "dependencies": inner}}
    path.write_text(json.dumps(lock, indent="\t"), encoding="utf-8")
    (one,) = app.mend(repair("lib", "1.0.0", "1.0.1")).rewritten
    told = json.loads(one.content)["dependencies"]["user"]["dependencies"]
    assert told == {"lib": {**new, "requires": {"user": "1"}}}
    assert one.content.startswith(b'{\n\t"name"')


@pytest.mark.real
def test_what_nobody_needs_keeps_what_it_needs(app: Application, registry: Registry) -> None:
    """A package that the lock has for no reason stays whole when a repair needs less than what it replaces."""
    entries = {
        "node_modules/lib": registry.publish("lib", "1.0.0") | {"dependencies": {"old": "1"}},
        "node_modules/old": registry.publish("old"),
        "node_modules/stray": registry.publish("stray") | {"dependencies": {"old": "1"}},
    }
    app.write(entries, dependencies={"lib": "1"})
    registry.publish("lib", "1.0.1")
    (one,) = app.mend(repair("lib", "1.0.0", "1.0.1")).rewritten
    assert json.loads(one.content)["packages"].keys() == {"", *entries}
