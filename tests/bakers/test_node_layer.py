"""npm packages in a layer of their own: the tree that `npm ci --omit=dev --ignore-scripts` makes, and nothing else."""

import io
import shutil
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import npm_tree
import pytest
from npm_registry import Files, archive, manifest, nodejs
from pantry import bake_in

from repave.model.artifact import Artifact
from repave.model.lock import Ecosystem, Layer, Lock, LockedFile, LockedPackage
from repave.model.names import ImageName
from repave.model.recipe import Base, FileMapping, Image, ImageKind, NodeApplication
from repave.pinners.files import FilesPinner
from repave.pinners.npm.pinner import NpmPinner
from repave.ports.baker import BakeRequest
from repave.ports.errors import Corrupt, Invalid
from repave.ports.pinner import PinRequest, Refresh
from repave.ports.progress import Silent
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault

WEB = ImageName("web")
APPLICATIONS = Path(__file__).resolve().parents[1] / "pinners" / "npm"
IMAGE = Image(
    name=WEB,
    kind=ImageKind.CONTAINER,
    base=Base(distribution="debian", release="bookworm", suites=("bookworm",)),
    user="1000",
    node=NodeApplication(lock="package-lock.json", into="/srv/app"),
    files=(FileMapping(source="./", target="/srv/app/"),),
    run=("node", "server.js"),
)


class Kitchen:
    """A vault, and a place to bake in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.vault = FileVault(folder / "vault")

    def package(
        self, name: str, files: Files, *paths: str, root: str = "package", more: Mapping[str, object] | None = None
    ) -> LockedPackage:
        """A package in the vault, locked for some places."""
        source = self.folder / "package.tgz"
        source.write_bytes(archive({"package.json": manifest(name, more), **files}, root=root))
        return LockedPackage(
            ecosystem=Ecosystem.NPM,
            name=name,
            version="1.0.0",
            sha256=self.vault.add(source),
            size_bytes=source.stat().st_size,
            origin="https://registry.example/package.tgz",
            filename="package.tgz",
            layer=Layer.NODE,
            images=(WEB,),
            integrity="sha512-x",
            paths=paths or (f"node_modules/{name}",),
        )

    def bake(self, *packages: LockedPackage, files: tuple[LockedFile, ...] = (), root: str = "out") -> Artifact:
        """The image of just these."""
        return bake_in(self.folder / root, self.vault, BakeRequest(image=IMAGE, packages=packages, files=files))

    def layer(self, artifact: Artifact) -> Path:
        """The layer's tar."""
        (layer,) = (layer for layer in artifact.layers if layer.layer is Layer.NODE)
        return LayoutRegistry(self.folder / "out/registry").path(layer.digest)

    def tree(self, *packages: LockedPackage, files: tuple[LockedFile, ...] = ()) -> Mapping[str, str | bytes]:
        """What lies below the application's folder: contents, targets of links as text; programs end with ``*``."""
        found: dict[str, str | bytes] = {}
        with tarfile.open(self.layer(self.bake(*packages, files=files))) as tar:
            for member in tar:
                stream = tar.extractfile(member) if member.isfile() else None
                name = member.name.removeprefix("srv/app/node_modules/")
                if stream is not None:
                    found[f"{name}*" if member.mode & 0o100 else name] = stream.read()
                elif member.issym():
                    found[name] = member.linkname
        return found


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    """An empty one."""
    return Kitchen(tmp_path)


@pytest.mark.real
def test_files_are_laid_out_as_npm_does_it(kitchen: Kitchen) -> None:
    """Whatever the outer folder is called; without links and empty folders; of two of one name the last one."""
    files: Files = {
        "lib/a.js+": b"the last",
        "run.sh*": b"#!/bin/sh\n",
        "link": "/etc/passwd",
        "empty": None,
        ".gitignore": b"from git",
        "both/.npmignore": b"from npm",
        "both/.gitignore": b"from git",
    }
    tree = kitchen.tree(kitchen.package("@some/one", files, root="some outer folder"))
    assert tree == {
        "@some/one/package.json": manifest("@some/one"),
        "@some/one/lib/a.js": b"the last",
        "@some/one/run.sh*": b"#!/bin/sh\n",
        "@some/one/.npmignore": b"from git",
        "@some/one/both/.npmignore": b"from npm",
    }


@pytest.mark.real
def test_programs_are_linked_where_node_looks_for_them(kitchen: Kitchen) -> None:
    """Also those of bundled packages; of two of one name the first has it; no name and no file leads out."""
    bundled = {"cli.js": b"", "node_modules/inner/package.json": manifest("inner", {"bin": "./in.js"})}
    one = kitchen.package(
        "@some/one",
        {
            **bundled,
            "node_modules/inner/in.js": b"",
            "test/node_modules/x/package.json": manifest("x", {"bin": "x.js"}),
        },
        more={
            "bin": {
                "../../evil": "cli.js",
                "tool": "../../../etc/passwd",
                "none": "no.js",
                "x": "..",
                "first": "cli.js",
            },
            "bundleDependencies": ["inner"],
        },
    )
    two = kitchen.package(
        "two", {"dos.js": b"#!/usr/bin/env node\r\nline\r\n"}, more={"bin": {"first": "dos.js", "dos": "dos.js"}}
    )
    tree = kitchen.tree(one, two)
    assert {name: target for name, target in tree.items() if isinstance(target, str)} == {
        ".bin/evil": "../@some/one/cli.js",
        ".bin/first": "../@some/one/cli.js",
        ".bin/dos": "../two/dos.js",
        "@some/one/node_modules/.bin/inner": "../inner/in.js",
    }
    assert tree["two/dos.js*"] == b"#!/usr/bin/env node\nline\r\n"
    assert {"@some/one/cli.js*", "@some/one/node_modules/inner/in.js*"} <= set(tree)


