"""What a disk is made of: its table, its initrd, its unit and settings, holes kept, words for the tools."""

import lzma
import os
import re
import socket
import struct
import tarfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repave.archives.compression import Compression, packed, unpacked
from repave.archives.errors import BadArchive
from repave.archives.rules import TREE
from repave.bakers.disk.files import Files, strip, take
from repave.bakers.disk.initrd import DRIVERS, initrd, kernel_version, load_order
from repave.bakers.disk.making import first_code, later_code, quoted
from repave.bakers.disk.settings import DATA_SOURCES, Settings, cloud_settings, needs_cloud_init
from repave.bakers.disk.slimness import COLDPLUG
from repave.bakers.disk.sparse import copy_sparse, data_ranges, write_sparse
from repave.bakers.disk.table import MIB, ROOT_NAME, SECTOR, TABLE_SECTORS, Outline
from repave.bakers.disk.units import SANDBOX, application_unit, command
from repave.bakers.rootfs.layertar import FIRST_TIME, LayerTar, newest_of
from repave.model.lock import Ecosystem, Layer, LockedPackage
from repave.model.names import ImageName
from repave.model.recipe import Base, FileMapping, Image, ImageKind
from repave.ports.baker import BakeRequest
from repave.ports.errors import Invalid

OUTLINE = Outline(identity="sha256:1", size=64 * MIB, architecture="amd64")
IMAGE = Image(
    name=ImageName("web"),
    kind=ImageKind.VM,
    base=Base(distribution="debian", release="bookworm"),
    disk_bytes=64 * MIB,
    files=(FileMapping(source="app/", target="/srv/app/"),),
    run=("python3", "-m", "greeting", "a b", "$HOME", "%i"),
    user="www-data",
)
REQUEST = BakeRequest(image=IMAGE, packages=(), files=())
sizes = st.integers(64, 1 << 20).map(lambda count: count * MIB) | st.integers(64 * 2048, 1 << 24).map(
    lambda count: count * SECTOR
)


@given(sizes)
def test_table_is_whole_in_front_and_at_the_end(size: int) -> None:
    """Both headers hold their checksums, name each other, and lie within the disk; the entries are the same."""
    outline = replace(OUTLINE, size=size)
    front, back = outline.front(), outline.back()
    last = size // SECTOR - 1
    headers = front[:SECTOR], back[-SECTOR:]
    for header, own, other in zip(headers, (1, last), (last, 1), strict=True):
        bare = header[:16] + bytes(4) + header[20:92]
        assert struct.unpack_from("<I", header, 16)[0] == crc32(bare)
        assert struct.unpack_from("<QQ", header, 24) == (own, other)
    assert front[SECTOR:] == back[:-SECTOR]
    assert len(back) == (TABLE_SECTORS + 1) * SECTOR
    assert outline.back_offset + len(back) == size // SECTOR * SECTOR


@given(sizes)
def test_partitions_never_overlap_each_other_or_the_table(size: int) -> None:
    """Each begins at a whole MiB, behind the one before it, and the last ends before the table comes again."""
    outline = replace(OUTLINE, size=size)
    end = SECTOR * (2 + TABLE_SECTORS)
    for partition in (outline.loader, outline.firmware, outline.root):
        assert partition.offset >= end
        assert partition.offset % MIB == 0
        end = partition.offset + partition.size
    assert end <= outline.back_offset


def test_disks_of_other_content_are_told_apart() -> None:
    """The same content has the same identities, on any day; another has others."""
    assert OUTLINE.root_uuid == replace(OUTLINE).root_uuid
    assert OUTLINE.root_uuid != replace(OUTLINE, identity="sha256:2").root_uuid
    assert OUTLINE.front() != replace(OUTLINE, identity="sha256:2").front()


def test_boot_code_is_told_where_the_rest_lies() -> None:
    """The first sector names the loader's partition, that its second sector; the disk's mark is at its place."""
    code = first_code(bytes(SECTOR), OUTLINE)
    assert struct.unpack_from("<Q", code, 0x5C)[0] == OUTLINE.loader.offset // SECTOR
    assert struct.unpack_from("<Q", later_code(bytes(SECTOR), OUTLINE), 500)[0] == OUTLINE.loader.offset // SECTOR + 1
    sector = OUTLINE.first_sector(code)
    assert len(sector) == SECTOR
    assert sector[-2:] == b"\x55\xaa"
    assert sector[450] == 0xEE


