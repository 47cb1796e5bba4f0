"""What npm packages say of themselves, and what needs what as Node looks for it."""

import base64
import gzip
import io
import json
import tarfile
from dataclasses import replace
from hashlib import sha512 as hashed
from pathlib import Path
from typing import Any

import pytest
from documented import WEB, Shelf
from schemas import is_bom

from repave.attestations.sbom.inventory import Licence, Supplier
from repave.attestations.sbom.listing import PackageInventories
from repave.attestations.sbom.npm import npm_facts, sha512
from repave.model.lock import Ecosystem, Layer, LockedPackage
from repave.ports.errors import Corrupt
from repave.ports.inventories import SbomFormat
from repave.ports.progress import Silent


def archive(manifest: bytes, folder: str = "package") -> bytes:
    """As `npm pack` makes it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in ((f"{folder}/test/package.json", b"{}"), (f"{folder}/package.json", manifest)):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def lock(shelf: Shelf, name: str, version: str, paths: tuple[str, ...], **manifest: Any) -> LockedPackage:  # noqa: ANN401 - whatever a package says
    """A package in these places."""
    content = archive(json.dumps({"name": name, "version": version, **manifest}).encode())
    source = shelf.folder / "package.tgz"
    source.write_bytes(content)
    package = LockedPackage(
        ecosystem=Ecosystem.NPM,
        name=name,
        version=version,
        sha256=shelf.vault.add(source),
        size_bytes=len(content),
        origin=f"https://registry.example/{name}-{version}.tgz",
        filename=f"{name.replace('/', '-').removeprefix('@')}-{version}.tgz",
        layer=Layer.NODE,
        images=(WEB,),
        integrity=f"sha512-{base64.b64encode(hashed(content).digest()).decode()}",
        paths=paths,
    )
    shelf.packages.append(package)
    return package


THING = LockedPackage(
    ecosystem=Ecosystem.NPM,
    name="thing",
    version="1",
    sha256="0" * 64,
    size_bytes=1,
    origin="https://registry.example/thing.tgz",
    filename="thing-1.tgz",
    layer=Layer.NODE,
    images=(WEB,),
)


@pytest.mark.parametrize(
    ("manifest", "licences"),
    [
        ({"license": "(MIT or apache-2.0)"}, (Licence(spdx="(MIT OR Apache-2.0)"),)),
        ({"license": {"type": "ISC", "url": "x"}}, (Licence(spdx="ISC"),)),
        ({"licenses": [{"type": "MIT"}, {"type": "GPLv2"}]}, (Licence(spdx="MIT"), Licence(name="GPLv2"))),
        ({"license": "SEE LICENSE IN LICENCE.txt"}, (Licence(name="SEE LICENSE IN LICENCE.txt"),)),
        ({"license": 7}, ()),
        ({}, ()),
    ],
)
def test_a_package_declares_its_licence_in_any_of_npms_ways(
    tmp_path: Path, manifest: dict[str, object], licences: tuple[Licence, ...]
) -> None:
    """An expression, an object, a list of them, or words."""
    place = tmp_path / "x.tgz"
    place.write_bytes(archive(json.dumps(manifest).encode(), folder="node-thing"))
    assert npm_facts(place, THING).licences == licences


@pytest.mark.parametrize(
    ("author", "supplier"),
    [
        ("Ada <ada@example.org> (https://x.org)", Supplier(name="Ada", email="ada@example.org")),
        ({"name": "Ada", "email": "ada@example.org"}, Supplier(name="Ada", email="ada@example.org")),
        ("Ada", Supplier(name="Ada")),
        (None, None),
        ({"url": "x"}, None),
    ],
)
def test_a_package_says_who_wrote_it(tmp_path: Path, author: object, supplier: Supplier | None) -> None:
    """In one line, or as an object."""
    place = tmp_path / "x.tgz"
    place.write_bytes(archive(json.dumps({"author": author}).encode()))
    assert npm_facts(place, THING).supplier == supplier


@pytest.mark.parametrize("manifest", [b"", b"[1]", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_cannot_be_read_says_nothing(tmp_path: Path, manifest: bytes) -> None:
    """A package without a readable package.json is still a part, by its lock."""
    place = tmp_path / "x.tgz"
    place.write_bytes(archive(manifest))
    assert npm_facts(place, THING).licences == ()
    place.write_bytes(b"no archive")
    with pytest.raises(Corrupt):
        npm_facts(place, THING)


def test_names_mean_the_nearest_package_upwards(tmp_path: Path) -> None:
    """Two versions beside each other, a scope, what is optional and not there; the artifact leads to all."""
    shelf = Shelf(tmp_path)
    lock(shelf, "app", "1.0.0", ("node_modules/app",), dependencies={"lib": "^1", "@s/x": "*"}, license="MIT")
    old = lock(shelf, "lib", "1.0.0", ("node_modules/app/node_modules/lib",), peerDependencies={"app": "1"})
    lock(shelf, "lib", "2.0.0", ("node_modules/lib",), optionalDependencies={"absent": "1"})
    lock(shelf, "@s/x", "3.0.0", ("node_modules/@s/x",), dependencies={"lib": "^2"})
    inventories = PackageInventories(vault=shelf.vault, folder=tmp_path / "cache", version="1")
    text = inventories.sbom(shelf.made(), SbomFormat.CYCLONEDX, progress=Silent()).document.decode()
    assert is_bom(text)
    told = json.loads(text)
    graph = {one["ref"]: one.get("dependsOn", []) for one in told["dependencies"]}
    assert graph["pkg:npm/app@1.0.0"] == ["pkg:npm/%40s/x@3.0.0", "pkg:npm/lib@1.0.0"]
    assert graph["pkg:npm/lib@1.0.0"] == ["pkg:npm/app@1.0.0"]
    assert graph["pkg:npm/lib@2.0.0"] == []
    assert graph["pkg:npm/%40s/x@3.0.0"] == ["pkg:npm/lib@2.0.0"]
    (part,) = (one for one in told["components"] if one["bom-ref"] == "pkg:npm/lib@1.0.0")
    assert {one["alg"]: one["content"] for one in part["hashes"]} == {
        "SHA-256": old.sha256,
        "SHA-512": sha512(old.integrity),
    }
    assert len(sha512(old.integrity)) == 128


def packed(files: dict[str, bytes], *, folder: str = "package/") -> bytes:
    """An archive of these."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def told_of(shelf: Shelf, form: SbomFormat = SbomFormat.CYCLONEDX) -> dict[str, Any]:
    """The document."""
    inventories = PackageInventories(vault=shelf.vault, folder=shelf.folder / "cache", version="1")
    for _ in range(2):  # the second time from what was kept of the reading
        document = inventories.sbom(shelf.made(), form, progress=Silent()).document
    told: dict[str, Any] = json.loads(document)
    return told