def in_project(package: LockedPackage, path: str) -> LockedPackage:
    """Locked from a file of the project."""
    return replace(package, origin=f"project:{path}", filename=path.rpartition("/")[2], integrity="")


@pytest.mark.real
def test_a_folder_of_the_application_is_linked_and_its_programs_with_it(kitchen: Kitchen) -> None:
    """Those that the application's files have; which these are decides the layer."""
    folder = kitchen.folder / "parts" / "teller"
    folder.mkdir(parents=True)
    content = manifest("teller", {"bin": {"tell": "bin/tell.js", "untold": "none.js", "../out": "bin/tell.js"}})
    (folder / "package.json").write_bytes(content)
    source = kitchen.vault.add(folder / "package.json")
    teller = in_project(replace(kitchen.package("teller", {}), sha256=source), "parts/teller/package.json")
    program = LockedFile(
        target="/srv/app/parts/teller/bin/tell.js",
        sha256=source,
        size_bytes=len(content),
        mode=0o755,
        origin="parts/teller/bin/tell.js",
        images=(WEB,),
    )
    tree = kitchen.tree(teller, kitchen.package("one", {}), files=(program,))
    assert tree == {
        "teller": "../parts/teller",
        ".bin/tell": "../teller/bin/tell.js",
        ".bin/out": "../teller/bin/tell.js",
        "one/package.json": manifest("one"),
    }
    assert ".bin/tell" not in kitchen.tree(teller)


@pytest.mark.real
def test_the_files_of_a_commit_lie_in_no_folder_of_their_own(kitchen: Kitchen) -> None:
    """As git exports them."""
    source = kitchen.folder / "commit.tar"
    with tarfile.open(source, "w") as tar:
        for name, content in {"package.json": manifest("one", {"bin": "a/b.js"}), "a/b.js": b"b"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    package = replace(
        kitchen.package("one", {}),
        sha256=kitchen.vault.add(source),
        origin=f"git+https://example.org/one.git@{'1' * 40}",
    )
    assert kitchen.tree(package) == {
        "one/package.json": manifest("one", {"bin": "a/b.js"}),
        "one/a/b.js*": b"b",
        ".bin/one": "../one/a/b.js",
    }


@pytest.mark.real
def test_another_place_or_package_is_another_layer_and_the_same_is_found(kitchen: Kitchen) -> None:
    """In the order of no matter what."""
    one, two = kitchen.package("one", {}), kitchen.package("two", {})
    moved = kitchen.package("one", {}, "node_modules/one", "node_modules/two/node_modules/one")
    first = kitchen.bake(one, two)
    assert kitchen.bake(two, one).layers[0].cached
    assert kitchen.bake(one, two, root="elsewhere").digest == first.digest
    assert len({first.digest, kitchen.bake(moved, two).digest, kitchen.bake(one).digest}) == 3


@pytest.mark.real
@pytest.mark.parametrize("files", [{"../../evil": b""}, {"/etc/evil": b""}, {"a": b"", "a/b": b""}])
def test_no_package_writes_outside_of_its_place(kitchen: Kitchen, files: Files) -> None:
    """It is refused whole, by its name."""
    package = kitchen.package("one", files, root="" if "/etc/evil" in files else "package")
    with pytest.raises(Corrupt, match=r"the npm package one 1\.0\.0 is refused"):
        kitchen.bake(package)


@pytest.mark.real
def test_two_packages_do_not_write_over_each_other(kitchen: Kitchen) -> None:
    """Both are named."""
    one = kitchen.package("one", {"node_modules/two/package.json": b"{}"})
    with pytest.raises(Invalid, match=r"one 1\.0\.0 and the npm package two 1\.0\.0 both bring"):
        kitchen.bake(one, kitchen.package("two", {}, "node_modules/one/node_modules/two"))


RECORDED_BY = "20.20.2"
"""The Node of the npm (11.19.1) that recorded the trees: packages that do not run on it were left out."""

TREES: tuple[tuple[str, Callable[[Path], tuple[str, ...]]], ...] = (
    ("greeter", npm_tree.recorded),
    ("desk", npm_tree.recorded),
    ("bench", npm_tree.recorded),
    *((("greeter", npm_tree.of_npm),) if shutil.which("npm") else ()),
)
"""What npm made once is always compared; what the npm of this machine makes now, where there is one."""


@pytest.mark.real
@pytest.mark.network
@pytest.mark.parametrize(("name", "made"), TREES, ids=lambda value: getattr(value, "__name__", value))
def test_the_tree_is_the_one_that_npm_makes(
    kitchen: Kitchen, name: str, made: Callable[[Path], tuple[str, ...]]
) -> None:
    """Byte for byte: 72 packages; 500, of which some are bundled or do not fit; workspaces and `file:`."""
    request = PinRequest(
        image=IMAGE, folder=APPLICATIONS / name, previous=Lock(), refresh=Refresh.KEEP, pinned=(nodejs(RECORDED_BY),)
    )
    pins = NpmPinner(vault=kitchen.vault).pin(request, progress=Silent())
    files = FilesPinner(vault=kitchen.vault).pin(request, progress=Silent()).files
    layer = kitchen.layer(kitchen.bake(*pins.packages, files=files))
    assert npm_tree.of_layer(layer, into="/srv/app") == made(APPLICATIONS / name)
