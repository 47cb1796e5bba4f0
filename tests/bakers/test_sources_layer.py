"""What comes by its address, in a layer of its own."""

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from pantry import Pantry, bake_in

from repave.bakers.rootfs.layertar import LayerTar
from repave.bakers.rootfs.skeleton import Skeleton
from repave.bakers.rootfs.stage import Stage
from repave.model.artifact import Artifact
from repave.model.lock import Ecosystem, Layer, LockedFile, LockedPackage
from repave.model.names import ImageName
from repave.model.recipe import Base, GitSource, Image, ImageKind, RemoteFile
from repave.ports.baker import BakeRequest
from repave.ports.errors import Corrupt, Invalid
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault

BELOW = Skeleton(
    directories={"tmp": (0o1777, 0, 0), "usr": (0o755, 0, 0), "usr/bin": (0o755, 0, 0)}, links={"bin": "usr/bin"}
)
URL = "https://example.org/tools/tool-1.0"


@pytest.fixture
def pantry(tmp_path: Path) -> Pantry:
    """An empty vault."""
    folder = tmp_path / "made"
    folder.mkdir()
    return Pantry(vault=FileVault(tmp_path / "vault"), folder=folder)


def fetched(pantry: Pantry, content: bytes, url: str = URL) -> LockedPackage:
    """A file of an address, locked."""
    source = pantry.folder / "fetched"
    source.write_bytes(content)
    sha256 = pantry.vault.add(source)
    return LockedPackage(
        ecosystem=Ecosystem.URL,
        name=url,
        version=sha256,
        sha256=sha256,
        size_bytes=len(content),
        origin=url,
        filename="tool-1.0",
        layer=Layer.SOURCES,
        images=(ImageName("web"),),
    )


def committed(pantry: Pantry, source: GitSource, members: dict[str, str | bytes | None]) -> LockedPackage:
    """An archive of a repository, locked: content by path, targets of links as text, nothing for folders."""
    archive = pantry.folder / source.archive
    with tarfile.open(archive, "w") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            entry.mode = 0o775 if name.endswith(".sh") else 0o664
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
            body = content if isinstance(content, bytes) else b""
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return LockedPackage(
        ecosystem=Ecosystem.GIT,
        name=source.url,
        version=source.commit,
        sha256=pantry.vault.add(archive),
        size_bytes=archive.stat().st_size,
        origin=f"git+{source.url}@{source.commit}",
        filename=source.archive,
        layer=Layer.SOURCES,
        images=(ImageName("web"),),
    )


def request_of(
    *sources: RemoteFile | GitSource, packages: tuple[LockedPackage, ...], files: tuple[LockedFile, ...] = ()
) -> BakeRequest:
    """An image of nothing but what is given."""
    image = Image(
        name=ImageName("web"),
        kind=ImageKind.CONTAINER,
        base=Base(distribution="debian", release="bookworm", suites=("bookworm",)),
        user="1000",
        fetch=tuple(source for source in sources if isinstance(source, RemoteFile)),
        git=tuple(source for source in sources if isinstance(source, GitSource)),
        run=("/usr/bin/tool",),
    )
    return BakeRequest(image=image, packages=packages, files=files)


def entries(root: Path, artifact: Artifact, layer: Layer) -> dict[str, tarfile.TarInfo]:
    """What one layer of the image holds."""
    (digest,) = (one.digest for one in artifact.layers if one.layer is layer)
    with tarfile.open(LayoutRegistry(root / "registry").path(digest)) as tar:
        return {entry.name: entry for entry in tar.getmembers()}


@pytest.mark.real
def test_fetched_files_are_a_layer_below_the_application(pantry: Pantry, tmp_path: Path) -> None:
    """With mode and place as declared; another application leaves it as it is; elsewhere it is the same."""
    package = fetched(pantry, b"#!/bin/sh\n")
    wanted = (
        RemoteFile(url=URL, into="/opt/bin/", mode=0o755),
        RemoteFile(url=URL, into="/opt/share/readme"),
    )
    app = pantry.file("/srv/app/a", b"1")
    first = bake_in(tmp_path / "one", pantry.vault, request_of(*wanted, packages=(package,), files=(app,)))
    assert [layer.layer for layer in first.layers] == [Layer.SOURCES, Layer.APPLICATION]
    found = entries(tmp_path / "one", first, Layer.SOURCES)
    assert {name: stat.S_IMODE(entry.mode) for name, entry in found.items()} == {
        "opt": 0o755,
        "opt/bin": 0o755,
        "opt/bin/tool-1.0": 0o755,
        "opt/share": 0o755,
        "opt/share/readme": 0o644,
    }
    assert {(entry.uid, entry.gid) for entry in found.values()} == {(0, 0)}
    changed = request_of(*reversed(wanted), packages=(package,), files=(pantry.file("/srv/app/a", b"2"),))
    second = bake_in(tmp_path / "one", pantry.vault, changed)
    assert [layer.cached for layer in second.layers] == [True, False]
    again = bake_in(tmp_path / "two", pantry.vault, request_of(*wanted, packages=(package,), files=(app,)))
    assert again.digest == first.digest