def test_modules_are_loaded_after_those_they_need() -> None:
    """Whatever the kernel has as a module, by either spelling, once; what it has built in is nothing."""
    dependencies = (
        "kernel/a/virtio_blk.ko: kernel/a/virtio_ring.ko kernel/a/virtio.ko\n"
        "kernel/a/virtio.ko:\nkernel/a/virtio_ring.ko: kernel/a/virtio.ko\n"
        "kernel/b/xen-blkfront.ko:\nkernel/c/other.ko: kernel/a/virtio.ko\n"
    )
    assert load_order(dependencies, DRIVERS) == (
        "kernel/a/virtio.ko",
        "kernel/a/virtio_ring.ko",
        "kernel/a/virtio_blk.ko",
        "kernel/b/xen-blkfront.ko",
    )


def test_initrd_holds_the_script_and_the_drivers() -> None:
    """Each entry at a multiple of four."""
    there = {
        "lib/modules/6.1/modules.dep": b"kernel/virtio_blk.ko:\n",
        "lib/modules/6.1/kernel/virtio_blk.ko": b"driver",
    }
    archive = initrd(there.__getitem__, busybox=b"program", version="6.1")
    names = [match[1].decode() for match in re.finditer(rb"070701[0-9A-F]{104}([^\0]+)\0", archive)]
    assert names[-1] == "TRAILER!!!"
    assert {
        "init",
        "bin/busybox",
        "bin/sh",
        "modules/virtio_blk.ko",
        "modules/drivers",
        "modules/file-systems",
        "root",
        "dev",
    } <= set(names)
    assert all(match.start() % 4 == 0 for match in re.finditer(rb"070701[0-9A-F]{104}", archive))
    assert f"PARTNAME={ROOT_NAME}".encode() in archive


def test_compressed_drivers_are_unpacked() -> None:
    """What loads them takes none that is compressed."""
    there = {
        "lib/modules/6.12/modules.dep": b"kernel/virtio_blk.ko.xz:\n",
        "lib/modules/6.12/kernel/virtio_blk.ko.xz": lzma.compress(b"the driver itself"),
    }
    archive = initrd(there.__getitem__, busybox=b"program", version="6.12")
    assert b"modules/virtio_blk.ko\0" in archive
    assert b"the driver itself" in archive


@pytest.mark.parametrize(("names", "told"), [((), "0 kernels"), (("6.1", "6.2"), r"2 kernels in /boot \(6.1, 6.2\)")])
def test_machine_has_one_kernel(names: tuple[str, ...], told: str) -> None:
    """Which of several would start is nobody's guess."""
    with pytest.raises(Invalid, match=told):
        kernel_version(["config-6.1", *(f"vmlinuz-{name}" for name in names)])


@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=1))
def test_command_is_taken_apart_into_the_same_arguments(arguments: list[str]) -> None:
    """By systemd's rules of quotes and escapes, with its specifiers meant as themselves."""
    line = command(replace(IMAGE, run=tuple(arguments)))
    assert "\n" not in line
    found = [_unescaped(word) for word in re.findall(r'"((?:[^"\\]|\\.)*)"(?: |$)', line)]
    assert found == arguments


def _unescaped(word: str) -> str:
    """As systemd.syntax(7) has it."""
    plain = re.sub(r"\\(.)", lambda match: {"n": "\n", "r": "\r", "t": "\t"}.get(match[1], match[1]), word)
    return plain.replace("%%", "%")


def test_unit_has_a_user_and_a_sandbox() -> None:
    """The application runs as whom the recipe says, where its files are, with what was delivered, and no more."""
    unit = application_unit(REQUEST).splitlines()
    assert 'ExecStart=:"python3" "-m" "greeting" "a b" "$HOME" "%%i"' in unit
    assert "WorkingDirectory=/srv/app" in unit
    assert "User=www-data" in unit
    assert "EnvironmentFile=-/run/repave/environment" in unit
    assert set(SANDBOX) <= set(unit)
    assert {"ProtectSystem=strict", "NoNewPrivileges=yes", "PrivateTmp=yes"} <= set(unit)


def test_nobody_is_a_user_of_its_own() -> None:
    """Who runs as nobody shares nothing with others that do; an ephemeral image may write where its data is."""
    unit = application_unit(replace(REQUEST, image=replace(IMAGE, user="nobody", data=("/var/lib/my app/",))))
    assert "DynamicUser=yes" in unit.splitlines()
    assert "ReadWritePaths=/var/lib/my\\x20app/" in unit.splitlines()


@pytest.mark.parametrize(("run", "told"), [((), "image web has no `run`"), (("a\0b",), "holds a NUL")])
def test_command_that_no_unit_can_hold_is_refused(run: tuple[str, ...], told: str) -> None:
    """With what to do."""
    with pytest.raises(Invalid, match=told):
        application_unit(replace(REQUEST, image=replace(IMAGE, run=run)))


