"""The locked programs that write file systems and boot loaders, run where nothing of this machine has a say.

They are laid over the image's own base, whose libraries they use, and are no part of what they make. Runs inside
``chamber``'s namespaces.
"""

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from repave.bakers.disk.table import SECTOR, Outline, Partition
from repave.bakers.rootfs.debs import place
from repave.bakers.rootfs.installation import extract_inside
from repave.bakers.rootfs.isolation import Chroot, Heard, ProgramFailed, chroot, mounted
from repave.bakers.rootfs.layertar import FIRST_TIME
from repave.bakers.rootfs.overlay import overlaid

FEATURES = "^metadata_csum,^metadata_csum_seed,^orphan_file,^resize_inode"
"""No checksums over times that are set afterwards; nothing that the boot loader cannot read."""

BLOCK_BYTES = 4096
IMAGES = {
    "bios": ("i386-pc", ("biosdisk", "part_gpt", "ext2", "search_fs_uuid", "linux")),
    "uefi": ("x86_64-efi", ("part_gpt", "ext2", "search_fs_uuid", "linux")),
}
"""Of each kind of firmware: GRUB's name of it, and the parts of GRUB that are needed. No menu, no command line."""

TREE, WORK = "/tmp/tree", "/tmp/work"  # noqa: S108 - a tmpfs of our own in the chroot
DISK = f"{WORK}/disk.img"
FAKED = ("env", f"E2FSPROGS_FAKE_TIME={FIRST_TIME}")
"""What is put before a program that writes the time."""

HARMLESS = ("debugfs 1.",)
"""How lines of debugfs begin that tell of no failure."""


@dataclass(frozen=True, kw_only=True)
class Toolbox:
    """The programs, in a root of their own; ``work`` is seen there as ``WORK``, the tree as ``TREE``."""

    root: Path
    work: Path
    inside: Chroot

    def make_files(self, outline: Outline) -> None:
        """Write the tree as the root's file system onto the disk, which is empty there."""
        identity = str(outline.root_uuid)
        # The disk is known to hold zeros: nothing is written that says so once more.
        extended = f"hash_seed={identity},lazy_itable_init=1,assume_storage_prezeroed=1,nodiscard"
        self._run(
            *("mke2fs", "-q", "-F", "-t", "ext4", "-b", str(BLOCK_BYTES), "-m", "0", "-O", FEATURES, "-U", identity),
            *("-L", outline.root.name, "-E", f"{extended},offset={outline.root.offset}", "-d", TREE, DISK),
            f"{outline.root.size >> 10}k",
        )

    def change(self, commands: Sequence[str], partition: Partition) -> None:
        """Have debugfs change the file system of a partition; raises ProgramFailed for any command that fails."""
        (self.work / "commands").write_text("".join(f"{command}\n" for command in commands), encoding="utf-8")
        arguments = ["debugfs", "-w", "-f", f"{WORK}/commands", f"{DISK}?offset={partition.offset}"]
        answer = self.inside.ask([*FAKED, *arguments], heard=Heard.ERRORS)
        told = [line for line in answer.said.decode(errors="replace").splitlines() if line.strip()]
        wrong = [line for line in told if not line.startswith(HARMLESS)]
        if answer.code or wrong:
            raise ProgramFailed(arguments, answer.code or 1, "\n".join(wrong))

    def make_loader(self, firmware: str, *, root_uuid: uuid.UUID, arguments: str) -> bytes:
        """GRUB for one kind of firmware: it starts one kernel with one command line, and nothing else."""
        target, modules = IMAGES[firmware]
        script = f"search.fs_uuid {root_uuid} root\nlinux /boot/vmlinuz {arguments}\ninitrd /boot/initrd\nboot\n"
        (self.work / "grub.cfg").write_text(script, encoding="ascii")
        files = ("-c", f"{WORK}/grub.cfg", "-o", f"{WORK}/grub.img")
        self._run("grub-mkimage", "-O", target, "-p", "/boot/grub", *files, *modules)
        return (self.work / "grub.img").read_bytes()

    def make_firmware_files(self, loader: bytes, outline: Outline) -> bytes:
        """A FAT file system with the loader where UEFI firmware looks for one of a disk it does not know."""
        (self.work / "esp.img").write_bytes(b"")
        os.truncate(self.work / "esp.img", outline.firmware.size)
        (self.work / "loader.efi").write_bytes(loader)
        os.utime(self.work / "loader.efi", (FIRST_TIME, FIRST_TIME))
        image = ["-i", f"{WORK}/esp.img"]
        serial = outline.root_uuid.hex[:8]
        sectors = str(outline.firmware.size // SECTOR)
        self._run("mformat", *image, "-T", sectors, "-h", "16", "-s", "63", "-c", "1", "-N", serial, "::")
        self._run("mmd", *image, "::/EFI", "::/EFI/BOOT")
        self._run("mcopy", "-m", *image, f"{WORK}/loader.efi", "::/EFI/BOOT/BOOTX64.EFI")
        return (self.work / "esp.img").read_bytes()

    def _run(self, *arguments: str) -> None:
        self.inside.run([*FAKED, *arguments])


@contextmanager
def opened(
    work: Path, *, lowers: Sequence[Path], folder: Path, packages: Sequence[str], tree: Path | None = None
) -> Iterator[Toolbox]:
    """The programs of the packages in ``folder``, by sha256, over ``lowers``, topmost first, for the block."""
    upper = work / "tools"
    upper.mkdir()
    with ExitStack() as stack:
        merged = stack.enter_context(overlaid(work, lowers=lowers, upper=upper))
        inside = stack.enter_context(chroot(merged, epoch=FIRST_TIME))
        for sha256 in packages:
            extract_inside(place(folder, sha256), inside)
        for source, seen in ((work, WORK), (tree, TREE)):
            if source is not None:
                target = merged / seen.lstrip("/")
                target.mkdir()
                stack.enter_context(mounted(["--bind", os.fspath(source)], target))
        yield Toolbox(root=merged, work=work, inside=inside)
