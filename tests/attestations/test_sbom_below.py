"""What an image of a registry below says it holds: Debian's, Alpine's and Python's records, through all its layers."""

import json
from pathlib import Path
from typing import Any

import pytest
from documented import Shelf
from image_maker import DOCKER, TAR, MadeImage, digest, entry, layer_tar, link
from packageurl import PackageURL
from schemas import is_bom
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from repave.attestations.sbom.listing import PackageInventories
from repave.ports.errors import Corrupt
from repave.ports.inventories import SbomFormat
from repave.ports.progress import Silent

DEBIAN = """PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
VERSION_ID="12"
VERSION_CODENAME=bookworm
ID=debian
"""
STATUS = """Package: libc6
Status: install ok installed
Maintainer: GNU Libc Maintainers <libc@example.org>
Architecture: amd64
Source: glibc (2.36-9)
Version: 2.36-9+b1
Provides: libc-abi (= 1)
Description: the C library
 with more

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: libgcc-s1
Status: install ok installed
Architecture: amd64
Version: 12.2.0
Depends: libc6 (>= 2.35), gcc-12-base
Description: support

Package: gcc-12-base
Status: install ok installed
Architecture: amd64
Version: 12.2.0
Description: base

Package: python3
Status: install ok installed
Architecture: amd64
Version: 3.11.2-1
Description: Python
"""
INSTALLED = """P:musl
V:1.2.5-r0
A:x86_64
L:MIT
U:https://musl.libc.org/
m:Timo <timo@example.org>
T:the C library
o:musl
p:so:libc.musl-x86_64.so.1=1

P:zlib
V:1.3.1-r1
A:x86_64
L:Own words
o:zlib-source
D:so:libc.musl-x86_64.so.1 !older musl>=1

X:no package
"""
DEP5 = b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-2+\n"
SITE = "usr/lib/python3/dist-packages"


def wheel(name: str, more: str = "") -> tuple[Any, bytes]:
    """METADATA of an installed Python package."""
    return entry(f"{SITE}/{name}-1.0.dist-info/METADATA", f"Name: {name}\nVersion: 1.0\n{more}\n\n".encode())


DEBIAN_LAYERS = (
    (
        TAR,
        layer_tar(
            entry("usr/lib/os-release", DEBIAN.encode()), link("etc/os-release", "../usr/lib/os-release"),
            entry("var/lib/dpkg/status", b"Package: old\nVersion: 1\n"),
            entry("usr/share/doc/libc6/copyright", DEP5), entry("usr/share/doc/gcc-12-base/copyright", DEP5),
            link("usr/share/doc/libgcc-s1", "gcc-12-base"), wheel("removed"), wheel("hidden"),
        ),
    ),
    (
        f"{DOCKER}.image.rootfs.diff.tar.gzip",
        layer_tar(
            entry("./var/lib/dpkg/status", STATUS.encode()),
            entry(f"{SITE}/.wh.removed-1.0.dist-info"), entry(f"{SITE}/hidden-1.0.dist-info/.wh..wh..opq"),
        ),
    ),
    (
        f"{TAR}+zstd",
        layer_tar(
            wheel("app", "Requires-Dist: library; python_version == '3.11'\nLicense: MIT"),
            wheel("library"), entry("srv/METADATA", b"Name: no package"),
        ),
    ),
)  # fmt: skip


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """An image of one file over a Debian made by somebody else."""
    shelf = Shelf(tmp_path)
    shelf.image(MadeImage(layers=DEBIAN_LAYERS))
    shelf.file("/srv/app/app.py", b"print('hello')\n")
    return shelf


def document(shelf: Shelf, form: SbomFormat = SbomFormat.CYCLONEDX) -> dict[str, Any]:
    """What repave says of it."""
    inventories = PackageInventories(vault=shelf.vault, folder=shelf.folder / "cache", version="1")
    told: dict[str, Any] = json.loads(inventories.sbom(shelf.made(), form, progress=Silent()).document)
    return told