def test_nothing_is_updated_and_nobody_logs_in() -> None:
    """cloud-init looks where it is told, and does what is listed; SSH is there only if it was asked for."""
    settings = Settings.of(REQUEST, {})
    cloud = settings.files["etc/cloud/cloud.cfg.d/99-repave.cfg"]
    assert f"datasource_list: [{', '.join(DATA_SOURCES)}]" in cloud
    assert "package_upgrade: false" in cloud
    assert "- ssh\n" not in cloud
    assert "etc/ssh/sshd_config.d/10-repave.conf" not in settings.files
    assert settings.files["etc/machine-id"] == ""
    assert settings.links["etc/systemd/system/serial-getty@ttyS0.service"] == "/dev/null"
    assert all(line in settings.files["etc/fstab"] for line in ("nodev", f"PARTLABEL={ROOT_NAME}"))


SSH_SERVER = LockedPackage(
    ecosystem=Ecosystem.DEB,
    name="openssh-server",
    version="1",
    sha256="0" * 64,
    size_bytes=1,
    origin="https://example.org/a.deb",
    filename="a.deb",
    layer=Layer.PLATFORM,
    images=(IMAGE.name,),
)


def test_ssh_server_takes_keys_only() -> None:
    """A person asked for the package; its own keys are made at first start."""
    settings = Settings.of(replace(REQUEST, packages=(SSH_SERVER,)), {})
    assert "PasswordAuthentication no" in settings.files["etc/ssh/sshd_config.d/10-repave.conf"]
    assert "- ssh\n" in cloud_settings(ssh=True)


def test_what_no_server_needs_is_not_started() -> None:
    """Units and generators are linked to nothing; the power button's devices are still gone through."""
    settings = Settings.of(REQUEST, {})
    assert settings.links["etc/systemd/system/sys-kernel-debug.mount"] == "/dev/null"
    assert settings.links["etc/systemd/system-generators/systemd-gpt-auto-generator"] == "/dev/null"
    assert {"--subsystem-match=acpi", "--subsystem-match=input"} <= set(settings.files[COLDPLUG].split())


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        ("etc/cloud/cloud.cfg.d/50-own.cfg", True),
        ("var/lib/cloud/seed/nocloud/user-data", True),
        ("etc/cloudy/own.cfg", False),
        ("srv/etc/cloud/own.cfg", False),
    ],
)
def test_cloud_init_is_needed_by_who_lays_files_for_it(tmp_path: Path, path: str, *, needed: bool) -> None:
    """Whichever way they came into a layer; others take their variables without it."""
    for name, place in (("one", "srv/page"), ("two", path)):
        with LayerTar(tmp_path / name) as tar:
            tar.file(place, BytesIO(), size=0, owner=(0o644, 0, 0), time=FIRST_TIME)
    assert needs_cloud_init(REQUEST, (tmp_path / "one", tmp_path / "two")) == needed


def test_cloud_init_is_needed_by_an_ssh_server() -> None:
    """It makes its keys."""
    assert not needs_cloud_init(REQUEST, ())
    assert needs_cloud_init(replace(REQUEST, packages=(SSH_SERVER,)), ())


@given(st.text(st.characters(exclude_characters="\0\n", codec="utf-8"), min_size=1))
def test_paths_are_words_for_the_tools(path: str) -> None:
    """A quote in a name ends no word: it is doubled."""
    word = quoted(path)
    assert word[1:-1].replace('""', '"') == f"/{path}"