@pytest.mark.real
def test_another_file_mode_or_place_is_another_layer(pantry: Pantry, tmp_path: Path) -> None:
    """All three are in the bytes, so they are in the key."""
    one, two = fetched(pantry, b"one"), fetched(pantry, b"two")
    digests = [
        bake_in(tmp_path / "one", pantry.vault, request_of(file, packages=(package,))).digest
        for file, package in (
            (RemoteFile(url=URL, into="/opt/tool"), one),
            (RemoteFile(url=URL, into="/opt/tool"), two),
            (RemoteFile(url=URL, into="/opt/tool", mode=0o755), one),
            (RemoteFile(url=URL, into="/opt/other"), one),
        )
    ]
    assert len(set(digests)) == len(digests)


@pytest.mark.real
def test_a_file_that_was_changed_in_the_vault_is_not_baked(pantry: Pantry, tmp_path: Path) -> None:
    """It is verified while it is laid out, and named by its address."""
    package = fetched(pantry, b"true")
    place = pantry.vault.path(package.sha256)
    place.chmod(0o644)
    place.write_bytes(b"lies")
    with pytest.raises(Corrupt, match=r"tool-1\.0 in the vault"):
        bake_in(tmp_path / "one", pantry.vault, request_of(RemoteFile(url=URL, into="/opt/"), packages=(package,)))


@pytest.mark.real
def test_a_folder_of_a_repository_becomes_the_folder_it_goes_to(pantry: Pantry, tmp_path: Path) -> None:
    """Without the path it has there; the application above is put where links of the repository lead."""
    source = GitSource(url="https://example.org/tool.git", into="/srv/", commit="1" * 40, path="src/web")
    members: dict[str, str | bytes | None] = {
        "src": None,
        "src/web": None,
        "src/web/vendor": None,
        "src/web/start.sh": b"#!/bin/sh\n",
        "src/web/current": "one",
        "src/web/one/page": b"<p>",
    }
    request = request_of(
        source, packages=(committed(pantry, source, members),), files=(pantry.file("/srv/current/own", b"own"),)
    )
    artifact = bake_in(tmp_path / "one", pantry.vault, request)
    below = entries(tmp_path / "one", artifact, Layer.SOURCES)
    assert {name: stat.S_IMODE(entry.mode) for name, entry in below.items() if not entry.issym()} == {
        "srv": 0o755,
        "srv/one": 0o755,
        "srv/one/page": 0o644,
        "srv/start.sh": 0o755,
        "srv/vendor": 0o755,
    }
    assert below["srv/current"].linkname == "one"
    assert set(entries(tmp_path / "one", artifact, Layer.APPLICATION)) == {"srv", "srv/one", "srv/one/own"}


def tarred(*members: tuple[str, int, bytes, str, bytes]) -> bytes:
    """A gzipped tar of names, modes, types, targets of links and contents."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as tar:
        for name, mode, kind, link, content in members:
            entry = tarfile.TarInfo(name)
            entry.mode, entry.type, entry.linkname, entry.size = mode, kind, link, len(content)
            tar.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def zipped(**members: tuple[int, bytes]) -> bytes:
    """A zip of modes and contents by name, ``_`` for a slash."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (mode, content) in members.items():
            member = zipfile.ZipInfo(name.replace("_", "/"))
            member.external_attr = mode << 16
            archive.writestr(member, content)
    return target.getvalue()


FILE, FOLDER, LINK, SAME = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


@pytest.mark.real
@pytest.mark.parametrize(
    ("content", "found"),
    [
        (
            tarred(
                ("./", 0o755, FOLDER, "", b""),
                ("./bin/tool", 0o775, FILE, "", b"#!/bin/sh\n"),
                ("./bin/same", 0o775, SAME, "./bin/tool", b""),
                ("./readme", 0o600, FILE, "", b"read"),
                ("./current", 0o777, LINK, "bin", b""),
                ("./empty", 0o700, FOLDER, "", b""),
            ),
            {"bin": 0o755, "bin/same": 0o755, "bin/tool": 0o755, "current": "bin", "empty": 0o755, "readme": 0o644},
        ),
        (
            zipped(bin_=(0o40755, b""), bin_tool=(0o100755, b"#!/bin/sh\n"), readme=(0, b"read")),
            {"bin": 0o755, "bin/tool": 0o755, "readme": 0o644},
        ),
    ],
    ids=["tar", "zip"],
)
def test_an_archive_is_laid_out_below_its_folder(
    pantry: Pantry, tmp_path: Path, content: bytes, found: dict[str, int | str]
) -> None:
    """By what it is, whatever it is called; with nothing of its owners and rights but who is a program."""
    wanted = RemoteFile(url=URL, into="/opt/data/", unpack=True)
    artifact = bake_in(tmp_path / "one", pantry.vault, request_of(wanted, packages=(fetched(pantry, content),)))
    laid = entries(tmp_path / "one", artifact, Layer.SOURCES)
    below = {name.removeprefix("opt/data/"): entry for name, entry in laid.items() if name.startswith("opt/data/")}
    assert {name: entry.linkname if entry.issym() else entry.mode for name, entry in below.items()} == found
    assert {below[name].size for name in ("bin/tool", "bin/same") if name in below} == {len(b"#!/bin/sh\n")}


