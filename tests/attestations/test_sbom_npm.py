"""What npm packages say of themselves, and what needs what as Node looks for it."""

import base64
import gzip
import io
import json
import tarfile
from hashlib import sha512 as hashed
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from documented import WEB, Shelf

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
    assert npm_facts(place, "thing 1").licences == licences


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
    assert npm_facts(place, "thing 1").supplier == supplier


@pytest.mark.parametrize("manifest", [b"", b"[1]", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_cannot_be_read_says_nothing(tmp_path: Path, manifest: bytes) -> None:
    """A package without a readable package.json is still a part, by its lock."""
    place = tmp_path / "x.tgz"
    place.write_bytes(archive(manifest))
    assert npm_facts(place, "thing 1").licences == ()
    place.write_bytes(b"no archive")
    with pytest.raises(Corrupt):
        npm_facts(place, "thing 1")


def test_names_mean_the_nearest_package_upwards(tmp_path: Path) -> None:
    """Two versions beside each other, a scope, what is optional and not there; the artifact leads to all."""
    shelf = Shelf(tmp_path)
    lock(shelf, "app", "1.0.0", ("node_modules/app",), dependencies={"lib": "^1", "@s/x": "*"}, license="MIT")
    old = lock(shelf, "lib", "1.0.0", ("node_modules/app/node_modules/lib",), peerDependencies={"app": "1"})
    lock(shelf, "lib", "2.0.0", ("node_modules/lib",), optionalDependencies={"absent": "1"})
    lock(shelf, "@s/x", "3.0.0", ("node_modules/@s/x",), dependencies={"lib": "^2"})
    inventories = PackageInventories(vault=shelf.vault, folder=tmp_path / "cache", version="1")
    text = inventories.sbom(shelf.made(), SbomFormat.CYCLONEDX, progress=Silent()).document.decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
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


@pytest.mark.parametrize("integrity", ["", "sha1-abc", "sha512-!!"])
def test_an_integrity_without_sha512_gives_none(integrity: str) -> None:
    """The sha256 of the lock stands in any case."""
    assert sha512(integrity) == ""
