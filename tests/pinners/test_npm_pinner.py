"""npm packages are pinned as the application's own package-lock has them, and only those that fit the image."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from npm_registry import Registry, integrity_of, nodejs, npm_registry, write_application

from repave.model.lock import Ecosystem, Layer, Lock
from repave.model.names import ImageName
from repave.model.recipe import Base, Image, ImageKind, NodeApplication
from repave.pinners.naming import check_named
from repave.pinners.npm.fitting import admits
from repave.pinners.npm.packagelock import read_package_lock
from repave.pinners.npm.pinner import NpmPinner
from repave.ports.errors import Corrupt, Invalid
from repave.ports.pinner import PinRequest, Pins, Refresh
from repave.ports.progress import Silent
from repave.registries.vault import FileVault

WEB = ImageName("web")


class Application:
    """A project with one application, and what is pinned of it."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.folder = folder / "project"
        self.registry = registry
        self.vault = FileVault(folder / "vault")
        self.lock = Lock(packages=(nodejs(),))

    def write(self, packages: dict[str, dict[str, Any]], **tables: dict[str, str]) -> None:
        """Its package-lock."""
        write_application(self.folder / "app", packages, **tables)

    def request(self, architecture: str = "amd64", **changes: Any) -> PinRequest:  # noqa: ANN401 - handed on as they are
        """To pin it again."""
        base = Base(distribution="debian", release="bookworm", suites=("bookworm",), architecture=architecture)
        node = NodeApplication(lock="app/package-lock.json", into="/srv/app")
        image = Image(name=WEB, kind=ImageKind.CONTAINER, base=base, node=node)
        pinned = tuple(package for package in self.lock.packages if package.ecosystem is Ecosystem.DEB)
        given: dict[str, Any] = {
            "image": image,
            "folder": self.folder,
            "previous": self.lock,
            "refresh": Refresh.KEEP,
            "pinned": pinned,
        }
        return PinRequest(**given | changes)

    def pin(self, **changes: Any) -> Pins:  # noqa: ANN401 - handed on as they are
        """Pin again; the next time this is what was pinned before."""
        pins = NpmPinner(vault=self.vault).pin(self.request(**changes), progress=Silent())
        self.lock = Lock(packages=(nodejs(), *pins.packages))
        return pins

    @property
    def places(self) -> dict[str, tuple[str, ...]]:
        """Where each package is to lie."""
        return {package.name: package.paths for package in self.pin().packages}


@pytest.fixture
def registry() -> Iterator[Registry]:
    """With nothing."""
    with npm_registry() as started:
        yield started


@pytest.fixture
def app(tmp_path: Path, registry: Registry) -> Application:
    """Without a package-lock yet."""
    return Application(tmp_path, registry)


@pytest.mark.real
def test_each_archive_is_pinned_once_with_all_its_places(app: Application, registry: Registry) -> None:
    """By name, version, integrity and sha256; an alias under its own name; what is bundled comes within another's."""
    one, two = registry.publish("one"), registry.publish("@some/two", "2.1.0")
    app.write(
        {
            "node_modules/one": one,
            "node_modules/@some/two": two,
            "node_modules/@some/two/node_modules/one": one,
            "node_modules/alias": {**two, "name": "@some/two"},
            "node_modules/one/node_modules/inner": {"version": "1.0.0", "inBundle": True},
        }
    )
    packages = app.pin().packages
    assert [(package.name, package.version, package.paths, package.filename) for package in packages] == [
        ("@some/two", "2.1.0", ("node_modules/@some/two", "node_modules/alias"), "two-2.1.0.tgz"),
        ("one", "1.0.0", ("node_modules/@some/two/node_modules/one", "node_modules/one"), "one-1.0.0.tgz"),
    ]
    for package in packages:
        assert (package.ecosystem, package.layer, package.images) == (Ecosystem.NPM, Layer.NODE, (WEB,))
        assert package.integrity == integrity_of(app.vault.path(package.sha256).read_bytes())


@pytest.mark.real
def test_what_is_locked_is_asked_of_nobody(app: Application, registry: Registry) -> None:
    """No refresh moves it, for the package-lock is the truth; what the package-lock adds is fetched alone."""
    app.write({"node_modules/one": registry.publish("one")})
    packages = app.pin().packages
    registry.asked.clear()
    for refresh in Refresh:
        assert app.pin(refresh=refresh).packages == packages
    assert registry.asked == []
    app.write({"node_modules/one": registry.publish("one"), "node_modules/two": registry.publish("two")})
    assert [package.name for package in app.pin().packages] == ["one", "two"]
    assert registry.asked == ["/two/-/two-1.0.0.tgz"]


