"""Workspaces, packages by ``file:`` and packages of git repositories: pinned by their content, or refused."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from git_origin import GitOrigin
from npm_registry import archive, integrity_of, manifest, nodejs, write_application

from repave.config.lockfile import dump_lock, load_lock
from repave.jobs.commands import LocalCommands
from repave.model.lock import Ecosystem, Lock, LockedImage
from repave.model.names import Digest, ImageName
from repave.model.recipe import Base, FileMapping, Image, ImageKind, NodeApplication
from repave.operations.locking import fetch_all
from repave.pinners.git.exporting import GitExports
from repave.pinners.git.program import Git
from repave.pinners.npm.archives import origin_of
from repave.pinners.npm.packagelock import Entry
from repave.pinners.npm.pinner import NpmPinner
from repave.ports.errors import Corrupt, Gone, Invalid
from repave.ports.logins import NoLogins
from repave.ports.pinner import PinRequest, Pins, Refresh
from repave.ports.progress import Silent
from repave.registries.vault import FileVault

WEB = ImageName("web")
APPLICATION = NodeApplication(lock="app/package-lock.json", into="/srv/app")
BASE = Base(distribution="debian", release="bookworm", suites=("bookworm",))
LINK: Mapping[str, Mapping[str, Any]] = {
    "node_modules/words": {"resolved": "parts/words", "link": True},
    "parts/words": {"version": "1.2.0"},
}


class Application:
    """A project, pinned again and again; nothing of it is of a registry."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        git = Git(commands=LocalCommands(), environment=os.environ, logins=NoLogins())
        self.vault = FileVault(folder / "vault", exports=lambda: GitExports(folder / "git", git=git))
        self.lock = Lock(packages=(nodejs(),))
        self.files = {"app/": "/srv/app/"}

    def write(self, packages: Mapping[str, Mapping[str, Any]], **tables: dict[str, str]) -> None:
        """Its package-lock, and the package.json of each folder of its own."""
        write_application(self.folder / "app", packages, **tables)
        for path, table in packages.items():
            if "node_modules" not in path:
                self.put(f"app/{path}/package.json", json.dumps(table).encode())

    def put(self, path: str, content: bytes) -> None:
        """A file of the project."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

    def request(self) -> PinRequest:
        """To pin it."""
        files = tuple(FileMapping(source=source, target=target) for source, target in self.files.items())
        image = Image(name=WEB, kind=ImageKind.CONTAINER, base=BASE, node=APPLICATION, files=files)
        return PinRequest(image=image, folder=self.folder, previous=self.lock, refresh=Refresh.KEEP, pinned=(nodejs(),))

    def pin(self) -> Pins:
        """And keep what was pinned."""
        pins = NpmPinner(vault=self.vault).pin(self.request(), progress=Silent())
        self.lock = Lock(packages=(nodejs(), *pins.packages))
        return pins

    @property
    def of_npm(self) -> Lock:
        """Without Debian's Node, which is invented."""
        return Lock(packages=tuple(one for one in self.lock.packages if one.ecosystem is Ecosystem.NPM))

    def differs(self) -> tuple[str, ...]:
        """What the package-lock says otherwise."""
        return NpmPinner(vault=self.vault).differs(self.request())


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """Without a package-lock yet."""
    return Application(tmp_path)


def test_a_workspace_is_pinned_by_its_package_json_and_its_link(app: Application) -> None:
    """Its files are the application's, pinned as these are; what it needs of its own lies below it."""
    nested = {"version": "2.0.0", "integrity": integrity_of(b"ms"), "resolved": "https://registry.example/ms.tgz"}
    app.write({**LINK, "parts/words/node_modules/ms": {**nested, "dev": True}})
    (package,) = app.pin().packages
    assert (package.name, package.version, package.paths) == ("words", "1.2.0", ("node_modules/words",))
    assert (package.origin, package.filename) == ("project:app/parts/words/package.json", "package.json")
    assert (package.project_path, package.linked_folder) == ("app/parts/words/package.json", "app/parts/words")
    assert app.vault.path(package.sha256).read_bytes() == (app.folder / package.project_path).read_bytes()
    assert app.differs() == ()


@pytest.mark.parametrize(
    "files",
    [{"app/parts/": "/srv/app/parts/"}, {"./": "/srv/"}, {"app/parts/words": "/srv/app/parts/words"}],
)
def test_a_link_is_taken_where_files_put_the_folder_it_leads_to(app: Application, files: dict[str, str]) -> None:
    """By any mapping."""
    app.write(LINK)
    app.files = files
    assert len(app.pin().packages) == 1


@pytest.mark.parametrize("files", [{}, {"app/": "/srv/other/"}, {"app/parts/": "/srv/app/"}])
def test_a_link_that_would_lead_nowhere_is_refused(app: Application, files: dict[str, str]) -> None:
    """With the mapping that repairs it."""
    app.write(LINK)
    app.files = files
    with pytest.raises(Invalid, match="app/parts/words, which `files` of image web does not put at") as refused:
        app.pin()
    assert "/srv/app/" in refused.value.hint


def test_a_workspace_that_does_not_match_its_package_json_is_refused(app: Application) -> None:
    """As npm would."""
    app.write({**LINK, "parts/words": {"version": "1.2.0", "dependencies": {"ms": "1"}}})
    app.put("app/parts/words/package.json", b'{"dependencies": {"ms": "2"}}')
    with pytest.raises(Invalid, match=r"does not match app/parts/words/package\.json: they differ about ms"):
        app.pin()