@pytest.mark.real
@pytest.mark.parametrize(
    "content",
    [
        tarred(("../evil", 0o644, FILE, "", b"")),
        tarred(("evil", 0o777, LINK, "../../etc", b"")),
        tarred(("evil", 0o4755, FILE, "", b"")),
        tarred(("evil", 0o644, tarfile.CHRTYPE, "", b"")),
        zipped(**{".._evil": (0, b"")}),
        b"no archive at all",
    ],
    ids=["outside", "link-outside", "set-uid", "device", "zip-outside", "none"],
)
def test_an_archive_that_does_more_than_hold_files_is_refused(pantry: Pantry, tmp_path: Path, content: bytes) -> None:
    """Whole, by its address."""
    wanted = RemoteFile(url=URL, into="/opt/data/", unpack=True)
    with pytest.raises(Corrupt, match=r"the archive https://example\.org/tools/tool-1\.0 is refused"):
        bake_in(tmp_path / "one", pantry.vault, request_of(wanted, packages=(fetched(pantry, content),)))


@pytest.mark.real
@pytest.mark.parametrize("name", ["../etc/passwd", "a/../../b", "/etc/passwd"])
def test_no_repository_writes_outside_of_its_folder(pantry: Pantry, tmp_path: Path, name: str) -> None:
    """A tree's names are a stranger's."""
    source = GitSource(url="https://example.org/tool.git", into="/srv/", commit="1" * 40)
    package = committed(pantry, source, {name: b"x"})
    with pytest.raises(Corrupt, match=r"the archive of https://example\.org/tool\.git is refused"):
        bake_in(tmp_path / "one", pantry.vault, request_of(source, packages=(package,)))


@pytest.mark.real
def test_what_is_not_locked_is_not_baked(pantry: Pantry, tmp_path: Path) -> None:
    """The lock is the only source."""
    with pytest.raises(Invalid, match="is not locked"):
        bake_in(tmp_path / "one", pantry.vault, request_of(RemoteFile(url=URL, into="/opt/"), packages=()))


def put(stage: Stage, path: str, content: bytes = b"x", origin: str = "one") -> None:
    """A file into the stage."""
    with stage.file(path, mode=0o644, origin=origin) as target:
        target.write(content)


def test_a_stage_follows_the_links_below_and_none_of_its_own(tmp_path: Path) -> None:
    """What comes above sees both."""
    with Stage(tmp_path / "heap", below=BELOW) as stage:
        put(stage, "/bin/tool")
        put(stage, "/srv/one/a")
        stage.link("/srv/current", "one", origin="two")
        stage.link("/srv/etc", "/etc", origin="two")
        stage.link("/srv/tool", "../usr/bin/tool", origin="two")
        stage.folder("/srv/empty", origin="two")
        with LayerTar(tmp_path / "tar") as layer:
            stage.write(layer)
    skeleton = stage.skeleton()
    assert skeleton.resolve("srv/current") == "srv/one"
    assert {"srv/one", "srv/empty", "usr/bin", "tmp"} <= set(skeleton.directories)
    assert set(skeleton.links) == {"bin", "srv/current"}
    with tarfile.open(tmp_path / "tar") as tar:
        found = {entry.name: entry.linkname if entry.issym() else entry.type for entry in tar.getmembers()}
    assert list(found.items()) == [
        ("srv", tarfile.DIRTYPE),
        ("srv/current", "one"),
        ("srv/empty", tarfile.DIRTYPE),
        ("srv/etc", "/etc"),
        ("srv/one", tarfile.DIRTYPE),
        ("srv/one/a", tarfile.REGTYPE),
        ("srv/tool", "../usr/bin/tool"),
        ("usr", tarfile.DIRTYPE),
        ("usr/bin", tarfile.DIRTYPE),
        ("usr/bin/tool", tarfile.REGTYPE),
    ]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/usr", "folder in the image"),
        ("/bin", "folder in the image"),
        ("/srv", "folder in the image"),
        ("/srv/a", "one and two both bring /srv/a"),
        ("/srv/link", "one and two both bring /srv/link"),
        ("/srv/link/b", "one and two both bring /srv/link"),
        ("/srv/a/b", "one and two both bring /srv/a"),
        ("/srv/../etc/passwd", "no plain path"),
        ("/srv//a", "no plain path"),
    ],
)
def test_nothing_in_a_stage_is_written_over_or_through(tmp_path: Path, path: str, said: str) -> None:
    """Two origins in one place are refused, both named."""
    with Stage(tmp_path / "heap", below=BELOW) as stage:
        put(stage, "/srv/a")
        stage.link("/srv/link", "/etc", origin="one")
        with pytest.raises(Invalid, match=said):
            put(stage, path, origin="two")
        with pytest.raises(Invalid, match=said):
            stage.link(path, "/etc", origin="two")
