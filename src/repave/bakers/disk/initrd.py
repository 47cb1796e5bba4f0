"""What the kernel starts with: the drivers of disks that it has as modules only, and a script that goes on to the root.

Who runs the machine may hand over its variables as a file on a disk, and say so on the kernel's command line: then the
script lays them into memory, and cloud-init, which takes longer than all else, need not run for them.

Nothing of the machine that bakes is in it, and no time. Sources: the kernel's
Documentation/driver-api/early-userspace/buffer-format.rst (cpio), modules.dep(5).
"""

import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from itertools import chain

from repave.archives.compression import MAGIC_BYTES, compression_of, unpacked
from repave.archives.rules import TREE
from repave.bakers.disk.table import ROOT_NAME
from repave.bakers.rootfs.layertar import CHUNK_BYTES
from repave.ports.disk_format import ENVIRONMENT_ARGUMENT, ENVIRONMENT_FILE, ENVIRONMENT_NAME
from repave.ports.errors import Invalid
from repave.ports.identity_format import AWAITING_ARGUMENT

DRIVERS = ("virtio_pci", "virtio_blk", "virtio_scsi", "sd_mod", "hv_storvsc", "xen-blkfront", "ata_piix", "nvme")
"""Of the disks that hypervisors show; those the kernel has built in are nowhere as modules."""

FILE_SYSTEMS = ("isofs",)
"""Of the disk that the configuration is handed over on."""

SCRIPT = f"""#!/bin/sh
load() {{
    while read -r module; do
        # A driver whose hardware is not here says so: the next one is tried.
        insmod "/modules/$module" 2>/dev/null
    done <"/modules/$1"
}}
told() {{
    case " $arguments " in *" $1 "*) return 0 ;; esac
    return 1
}}
find_root() {{
    for entry in $(grep -lsx "PARTNAME={ROOT_NAME}" /sys/class/block/*/uevent); do
        entry=${{entry%/uevent}}
        [ -d /root/sbin ] || mount -t ext4 -o rw "/dev/${{entry##*/}}" /root
    done
}}
configured() {{
    told {ENVIRONMENT_ARGUMENT} || return 0
    for entry in /sys/class/block/*; do
        if [ ! -e "$entry/partition" ] && mount -t iso9660 -o ro "/dev/${{entry##*/}}" /seed 2>/dev/null; then
            if [ -f /seed/{ENVIRONMENT_NAME} ]; then
                mount -t tmpfs -o mode=0755,nosuid,nodev none /run
                mkdir "{ENVIRONMENT_FILE.rpartition("/")[0]}"
                if told {AWAITING_ARGUMENT}; then
                    # They come through it once this machine knows who it is.
                    mkfifo -m 0600 {ENVIRONMENT_FILE}
                else
                    (umask 077 && cat /seed/{ENVIRONMENT_NAME} >{ENVIRONMENT_FILE})
                fi
                umount /seed
                mount --move /run /root/run
                return 0
            fi
            umount /seed
        fi
    done
    return 1
}}
mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
read -r arguments </proc/cmdline
load file-systems
# cloud-init looks for its disk before other drivers are loaded.
later=
if told {ENVIRONMENT_ARGUMENT} && told cloud-init=disabled; then later=yes; else load drivers; fi
tries=0
while [ "$tries" -lt 300 ]; do
    find_root
    if [ -d /root/sbin ] && configured; then
        mount --move /dev /root/dev
        umount /proc /sys
        exec switch_root /root /sbin/init "$@"
    fi
    # What the kernel has built in is often enough, and most drivers are for other machines.
    if [ "$later" ]; then later=; load drivers; else sleep 0.1; fi
    tries=$((tries + 1))
done
missing="partition {ROOT_NAME}"
[ -d /root/sbin ] && missing="file {ENVIRONMENT_NAME}, which the kernel's argument {ENVIRONMENT_ARGUMENT} promises,"
echo "repave: no $missing on any disk within 30 seconds" >/dev/console
sleep 5
exit 1
"""
"""The kernel panics when it ends: then the machine is started anew, or given up, by who runs it."""