@given(st.dictionaries(st.integers(0, 60), st.binary(min_size=1, max_size=4096), max_size=6))
def test_holes_stay_holes(tmp_path_factory: pytest.TempPathFactory, blocks: dict[int, bytes]) -> None:
    """A copy has the same content, and between its data there is nothing but zeros."""
    folder = tmp_path_factory.mktemp("sparse")
    expected = bytearray(MIB // 4)
    with (folder / "one").open("xb") as disk:
        disk.truncate(len(expected))
        for number, content in blocks.items():
            write_sparse(disk.fileno(), number * 4096, content)
            expected[number * 4096 : number * 4096 + len(content)] = content
    copy_sparse(folder / "one", folder / "two")
    assert (folder / "two").read_bytes() == expected
    with (folder / "two").open("rb") as stream:
        for start, end in data_ranges(stream.fileno(), len(expected)):
            expected[start:end] = bytes(end - start)
    assert not expected.strip(b"\0")


@given(st.binary(max_size=1 << 16))
def test_what_was_packed_is_unpacked(content: bytes) -> None:
    """And packed again to the same bytes."""
    from io import BytesIO  # noqa: PLC0415 - one use

    stream = unpacked(BytesIO(packed(content)), Compression.ZSTD, name="it", rules=TREE)
    assert b"".join(iter(lambda: stream.read(1 << 16), b"")) == content
    assert packed(content) == packed(content)


def test_layer_that_removes_is_laid_over_others(tmp_path: Path) -> None:
    """What it marks goes, files and folders, before its own content is laid; owners of what stays are untouched."""
    from hashlib import sha256  # noqa: PLC0415 - one use

    (tmp_path / "tree/srv/app/old").mkdir(parents=True)
    (tmp_path / "tree/srv/app/old/file").touch()
    (tmp_path / "tree/srv/app/gone").touch()
    (tmp_path / "tree/srv/app/stays").touch()
    with LayerTar(tmp_path / "layer.tar") as layer:
        layer.directory("srv", owner=(0o755, os.getuid(), os.getgid()), time=1)
        layer.directory("srv/app", owner=(0o755, os.getuid(), os.getgid()), time=1)
        layer.removed("srv/app/gone", time=1)
        layer.removed("srv/app/old", time=1)
        layer.link("srv/app/new", "stays", time=1)
    digest = f"sha256:{sha256((tmp_path / 'layer.tar').read_bytes()).hexdigest()}"
    take(tmp_path / "layer.tar", digest, tmp_path / "tree")
    assert sorted(place.name for place in (tmp_path / "tree/srv/app").iterdir()) == ["new", "stays"]
    assert (tmp_path / "tree/srv/app/new").lstat().st_mtime == 1


def test_layer_is_laid_through_no_link(tmp_path: Path) -> None:
    """A package below may have left one that leads to a folder of this machine."""
    from hashlib import sha256  # noqa: PLC0415 - as above

    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "gone").touch()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/srv").symlink_to(outside)
    for name, path in (("one", "srv/new"), ("two", "srv/gone")):
        with LayerTar(tmp_path / name) as layer:
            (layer.removed(path, time=1) if name == "two" else layer.link(path, "anywhere", time=1))
        digest = f"sha256:{sha256((tmp_path / name).read_bytes()).hexdigest()}"
        with pytest.raises(BadArchive, match="goes through 'srv', which is no folder"):
            take(tmp_path / name, digest, tmp_path / "tree")
    assert [place.name for place in outside.iterdir()] == ["gone"]


def test_unpacked_layer_has_the_times_that_the_layer_says(tmp_path: Path) -> None:
    """Whatever the installation left: of folders, of what is newer than all packages, and of what is older."""
    times = {"etc": 50, "etc/new": 300, "etc/old": 100, "etc/link": 400}
    tree, own = tmp_path / "tree", tmp_path / "own"
    (tree / "etc").mkdir(parents=True)
    own.mkdir()
    (tree / "etc/new").touch()
    (tree / "etc/old").touch()
    (tree / "etc/link").symlink_to("new")
    for path, time in reversed(times.items()):
        os.utime(tree / path, (time, time + 0.5), follow_symlinks=False)
    with LayerTar(tmp_path / "layer.tar") as layer:
        layer.tree(tree, newest=200)
    with tarfile.open(tmp_path / "layer.tar") as tar:
        said = {entry.name: int(entry.mtime) for entry in tar}
    files = Files(root=tree, own=own, newest={tree: newest_of(tmp_path / "layer.tar")})
    assert {path: files.time(path, (tree / path).lstat()) for path in times} == said
    assert said == {"etc": 200, "etc/new": 200, "etc/old": 100, "etc/link": 200}


def test_what_layers_above_lay_keeps_its_time(tmp_path: Path) -> None:
    """It may be newer than the packages below, and a folder of its own may be older."""
    tree, own = tmp_path / "tree", tmp_path / "own"
    for folder in (tree, own):
        (folder / "srv").mkdir(parents=True)
    (own / "srv/file").touch()
    os.utime(own / "srv/file", (300, 300))
    os.utime(own / "srv", (100, 100))
    files = Files(root=own, own=own, newest={tree: 200})
    assert [files.time(path, (own / path).lstat()) for path in ("srv", "srv/file")] == [100, 300]


def test_sockets_are_no_files_of_a_disk(tmp_path: Path) -> None:
    """The process that one belonged to has ended; a pipe is a file like others."""
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(os.fspath(tmp_path / "socket"))
    strip(tmp_path)
    assert [place.name for place in tmp_path.iterdir()] == ["pipe"]