@pytest.mark.real
def test_tools_for_developing_and_what_does_not_fit_stay_out(app: Application, registry: Registry) -> None:
    """With all that is there only for their sake; what others need as well stays."""
    publish = registry.publish
    app.write(
        {
            "node_modules/tool": {**publish("tool"), "dev": True},
            "node_modules/both": {**publish("both"), "devOptional": True},
            "node_modules/for-mac": {
                **publish("for-mac"),
                "optional": True,
                "os": ["darwin"],
                "dependencies": {"of-mac": "1", "common": "1"},
            },
            "node_modules/of-mac": {**publish("of-mac"), "optional": True},
            "node_modules/common": publish("common"),
            "node_modules/wants": {**publish("wants"), "optional": True, "dependencies": {"new": "1"}},
            "node_modules/new": {**publish("new"), "optional": True, "engines": {"node": ">= 22"}},
            "node_modules/musl": {**publish("musl"), "optional": True, "os": ["linux"], "libc": ["musl"]},
            "node_modules/gnu": {**publish("gnu"), "optional": True, "os": ["!win32"], "libc": "glibc", "cpu": ["x64"]},
            "node_modules/arm": {**publish("arm"), "optional": True, "cpu": ["arm64"]},
        },
        dependencies={"common": "1"},
        optionalDependencies={"for-mac": "1", "wants": "1", "musl": "1", "gnu": "1", "arm": "1"},
    )
    assert set(app.places) == {"both", "common", "gnu"}
    assert {package.name for package in app.pin(architecture="arm64").packages} == {"arm", "both", "common"}


@pytest.mark.real
def test_a_needed_package_for_another_system_is_named(app: Application, registry: Registry) -> None:
    """It would be missing where it runs."""
    app.write({"node_modules/mac": {**registry.publish("mac"), "os": ["darwin"]}})
    with pytest.raises(Invalid, match=r"mac 1\.0\.0 of app/package-lock\.json is not for linux on x64"):
        app.pin()


@pytest.mark.real
def test_packages_with_install_scripts_are_named(app: Application, registry: Registry) -> None:
    """For none of them is run."""
    app.write({"node_modules/one": {**registry.publish("one"), "hasInstallScript": True}})
    (remark,) = app.pin().remarks
    assert "one 1.0.0" in remark
    assert "no install script" in remark


@pytest.mark.real
def test_another_archive_than_the_package_lock_says_is_refused(app: Application, registry: Registry) -> None:
    """By name, and nothing of it is kept."""
    app.write({"node_modules/one": registry.publish("one")})
    registry.publish("one", files={"evil.js": b"evil"})
    with pytest.raises(Corrupt, match=r"one 1\.0\.0 from .* has sha512"):
        app.pin()
    assert list(app.vault.entries()) == []


def test_a_package_lock_without_addresses_means_npms_own_registry(tmp_path: Path) -> None:
    """As `omit-lockfile-registry-resolved` writes it."""
    app = Application(tmp_path, Registry())
    told = {"version": "1.0.0", "integrity": integrity_of(b"two")}
    app.write({"node_modules/@some/two": told, "node_modules/alias": {**told, "name": "one"}})
    entries = read_package_lock(app.folder, "app/package-lock.json").entries
    assert [entry.resolved for entry in entries.values()] == [
        "https://registry.npmjs.org/@some/two/-/two-1.0.0.tgz",
        "https://registry.npmjs.org/one/-/one-1.0.0.tgz",
    ]


@pytest.mark.real
def test_a_package_lock_that_changed_is_told_without_the_network(app: Application, registry: Registry) -> None:
    """What came, what went, and what moved."""
    app.write({"node_modules/one": registry.publish("one"), "node_modules/two": registry.publish("two")})
    pinner = NpmPinner(vault=app.vault)
    app.pin()
    assert pinner.differs(app.request()) == ()
    app.write({"node_modules/one": registry.publish("one", "1.1.0"), "node_modules/three": registry.publish("three")})
    registry.asked.clear()
    assert pinner.differs(app.request()) == (
        "npm package `one 1.1.0` as app/package-lock.json has it is not locked",
        "npm package `three 1.0.0` as app/package-lock.json has it is not locked",
        "npm package `two 1.0.0` is not in app/package-lock.json",
    )
    assert registry.asked == []


@pytest.mark.real
def test_an_npm_package_is_not_moved_by_name(app: Application, registry: Registry) -> None:
    """The way that moves it is told."""
    app.write({"node_modules/one": registry.publish("one")})
    app.pin()
    with pytest.raises(Invalid, match="one is pinned by the application's own package-lock") as refused:
        check_named(app.request(refresh=Refresh.NAMED, named=("one",)))
    assert "npm update one --package-lock-only" in refused.value.hint


GOOD = {"version": "1.0.0", "resolved": "https://registry.example/one.tgz", "integrity": integrity_of(b"one")}