KERNEL = "vmlinuz-"
"""How the names of kernels begin, before their versions."""

FOLDERS = ("bin", "dev", "modules", "proc", "root", "run", "seed", "sys")
COMMANDS = ("cat", "grep", "insmod", "mkdir", "mkfifo", "mount", "sh", "sleep", "switch_root", "umount")


def kernel_version(names: Iterable[str]) -> str:
    """Of the one kernel among what lies in /boot. Raises Invalid."""
    versions = sorted(name.removeprefix(KERNEL) for name in names if name.startswith(KERNEL))
    if len(versions) != 1:
        raise Invalid(
            f"the machine has {len(versions)} kernels in /boot ({', '.join(versions) or 'none'}), and must have one",
            hint="leave other kernels out of its packages",
        )
    return versions[0]


def initrd(read: Callable[[str], bytes], *, busybox: bytes, version: str) -> bytes:
    """The archive; ``read`` answers what a file of the machine holds, by its path without the first slash."""
    folder = f"lib/modules/{version}"
    dependencies = read(f"{folder}/modules.dep").decode("ascii")
    lists = {
        name: load_order(dependencies, wanted)
        for name, wanted in (("file-systems", FILE_SYSTEMS), ("drivers", DRIVERS))
    }
    held = {
        **{
            f"{_stem(module)}.ko": _driver(read(f"{folder}/{module}"), module)
            for module in dict.fromkeys(chain.from_iterable(lists.values()))
        },
        **{name: "".join(f"{_stem(module)}.ko\n" for module in modules).encode() for name, modules in lists.items()},
    }
    return b"".join(_archive(busybox, held))


def load_order(dependencies: str, wanted: Sequence[str]) -> tuple[str, ...]:
    """Paths of the modules that are wanted and there, each after those it needs; ``dependencies`` as modules.dep."""
    needs: dict[str, list[str]] = {}
    for line in dependencies.splitlines():
        path, _, needed = line.partition(":")
        needs[path] = needed.split()
    by_name = {_name(path): path for path in needs}
    order: dict[str, None] = {}
    for path in (by_name[_name(name)] for name in wanted if _name(name) in by_name):
        # modules.dep(5) lists what a module needs with the first to be loaded at the end.
        order |= dict.fromkeys([*reversed(needs[path]), path])
    return tuple(order)


def _name(path: str) -> str:
    return _stem(path).replace("_", "-")


def _stem(path: str) -> str:
    """The module's name, without what says how it is compressed."""
    return path.rpartition("/")[2].partition(".")[0]


def _driver(stored: bytes, path: str) -> bytes:
    """A module as the kernel takes it: later distributions compress them, and BusyBox loads none that is."""
    plain = unpacked(BytesIO(stored), compression_of(stored[:MAGIC_BYTES]), name=path, rules=TREE)
    return b"".join(iter(lambda: plain.read(CHUNK_BYTES), b""))


def _archive(busybox: bytes, modules: Mapping[str, bytes]) -> Iterator[bytes]:
    """``modules`` has what lies in the folder of that name: modules, and lists of them."""
    folders: Iterable[tuple[str, int, bytes]] = ((name, stat.S_IFDIR | 0o755, b"") for name in FOLDERS)
    files = (
        ("bin/busybox", stat.S_IFREG | 0o755, busybox),
        *((f"bin/{name}", stat.S_IFLNK | 0o777, b"busybox") for name in COMMANDS),
        ("init", stat.S_IFREG | 0o755, SCRIPT.encode()),
        *((f"modules/{name}", stat.S_IFREG | 0o644, content) for name, content in modules.items()),
        ("TRAILER!!!", 0, b""),
    )
    for number, (name, mode, content) in enumerate((*folders, *files), 1):
        yield _entry(number, name, mode, content)


def _entry(number: int, name: str, mode: int, content: bytes) -> bytes:
    """One file: thirteen numbers, its name, its content, each filled up to four bytes."""
    title = name.encode() + b"\0"
    numbers = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(title), 0)
    head = b"070701" + b"".join(b"%08X" % value for value in numbers) + title
    return head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)