def graph(told: dict[str, Any]) -> dict[str, list[str]]:
    """Who needs whom, by name."""
    names = {one["bom-ref"]: one["name"] for one in [*told["components"], told["metadata"]["component"]]}
    return {
        names[one["ref"]]: sorted(names[other] for other in one.get("dependsOn", [])) for one in told["dependencies"]
    }


def test_both_formats_are_valid(shelf: Shelf) -> None:
    """By the judges of each, also where no file was locked of a package."""
    assert is_bom(json.dumps(document(shelf)))
    parsed = JsonLikeDictParser().parse(document(shelf, SbomFormat.SPDX))  # type: ignore[no-untyped-call] # no types
    assert [message.validation_message for message in validate_full_spdx_document(parsed)] == []


def test_the_records_of_a_debian_are_read_through_its_layers(shelf: Shelf) -> None:
    """The topmost record counts, what an upper layer removes is gone, and what was only configured is not there."""
    told = document(shelf)
    packages = {one["name"]: one for one in told["components"] if one["type"] == "library"}
    assert set(packages) == {"libc6", "libgcc-s1", "gcc-12-base", "python3", "app", "library"}
    assert packages["libc6"]["purl"] == (
        "pkg:deb/debian/libc6@2.36-9%2Bb1?arch=amd64&distro=bookworm&upstream=glibc%402.36-9"
    )
    assert packages["app"]["purl"] == "pkg:pypi/app@1.0"
    assert packages["libc6"]["supplier"]["name"] == "GNU Libc Maintainers"
    licence = [{"license": {"acknowledgement": "declared", "id": "GPL-2.0-or-later"}}]
    assert packages["libc6"]["licenses"] == packages["libgcc-s1"]["licenses"] == licence
    assert all("hashes" not in one for one in packages.values())
    (system,) = (one for one in told["components"] if one["type"] == "operating-system")
    assert (system["name"], system["version"]) == ("debian", "12")


def test_the_base_is_one_part_that_leads_to_all_in_it(shelf: Shelf) -> None:
    """By its manifest: documents and layers are its own affair. Nobody takes its content for locked."""
    told = document(shelf)
    (base,) = (one for one in told["components"] if one["type"] == "container")
    manifest = shelf.packages[0]
    assert base["hashes"] == [{"alg": "SHA-256", "content": manifest.sha256}]
    assert PackageURL.from_string(base["purl"]).version == manifest.version
    properties = {one["name"]: one["value"] for one in base["properties"]}
    assert properties == {"repave:contents": "deb, pypi", "repave:reference": "1.2"}
    assert graph(told) == {
        "shop/web": ["/srv/app/app.py", "debian", "registry.example/team/base"],
        "registry.example/team/base": ["app", "libgcc-s1", "python3"],
        "libgcc-s1": ["gcc-12-base", "libc6"],
        "app": ["library"],
        **{name: [] for name in ("libc6", "gcc-12-base", "python3", "library", "debian", "/srv/app/app.py")},
    }


def test_wheels_of_ours_run_on_the_python_of_the_base(tmp_path: Path) -> None:
    """Its version decides their markers, and it is what they need."""
    shelf = Shelf(tmp_path)
    python = link("usr/local/bin/python3", "python3.12"), entry("usr/local/bin/python3.12", b"x", mode=0o755)
    runs = {"Env": ["PATH=/usr/local/bin:/usr/bin"]}
    shelf.image(MadeImage(layers=[(TAR, layer_tar(*python))], runs=runs))
    shelf.wheel("app", "Requires-Dist: new; python_version >= '3.12'\nRequires-Dist: old; python_version < '3.12'")
    shelf.wheel("new", "")
    shelf.wheel("old", "")
    base = "registry.example/team/base"
    assert graph(document(shelf)) == {
        "shop/web": ["app", "old"],
        "app": ["new", base],
        "new": [base],
        "old": [base],
        base: [],
    }