def test_what_an_archive_brings_along_is_listed_and_needed_by_it(tmp_path: Path) -> None:
    """By the bundled packages' own words; what only looks like one, or is not declared, is none."""
    shelf = Shelf(tmp_path)
    own = {"name": "outer", "version": "1.0.0", "bundleDependencies": ["inner"], "dependencies": {"inner": "1"}}
    files = {
        "node_modules/inner/package.json": b'{"name": "inner", "version": "1.1.0", "license": "ISC"}',
        "node_modules/inner/node_modules/@s/deep/package.json": b'{"name": "@s/deep", "version": "2.0.0"}',
        "node_modules/inner/test/package.json": b'{"name": "a-test", "version": "9.9.9"}',
        "node_modules/nameless/package.json": b"{}",
        "package.json": json.dumps(own).encode(),
    }
    for bundling in (True, False):
        content = files if bundling else files | {"package.json": b'{"name": "plain", "version": "1.0.0"}'}
        source = tmp_path / "package.tgz"
        source.write_bytes(packed(content))
        name = "outer" if bundling else "plain"
        shelf.packages.append(
            replace(THING, name=name, version="1.0.0", sha256=shelf.vault.add(source), paths=(f"node_modules/{name}",))
        )
    lock(shelf, "inner", "3.0.0", ("node_modules/inner",))
    told = told_of(shelf)
    parts = {one["bom-ref"]: one for one in told["components"]}
    inner, deep = (f"pkg:npm/outer@1.0.0#node_modules/inner{below}" for below in ("", "/node_modules/@s/deep"))
    assert {inner, deep} == {reference for reference in parts if "#" in reference}
    assert (parts[inner]["name"], parts[inner]["version"], parts[inner]["purl"]) == (
        "inner", "1.1.0", "pkg:npm/inner@1.1.0",
    )  # fmt: skip
    assert parts[inner]["licenses"][0]["license"]["id"] == "ISC"
    assert {"name": "repave:bundled-in", "value": "pkg:npm/outer@1.0.0"} in parts[inner]["properties"]
    assert "hashes" not in parts[inner]
    graph = {one["ref"]: one.get("dependsOn", []) for one in told["dependencies"]}
    assert graph["pkg:npm/outer@1.0.0"] == [inner, deep]
    names = {one["name"] for one in told_of(shelf, SbomFormat.SPDX)["packages"]}
    assert {"inner", "@s/deep"} <= names


def test_folders_of_the_application_and_commits_are_parts_too(tmp_path: Path) -> None:
    """By their own package.json; what a folder needs is found from there."""
    shelf = Shelf(tmp_path)
    source = tmp_path / "package.json"
    source.write_bytes(b'{"name": "words", "license": "MIT", "dependencies": {"ms": "2.0.0", "one": "1"}}')
    words = replace(
        THING,
        name="words",
        version="1.2.0",
        sha256=shelf.vault.add(source),
        origin="project:web/parts/words/package.json",
        filename="package.json",
        paths=("node_modules/words",),
    )
    commit = tmp_path / "one.tar"
    commit.write_bytes(packed({"package.json": b'{"name": "one", "license": "ISC"}'}, folder=""))
    origin = f"git+https://example.org/one.git@{'1' * 40}"
    one = replace(
        THING, name="one", version="1.0.0", sha256=shelf.vault.add(commit), origin=origin, paths=("node_modules/one",)
    )
    shelf.packages += [words, one]
    lock(shelf, "ms", "2.1.3", ("node_modules/ms",))
    lock(shelf, "ms", "2.0.0", ("parts/words/node_modules/ms",))
    told = told_of(shelf)
    parts = {part["name"]: part for part in told["components"] if part["name"] in {"words", "one"}}
    assert [parts[name]["licenses"][0]["license"]["id"] for name in ("words", "one")] == ["MIT", "ISC"]
    assert {"name": "repave:project-path", "value": "web/parts/words/package.json"} in parts["words"]["properties"]
    assert parts["one"]["purl"].startswith("pkg:npm/one@1.0.0?vcs_url=git")
    graph = {part["ref"]: part.get("dependsOn", []) for part in told["dependencies"]}
    assert graph["pkg:npm/words@1.2.0"] == ["pkg:npm/ms@2.0.0", parts["one"]["bom-ref"]]


@pytest.mark.parametrize("integrity", ["", "sha1-abc", "sha512-!!"])
def test_an_integrity_without_sha512_gives_none(integrity: str) -> None:
    """The sha256 of the lock stands in any case."""
    assert sha512(integrity) == ""
