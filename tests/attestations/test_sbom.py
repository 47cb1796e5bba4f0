"""Bills of materials: valid by others' judgement, complete, and the same bytes for the same artifact."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from documented import ARTIFACT, BUILT, Shelf
from packageurl import PackageURL
from schemas import is_bom
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from repave.archives.errors import BadArchive
from repave.attestations.sbom.listing import PackageInventories
from repave.bakers.rootfs.debs import place, prepare
from repave.model.lock import Ecosystem, Layer, LockedPackage
from repave.model.statement import CYCLONEDX, SPDX, canonical
from repave.ports.errors import Corrupt, Gone
from repave.ports.inventories import SbomFormat
from repave.ports.progress import Silent

DEP5 = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: {}\n"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """A small image of all kinds of parts, with all kinds of licences."""
    shelf = Shelf(tmp_path)
    shelf.deb("base-files", copyright_text=DEP5.format("GPL-2+ or Artistic, and Expat"))
    shelf.deb(
        "libthing1",
        {"Depends": "base-files (>= 1.0) | none, thing-data", "Homepage": "https://example.org/thing"},
        copyright_text=DEP5.format("GPL-2+ or Zlib") + "\nFiles: b\nLicense: ISC\n",
    )
    shelf.deb("thing-data", {"Pre-Depends": "virtual", "Maintainer": "Things Team <t@x.org>"}, documents="libthing1")
    shelf.deb("provider", {"Provides": "virtual, other"}, copyright_text="/usr/share/common-licenses/GPL-2")
    shelf.deb("python3", version="3.11.2-1")
    shelf.wheel("app", 'License-Expression: MIT OR Apache-2.0\nRequires-Dist: library; python_version >= "3.11"')
    shelf.wheel(
        "library", "License: BSD\nAuthor: Grace Hopper\nSummary: a library — with more\nHome-page: https://x.org"
    )
    shelf.file("/srv/app/app.py", b"print('hello')\n")
    return shelf


def document(
    shelf: Shelf,
    form: SbomFormat,
    *,
    cache: str = "cache",
    version: str = "1.2.3",
    plain: Callable[[str], Path | None] = lambda _: None,
) -> bytes:
    """What repave says of the image."""
    inventories = PackageInventories(vault=shelf.vault, folder=shelf.folder / cache, version=version, plain=plain)
    return inventories.sbom(shelf.made(), form, progress=Silent()).document


def by_name(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Components or packages by their names."""
    return {one["name"]: one for one in found}


def test_cyclonedx_is_valid_by_its_own_schema(shelf: Shelf) -> None:
    """The strict schema of 1.6, as CycloneDX's own library checks it: formats and unknown keys too."""
    text = document(shelf, SbomFormat.CYCLONEDX).decode()
    assert is_bom(text)


def test_spdx_is_valid_by_its_own_tools(shelf: Shelf) -> None:
    """SPDX's own library reads it and finds nothing: identifiers, licence expressions, relationships."""
    parsed = JsonLikeDictParser().parse(  # type: ignore[no-untyped-call] # its constructor has no types
        json.loads(document(shelf, SbomFormat.SPDX))
    )
    assert [message.validation_message for message in validate_full_spdx_document(parsed)] == []