@pytest.mark.parametrize(
    ("path", "changes", "said"),
    [
        ("node_modules/one", {"integrity": ""}, "has no `integrity`"),
        ("node_modules/one", {"integrity": "", "resolved": "git+ssh://git@host/one.git#1"}, "names no commit that can"),
        (
            "node_modules/one",
            {"integrity": "", "resolved": f"git://host/one.git#{'1' * 40}"},
            "names no commit that can",
        ),
        ("node_modules/one", {"integrity": integrity_of(b"one", "sha1")}, "no digest that counts"),
        ("node_modules/one", {"integrity": "sha512-\u20ac"}, "no digest that counts"),
        ("node_modules/one", {"integrity": "sha512-AAAA"}, "no digest that counts"),
        ("node_modules/one", {"resolved": "file:one.tgz"}, r"app/one\.tgz, which .* names, is no file of the project"),
        ("node_modules/one", {"resolved": "file:../../one.tgz"}, "outside of the project"),
        ("node_modules/one", {"integrity": "", "resolved": "file:one"}, "npm packs anew at each installation"),
        ("node_modules/one", {"resolved": "https://me:secret@registry.example/one.tgz"}, "https://registry.example"),
        ("node_modules/one", {"resolved": "https://[registry.example/one.tgz"}, "cannot be fetched here"),
        ("node_modules/one", {"link": True, "resolved": "packages/one"}, "which the lock does not describe"),
        ("packages/one", {}, r"there is no app/packages/one/package\.json"),
        ("../one", {}, "above its own folder"),
        ("packages/./one", {}, "is no place of a package"),
        ("packages/one/node_modules/x", {}, "is no place of a package"),
        ("node_modules/../../etc", {}, "is no place of a package"),
        ("node_modules/one/../two", {}, "is no place of a package"),
        ("node_modules/.bin", {}, "is no place of a package"),
        ("node_modules//one", {}, "is no place of a package"),
    ],
)
def test_what_cannot_be_vouched_for_is_refused(
    tmp_path: Path, path: str, changes: dict[str, object], said: str
) -> None:
    """With the entry's place; no secret is told."""
    app = Application(tmp_path, Registry())
    app.write({path: {**GOOD, **changes}})
    with pytest.raises(Invalid, match=said) as refused:
        app.pin()
    assert "secret" not in str(refused.value)
    assert refused.value.hint


def test_what_npm_would_not_take_is_refused(tmp_path: Path) -> None:
    """An old format, a lock of another package.json, no file, no JSON, no Node."""
    app = Application(tmp_path, Registry())
    with pytest.raises(Invalid, match=r"there is no app/package-lock\.json"):
        app.pin()
    app.write({"node_modules/one": GOOD}, dependencies={"one": "1"})
    with pytest.raises(Invalid, match="nodejs is not among its packages"):
        app.pin(pinned=(replace(nodejs(), name="python3"),))
    lock = app.folder / "app/package-lock.json"
    manifest = app.folder / "app/package.json"
    manifest.write_text('{"name": "app", "dependencies": {"one": "2"}}', encoding="utf-8")
    with pytest.raises(Invalid, match=r"does not match app/package\.json: they differ about one"):
        app.pin()
    lock.write_text(json.dumps({"lockfileVersion": 1, "dependencies": {}}), encoding="utf-8")
    with pytest.raises(Invalid, match="is of version 1"):
        app.pin()
    for text in ("<<<<<<< HEAD", "[" * 100_000):
        lock.write_text(text, encoding="utf-8")
        with pytest.raises(Invalid, match="is no JSON"):
            app.pin()
    lock.unlink()
    lock.symlink_to("/etc/passwd")
    with pytest.raises(Invalid, match="leads out of the project"):
        app.pin()


@pytest.mark.parametrize(
    ("wanted", "admitted"),
    [
        (">=14", True),
        ("^12.20.0 || ^14.13.1 || >=16.0.0", True),
        (">= 0.10.x", True),
        (">=v18", True),
        ("~18", True),
        ("18 - 20", True),
        ("*", True),
        ("", True),
        ("^20.17.0 || >=22.9.0", False),
        ("<18.20.4", False),
        ("~> 18.20", True),
        ("~>18.19.0", False),
        (">=18\t<19\n", True),
        (">=18   <19", True),
        ("18.20.4+build.1", True),
        (">=18.0.0+build <18.20.5+build", True),
        ("18.20.3+build", False),
        ("node >= 4", False),
        ("latest", False),
        ("https://example.com/lib.tgz", False),
    ],
)
def test_ranges_are_read_as_npm_reads_them(wanted: str, *, admitted: bool) -> None:
    """What nobody can read holds no version."""
    assert admits(wanted, "18.20.4") is admitted