def test_the_record_of_an_alpine_is_read(tmp_path: Path) -> None:
    """Names, versions, licences, and what satisfies what by what it provides."""
    shelf = Shelf(tmp_path)
    release = entry("etc/os-release", b"ID=alpine\nVERSION_ID=3.20.3\n")
    shelf.image(MadeImage(layers=[(TAR, layer_tar(release, entry("lib/apk/db/installed", INSTALLED.encode())))]))
    told = document(shelf)
    packages = {one["name"]: one for one in told["components"] if one["type"] == "library"}
    assert set(packages) == {"musl", "zlib"}
    assert packages["zlib"]["purl"] == "pkg:apk/alpine/zlib@1.3.1-r1?arch=x86_64&distro=3.20.3&upstream=zlib-source"
    assert packages["musl"]["licenses"] == [{"license": {"acknowledgement": "declared", "id": "MIT"}}]
    assert packages["zlib"]["licenses"] == [{"license": {"acknowledgement": "declared", "name": "Own words"}}]
    assert graph(told)["zlib"] == ["musl"]


@pytest.mark.parametrize(
    ("created", "time"),
    [
        ("2026-11-02T03:04:05.678901234Z", "2026-11-02T03:04:05+00:00"),
        ("0001-01-01T00:00:00Z", "1970-01-01T00:00:00+00:00"),
        ("tomorrow", "1970-01-01T00:00:00+00:00"),
        (7, "1970-01-01T00:00:00+00:00"),
    ],
)
def test_the_time_of_a_document_is_that_of_the_base(tmp_path: Path, created: object, time: str) -> None:
    """As far as it says one."""
    shelf = Shelf(tmp_path)
    image = MadeImage(layers=[(TAR, layer_tar(entry("bin/tool", b"x")))])
    image.configuration = json.dumps({**json.loads(image.configuration), "created": created}).encode()
    described = image.described("application/vnd.oci.image.config.v1+json", image.configuration)
    image.manifest = json.dumps({**json.loads(image.manifest), "config": described}).encode()
    shelf.image(image)
    assert document(shelf)["metadata"]["timestamp"] == time


def test_an_image_that_says_nothing_of_itself_is_told_as_unknown(tmp_path: Path) -> None:
    """Not as empty."""
    shelf = Shelf(tmp_path)
    shelf.image(MadeImage(layers=[(TAR, layer_tar(entry("bin/tool", b"x")))]))
    (base,) = document(shelf)["components"]
    assert {"name": "repave:contents", "value": "unknown"} in base["properties"]


def test_what_was_read_of_a_base_is_not_read_again(shelf: Shelf) -> None:
    """By its manifest; what was kept and torn is read anew, and every layer's digest is checked first."""
    first = document(shelf)
    layer = next(package for package in shelf.packages if package.filename == "layer-02.tar")
    shelf.vault.path(layer.sha256).chmod(0o644)
    shelf.vault.path(layer.sha256).write_bytes(b"other")
    assert document(shelf) == first
    (kept,) = (shelf.folder / "cache").rglob("*.json")
    kept.write_bytes(b"[")
    with pytest.raises(Corrupt):
        document(shelf)


@pytest.mark.parametrize("text", ["", "Package: x", "Version: 1\n\n\n", ": \n \n", "P:", "\x00\xff"])
def test_a_record_that_is_none_says_nothing(tmp_path: Path, text: str) -> None:
    """It was written by somebody else: what cannot be read is left out, and nothing ends."""
    shelf = Shelf(tmp_path)
    places = ("var/lib/dpkg/status", "lib/apk/db/installed", "etc/os-release", f"{SITE}/x-1.dist-info/METADATA")
    image = MadeImage(layers=[(TAR, layer_tar(*(entry(place, text.encode()) for place in places)))])
    shelf.image(image)
    assert [one["version"] for one in document(shelf)["components"]] == [digest(image.manifest)]
