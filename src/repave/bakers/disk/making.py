"""A disk that starts, made of layers; runs inside ``chamber``'s namespaces."""

import os
import shutil
import stat
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from repave.bakers.disk.files import Files, laid
from repave.bakers.disk.initrd import KERNEL, initrd, kernel_version
from repave.bakers.disk.sparse import copy_sparse, write_sparse
from repave.bakers.disk.table import SECTOR, Outline
from repave.bakers.disk.toolbox import WORK, Toolbox, opened
from repave.bakers.rootfs.confinement import read_within, within
from repave.bakers.rootfs.installation import unpack
from repave.bakers.rootfs.layertar import FIRST_TIME, sorted_below

BOOT_CODE = "usr/lib/grub/i386-pc/boot.img"
SECTOR_PLACE, JUMP_PLACE = 0x5C, 0x66
"""Where GRUB's first sector says where the rest lies, and where it asks for the drive anew: no hard disk needs that."""

NO_JUMP = b"\x90\x90"
BLOCK_LIST_PLACE = SECTOR - 12
"""Where the first sector of the rest says where what follows it lies."""

WRITTEN_PLACE, WRITTEN_BYTES = 1024 + 0x178, 8
"""Where the file system says how much was ever written to it (linux/fs/ext4/ext4.h, s_kbytes_written)."""

Found = tuple[str, os.stat_result]

FIRST_INODE = 11
"""The first that is no part of the file system itself; the root is 2 (linux/fs/ext4/ext4.h)."""


def make(job: dict[str, Any], work: Path) -> None:
    """Write ``disk.img``, ``kernel``, ``initrd`` and ``paths``, which lists what is on the disk, in ``work``."""
    outline = Outline(**job["outline"])
    with (work / "disk.img").open("xb") as disk:
        disk.truncate(outline.size)
    lowers = [Path(lower) for lower in job["lowers"]]
    with (
        laid(work / "files", trees=job["trees"], layers=job["layers"]) as files,
        opened(work, lowers=lowers, folder=Path(job["folder"]), packages=job["tools"], tree=files.root) as toolbox,
    ):
        _start_files(files.root, toolbox)
        for name, place in (("kernel", "boot/vmlinuz"), ("initrd", "boot/initrd")):
            (work / name).write_bytes(read_within(files.root, place))
        found = list(sorted_below(os.fspath(files.root)))
        (work / "paths").write_bytes(b"".join(_listed(found)))
        toolbox.make_files(outline)
        with _uncounted(work / "disk.img", outline):
            toolbox.change(list(_written(files, found)), outline.root)
        toolbox.change(list(_times(len(found))), outline.root)
        _write_loaders(toolbox, outline, job["arguments"])


def _start_files(tree: Path, toolbox: Toolbox) -> None:
    """The kernel by a name without its version, and its initrd: what the boot loaders look for."""
    names = within(tree, lambda: b"/".join(map(os.fsencode, os.listdir("/boot"))))  # noqa: PTH208 - nothing is loaded
    version = kernel_version(os.fsdecode(names).split("/"))
    archive = initrd(partial(read_within, tree), busybox=read_within(toolbox.root, "bin/busybox"), version=version)

    def lay_out() -> bytes:
        boot = Path("/boot")
        (boot / "initrd").write_bytes(archive)
        (boot / "vmlinuz").symlink_to(f"{KERNEL}{version}")
        for name in ("initrd", "vmlinuz", "."):
            os.utime(boot / name, (FIRST_TIME, FIRST_TIME), follow_symlinks=False)
        return b""

    within(tree, lay_out)


def _listed(found: Sequence[Found]) -> Iterator[bytes]:
    """Every path, with a slash at the end of a folder's."""
    for path, status in found:
        yield os.fsencode(path) + (b"/" if stat.S_ISDIR(status.st_mode) else b"") + b"\0"


def _times(count: int) -> Iterator[str]:
    """Nothing was read, made or changed at any time but one; what says when content was written stays."""
    for inode in (2, *range(FIRST_INODE, FIRST_INODE + count + 1)):
        for field in ("atime", "ctime", "crtime"):
            yield f"set_inode_field <{inode}> {field} @{FIRST_TIME}"