def test_cyclonedx_tells_all_of_every_part(shelf: Shelf) -> None:
    """Packages by purl, hash, licence, supplier and origin; files by path and hash; the artifact by its digest."""
    told = json.loads(document(shelf, SbomFormat.CYCLONEDX))
    artifact = told["metadata"]["component"]
    assert (artifact["name"], artifact["version"], artifact["type"]) == ("shop/web", ARTIFACT, "container")
    assert told["metadata"]["tools"]["components"] == [
        {"bom-ref": "tool:repave", "name": "repave", "type": "application", "version": "1.2.3"}
    ]
    parts = by_name(told["components"])
    assert set(parts) == {*(package.name for package in shelf.packages), "/srv/app/app.py", "debian"}
    assert (parts["debian"]["type"], parts["debian"]["version"]) == ("operating-system", "12")
    library = parts["libthing1"]
    assert library["purl"] == "pkg:deb/debian/libthing1@1.0-1?arch=amd64&distro=bookworm&upstream=libthing1-source"
    assert library["licenses"] == [{"acknowledgement": "declared", "expression": "(GPL-2.0-or-later OR Zlib) AND ISC"}]
    assert library["supplier"] == {
        "name": "Ada Lovelace",
        "contact": [{"name": "Ada Lovelace", "email": "ada@example.org"}],
    }
    locked = next(package for package in shelf.packages if package.name == "libthing1")
    assert library["hashes"] == [{"alg": "SHA-256", "content": locked.sha256}]
    assert {reference["type"]: reference["url"] for reference in library["externalReferences"]} == {
        "distribution": locked.origin,
        "website": "https://example.org/thing",
    }
    assert parts["thing-data"]["licenses"] == library["licenses"]
    assert parts["provider"]["licenses"] == [{"license": {"acknowledgement": "declared", "name": "GPL-2"}}]
    assert parts["app"]["licenses"] == [{"acknowledgement": "declared", "expression": "MIT OR Apache-2.0"}]
    assert parts["library"]["description"] == "a library — with more"
    assert parts["/srv/app/app.py"]["hashes"] == [{"alg": "SHA-256", "content": shelf.files[0].sha256}]


def test_the_graph_leads_from_the_artifact_to_every_part(shelf: Shelf) -> None:
    """Alternatives, virtual packages and requirements resolved within the image."""
    told = json.loads(document(shelf, SbomFormat.CYCLONEDX))
    names = {one["bom-ref"]: one["name"] for one in [*told["components"], told["metadata"]["component"]]}
    graph = {
        names[one["ref"]]: sorted(names[other] for other in one.get("dependsOn", [])) for one in told["dependencies"]
    }
    assert graph == {
        "shop/web": ["/srv/app/app.py", "app", "debian", "libthing1"],
        "debian": [],
        "libthing1": ["base-files", "thing-data"],
        "thing-data": ["provider"],
        "app": ["library", "python3"],
        "library": ["python3"],
        "base-files": [],
        "provider": [],
        "python3": [],
        "/srv/app/app.py": [],
    }


def test_spdx_tells_the_same_parts_and_edges(shelf: Shelf) -> None:
    """The two formats are two ways to write one inventory."""
    cyclonedx = json.loads(document(shelf, SbomFormat.CYCLONEDX))
    spdx = json.loads(document(shelf, SbomFormat.SPDX))
    packages = by_name(spdx["packages"])
    components = by_name([*cyclonedx["components"], cyclonedx["metadata"]["component"]])
    assert set(packages) == set(components) - {"debian"}
    for name, package in packages.items():
        assert package["checksums"][0]["checksumValue"] == components[name]["hashes"][0]["content"]
    assert packages["library"]["licenseDeclared"].startswith("LicenseRef-BSD-")
    assert packages["library"]["supplier"] == "Person: Grace Hopper"
    assert packages["thing-data"]["supplier"] == "Organization: Things Team (t@x.org)"
    assert packages["python3"]["licenseDeclared"].startswith("LicenseRef-see")
    assert set(edges_of_spdx(spdx)) == set(edges_of_cyclonedx(cyclonedx))