def vendored(app: Application, content: bytes) -> None:
    """An archive in the project, as the package-lock has it."""
    entry = {"version": "1.0.0", "resolved": "file:vendor/one.tgz", "integrity": integrity_of(content)}
    app.write({"node_modules/one": entry})


def test_an_archive_in_the_project_is_pinned_by_its_integrity(app: Application) -> None:
    """And had again from the project, not from anywhere else."""
    content = archive({"package.json": manifest("one")})
    vendored(app, content)
    app.put("app/vendor/one.tgz", content)
    (package,) = app.pin().packages
    assert (package.origin, package.integrity) == ("project:app/vendor/one.tgz", integrity_of(content))
    app.vault.remove(package.sha256)
    fetch_all(app.of_npm, app.folder, app.vault, Silent())
    assert app.vault.has(package.sha256)
    app.vault.remove(package.sha256)
    app.put("app/vendor/one.tgz", b"another")
    with pytest.raises(Corrupt):
        fetch_all(app.of_npm, app.folder, app.vault, Silent())
    (app.folder / "app/vendor/one.tgz").unlink()
    with pytest.raises(Gone, match="is a file of the application"):
        fetch_all(app.of_npm, app.folder, app.vault, Silent())


def test_another_archive_in_the_project_is_refused(app: Application) -> None:
    """By what it is and what it should be."""
    vendored(app, b"one")
    app.put("app/vendor/one.tgz", b"another")
    with pytest.raises(Corrupt, match=r"app/vendor/one\.tgz has sha512 .*, and app/package-lock\.json says"):
        app.pin()


@pytest.mark.real
def test_a_package_of_a_repository_is_pinned_by_its_commit(app: Application, tmp_path: Path) -> None:
    """What npm hashes of it counts for nothing; a `prepare` that is not run is told."""
    (tmp_path / "origin").mkdir()
    origin = GitOrigin(folder=tmp_path / "origin")
    origin.git("init", "--quiet")
    commit = origin.commit({"package.json": manifest("one"), "index.js": b"1"})
    entry = {"version": "1.0.0", "resolved": f"git+{origin.url}#{commit}", "integrity": integrity_of(b"npm's own")}
    app.write({"node_modules/one": entry})
    pins = app.pin()
    (package,) = pins.packages
    assert (package.origin, package.integrity, package.filename) == (f"git+{origin.url}@{commit}", "", "one-1.0.0.tar")
    assert package.of_commit
    assert "`prepare` would make is missing: one 1.0.0" in pins.remarks[0]
    assert app.differs() == ()
    kept = app.vault.path(package.sha256).read_bytes()
    app.vault.remove(package.sha256)
    fetch_all(app.of_npm, app.folder, app.vault, Silent())
    assert app.vault.path(package.sha256).read_bytes() == kept
    again = origin.commit({"index.js": b"2"})
    app.write({"node_modules/one": {**entry, "resolved": f"git+{origin.url}#{again}"}})
    assert app.differs() == ("npm package `one 1.0.0` as app/package-lock.json has it is not locked",)
    assert app.pin().packages[0].sha256 != package.sha256


@pytest.mark.parametrize(
    ("resolved", "origin"),
    [
        ("git+ssh://git@github.com/some/one.git", "git+https://github.com/some/one.git"),
        ("git+https://github.com/some/one.git", "git+https://github.com/some/one.git"),
        ("git+ssh://git@git.example.org/some/one.git", "git+ssh://git@git.example.org/some/one.git"),
    ],
)
def test_what_is_public_is_asked_without_a_key(resolved: str, origin: str) -> None:
    """As npm does it for the hosts that everybody knows; others are asked as the package-lock says."""
    entry = Entry(path="node_modules/one", table={"version": "1.0.0", "resolved": f"{resolved}#{'1' * 40}"})
    image = Image(name=WEB, kind=ImageKind.CONTAINER, base=BASE)
    assert origin_of(entry, APPLICATION, image) == f"{origin}@{'1' * 40}"


def test_two_sources_of_one_version_are_refused(app: Application) -> None:
    """A lock holds each version once."""
    of_registry = {"version": "1.2.0", "resolved": "https://registry.example/w.tgz", "integrity": integrity_of(b"w")}
    app.write({**LINK, "node_modules/x/node_modules/words": of_registry})
    with pytest.raises(Invalid, match=r"two different archives of words 1\.2\.0"):
        app.pin()


def test_a_lock_with_such_packages_is_of_a_format_of_its_own(app: Application) -> None:
    """So that an older repave says that it is older; one without stays as it was."""
    app.write(LINK)
    packages = app.pin().packages
    image = LockedImage(name=WEB, kind=ImageKind.CONTAINER, base=BASE, recipe=Digest(f"sha256:{'0' * 64}"))
    text = dump_lock(Lock(images=(image,), packages=packages))
    assert "\nformat = 3\n" in text
    assert load_lock(text).packages == packages
    plain = replace(packages[0], origin="https://registry.example/words.tgz", integrity="sha512-x")
    assert "\nformat = 2\n" in dump_lock(Lock(images=(image,), packages=(plain,)))