def _written(files: Files, found: Sequence[Found]) -> Iterator[str]:
    """When content was written, where the tree says another time than its layer does."""
    for path, status in found:
        said = files.time(path, status)
        if said != int(status.st_mtime):
            yield f"set_inode_field {quoted(path)} mtime @{said}"


@contextmanager
def _uncounted(disk: Path, outline: Outline) -> Iterator[None]:
    """What the block writes is not counted as ever written: it is where files lie unpacked that makes it necessary."""
    place = outline.root.offset + WRITTEN_PLACE
    with disk.open("rb", buffering=0) as before:
        count = os.pread(before.fileno(), WRITTEN_BYTES, place)
    yield
    with disk.open("r+b", buffering=0) as after:
        os.pwrite(after.fileno(), count, place)


def _write_loaders(toolbox: Toolbox, outline: Outline, arguments: str) -> None:
    core = toolbox.make_loader("bios", root_uuid=outline.root_uuid, arguments=arguments)
    uefi = toolbox.make_loader("uefi", root_uuid=outline.root_uuid, arguments=arguments)
    parts = {
        0: outline.first_sector(first_code(read_within(toolbox.root, BOOT_CODE), outline)),
        SECTOR: outline.front(),
        outline.loader.offset: later_code(core, outline),
        outline.firmware.offset: toolbox.make_firmware_files(uefi, outline),
        outline.back_offset: outline.back(),
    }
    with (toolbox.work / "disk.img").open("r+b") as disk:
        for offset, content in parts.items():
            write_sparse(disk.fileno(), offset, content)


def first_code(code: bytes, outline: Outline) -> bytes:
    """GRUB's first sector, which is told where the second lies; as grub-bios-setup(8) does it."""
    changed = bytearray(code)
    struct.pack_into("<Q", changed, SECTOR_PLACE, outline.loader.offset // SECTOR)
    changed[JUMP_PLACE : JUMP_PLACE + len(NO_JUMP)] = NO_JUMP
    return bytes(changed)


def later_code(core: bytes, outline: Outline) -> bytes:
    """The rest of GRUB, whose first sector is told where what follows it lies."""
    changed = bytearray(core)
    struct.pack_into("<Q", changed, BLOCK_LIST_PLACE, outline.loader.offset // SECTOR + 1)
    return bytes(changed)


def add(job: dict[str, Any], work: Path) -> None:
    """Write ``disk.img`` in ``work``: a copy of a disk with more layers, what was there before stays where it was."""
    outline = Outline(**job["outline"])
    copy_sparse(Path(job["disk"]), work / "disk.img")
    added = work / "added"
    added.mkdir()
    for layer in job["layers"]:
        unpack(Path(layer["path"]), layer["digest"], added)
    there = frozenset(os.fsdecode(path) for path in Path(job["paths"]).read_bytes().split(b"\0"))
    lowers = [Path(lower) for lower in job["lowers"]]
    with opened(work, lowers=lowers, folder=Path(job["folder"]), packages=job["tools"]) as toolbox:
        toolbox.change(list(_laying(added, there)), outline.root)
    shutil.rmtree(added)


def _laying(added: Path, there: frozenset[str]) -> Iterator[str]:
    """Commands for debugfs: every folder that is new, every file and link, with owners and times."""
    for path, status in sorted_below(os.fspath(added)):
        if path in there:
            yield f"rm {quoted(path)}"
        place, target = f"{WORK}/added/{path}", quoted(path)
        if stat.S_ISDIR(status.st_mode):
            if f"{path}/" in there:
                continue
            yield f"mkdir {target}"
        elif stat.S_ISLNK(status.st_mode):
            yield f"symlink {target} {quoted(os.fspath((added / path).readlink()), root='')}"
        else:
            yield f"write {quoted(place, root='')} {target}"
        yield f"set_inode_field {target} mode 0{status.st_mode:o}"
        yield f"set_inode_field {target} uid {status.st_uid}"
        yield f"set_inode_field {target} gid {status.st_gid}"
        yield f"set_inode_field {target} mtime @{int(status.st_mtime)}"


def quoted(path: str, *, root: str = "/") -> str:
    """A word for debugfs, whose quotes are doubled to be meant as themselves."""
    return '"' + (root + path).replace('"', '""') + '"'