def edges_of_spdx(told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Who depends on whom, by name."""
    names = {package["SPDXID"]: package["name"] for package in told["packages"]}
    for one in told["relationships"]:
        if one["relationshipType"] == "DEPENDS_ON":
            yield names[one["spdxElementId"]], names[one["relatedSpdxElement"]]


def edges_of_cyclonedx(told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The same."""
    names = {one["bom-ref"]: one["name"] for one in [*told["components"], told["metadata"]["component"]]}
    for one in told["dependencies"]:
        for other in one.get("dependsOn", []):
            if other != "os":
                yield names[one["ref"]], names[other]


@pytest.mark.parametrize("form", SbomFormat)
def test_the_same_artifact_gives_the_same_bytes(
    shelf: Shelf, form: SbomFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From what was read before or read again, in another time zone and locale, with the lock in another order."""
    first = document(shelf, form)
    assert canonical(json.loads(first)) == first
    assert document(shelf, form) == first
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    time.tzset()
    try:
        shelf.packages.reverse()
        assert document(shelf, form, cache="elsewhere") == first
    finally:
        monkeypatch.undo()
        time.tzset()
    assert document(shelf, form, version="1.2.4") != first
    shelf.file("/srv/app/other.py", b"")
    assert document(shelf, form) != first


def test_the_time_of_a_document_is_that_of_its_newest_package(shelf: Shelf) -> None:
    """No clock is looked at; formats want a time all the same."""
    built = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(BUILT))
    assert json.loads(document(shelf, SbomFormat.CYCLONEDX))["metadata"]["timestamp"] == f"{built}+00:00"
    assert json.loads(document(shelf, SbomFormat.SPDX))["creationInfo"]["created"] == f"{built}Z"


def test_what_was_read_of_a_package_is_not_read_again(shelf: Shelf) -> None:
    """A bake that changes one package reads one; what was kept and torn is read anew."""
    first = document(shelf, SbomFormat.SPDX)
    for package in shelf.packages:
        os.truncate(shelf.vault.path(package.sha256), 0)
    assert document(shelf, SbomFormat.SPDX) == first
    kept = sorted((shelf.folder / "cache").rglob("*.json"))
    assert len(kept) == len(shelf.packages)
    kept[0].write_bytes(kept[0].read_bytes()[:10])
    with pytest.raises(Corrupt):
        document(shelf, SbomFormat.SPDX)


def test_what_a_bake_left_without_its_compression_is_read_there(shelf: Shelf) -> None:
    """It says the same; what another bake has put away meanwhile is read in the vault."""
    larder = shelf.folder / "larder"
    debs = [package for package in shelf.packages if package.ecosystem is Ecosystem.DEB]
    prepare(debs, shelf.vault, larder)
    place(larder, debs[0].sha256).unlink()

    def plain(sha256: str) -> Path:
        return place(larder, sha256)

    said = document(shelf, SbomFormat.SPDX, plain=plain)
    assert said == document(shelf, SbomFormat.SPDX, cache="another")
    os.truncate(place(larder, debs[1].sha256), 0)
    with pytest.raises(BadArchive):
        document(shelf, SbomFormat.SPDX, cache="a third", plain=plain)


def test_a_package_that_is_not_in_the_vault_is_said(shelf: Shelf) -> None:
    """No part is left out of a document in silence."""
    shelf.vault.remove(shelf.packages[0].sha256)
    with pytest.raises(Gone):
        document(shelf, SbomFormat.CYCLONEDX)


@pytest.mark.parametrize(
    ("ecosystem", "name", "version", "expected"),
    [
        (Ecosystem.GIT, "https://example.org/a/thing.git", "1" * 40, f"pkg:generic/thing@{'1' * 40}"),
        (Ecosystem.URL, "https://example.org/a/thing.bin", "0" * 64, "pkg:generic/file"),
    ],
)
def test_sources_have_package_urls_too(  # the lock's words for them exist
    shelf: Shelf, ecosystem: Ecosystem, name: str, version: str, expected: str
) -> None:
    """A document holds them, valid by the purl library, also where the package says nothing of itself."""
    package = LockedPackage(
        ecosystem=ecosystem,
        name=name,
        version=version,
        sha256="0" * 64,
        size_bytes=1,
        origin="https://example.org/a/file",
        filename="file",
        layer=Layer.SOURCES,
        images=shelf.packages[0].images,
    )
    shelf.packages.append(package)
    told = by_name(json.loads(document(shelf, SbomFormat.CYCLONEDX))["components"])[name]
    assert told["purl"].startswith(expected)
    assert PackageURL.from_string(told["purl"]).to_string() == told["purl"]
    shelf.packages.remove(package)


@pytest.mark.parametrize(("form", "predicate"), [(SbomFormat.CYCLONEDX, CYCLONEDX), (SbomFormat.SPDX, SPDX)])
def test_a_document_is_a_statement_about_the_artifact(shelf: Shelf, form: SbomFormat, predicate: str) -> None:
    """Ready to be signed."""
    inventories = PackageInventories(vault=shelf.vault, folder=shelf.folder / "cache", version="1")
    statement = inventories.sbom(shelf.made(), form, progress=Silent())
    assert (statement.subject, statement.name, statement.predicate_type) == (ARTIFACT, "shop/web", predicate)
    assert statement.media_type.endswith("+json")
