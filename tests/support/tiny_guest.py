"""A guest that boots in seconds when it is emulated: Debian's kernel, and busybox in an initrd that does all."""

import fcntl
import gzip
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from debian_download import download, isolated_apt

from repave.model.artifact import Artifact
from repave.model.names import Digest, ImageName
from repave.model.recipe import ImageKind
from repave.ports.disk_format import (
    CONFIGURATION_TYPE,
    INITRD_TYPE,
    KERNEL_TYPE,
    PIECE_TYPE,
    Content,
    DiskConfiguration,
    DiskManifest,
    Piece,
)
from repave.ports.image_format import Descriptor
from repave.ports.registry import Registry

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "tiny-guest"
BUSYBOX = Path("/bin/busybox")
MIB = 1 << 20

MODULES = (
    *("virtio/virtio_ring", "virtio/virtio", "virtio/virtio_pci_modern_dev", "virtio/virtio_pci_legacy_dev"),
    *("virtio/virtio_pci", "core/failover", "net/net_failover", "net/virtio_net", "cdrom/cdrom", "isofs/isofs"),
    *("acpi/button", "input/evdev", "pvpanic/pvpanic", "pvpanic/pvpanic-pci"),
)
"""In the order in which each finds what it needs."""

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc none /proc
mount -t devtmpfs none /dev
for module in $(cat /modules/order); do insmod "/modules/$module.ko"; done
if grep -qw repave.awaits-identity /proc/cmdline; then
  echo "repave: this machine awaits its identity"
  while :; do sleep 1000; done
fi
cat > /bin/lease <<'END'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add "$ip/24" dev eth0
ip route add default via "$router"
END
printf '#!/bin/sh\\necho goodbye\\nexec poweroff -f\\n' > /etc/acpi/PWRF/00000080
chmod +x /bin/lease /etc/acpi/PWRF/00000080
acpid -l /dev/console
ip link set lo up
ip link set eth0 up
udhcpc -q -n -i eth0 -s /bin/lease
mount -t iso9660 -o ro /dev/nvme1n1 /seed
hostname "$(sed -n 's/.*"local-hostname": "\\([^"]*\\)".*/\\1/p' /seed/meta-data)"
sed -n 's/.*"content": "\\([^"]*\\)".*/\\1/p' /seed/user-data | base64 -d > /environment
. /environment
{ hostname; head -c 16 /dev/nvme0n1; grep LOG_LEVEL /environment; } > /srv/index.html
echo over-written > /dev/nvme0n1
httpd -p "$PORT" -h /srv
echo "serving as $REPAVE_INSTANCE"
case "$TROUBLE" in
  panic) echo c > /proc/sysrq-trigger ;;
  reset) reboot -f ;;
  off) poweroff -f ;;
esac
while :; do sleep 1000; done
"""


@dataclass(frozen=True, kw_only=True)
class Guest:
    """The kernel, and the initrd with everything else."""

    kernel: bytes
    initrd: bytes


def tiny_guest() -> Guest:
    """Made of Debian's packages; they are kept, and fetched by one at a time."""
    CACHE.mkdir(parents=True, exist_ok=True)
    root = CACHE / "root"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.is_dir():
            _fetch(CACHE)
    (kernel,) = root.glob("boot/vmlinuz-*")
    modules = {path.stem: path.read_bytes() for name in MODULES for path in root.rglob(f"{name}.ko")}
    return Guest(kernel=kernel.read_bytes(), initrd=gzip.compress(initrd(modules), 1))


def initrd(modules: Mapping[str, bytes]) -> bytes:
    """Folders, busybox, the modules and what is run: an archive as the kernel takes it."""
    names = ("bin", "dev", "proc", "seed", "srv", "modules", "etc", "etc/acpi", "etc/acpi/PWRF")
    files = {
        "init": INIT.encode(),
        "bin/busybox": BUSYBOX.read_bytes(),
        "modules/order": "\n".join(modules).encode(),
        **{f"modules/{name}.ko": content for name, content in modules.items()},
    }
    entries = [*(_entry(name, 0o40755, b"") for name in names), *(_entry(*one) for one in _programs(files))]
    return b"".join([*entries, _entry("TRAILER!!!", 0, b"")])


def add_machine(
    registry: Registry,
    folder: Path,
    guest: Guest,
    *,
    words: bytes = b"as it was baked\n",
    starts_cold: str | None = None,
) -> Artifact:
    """Put the guest into the registry, as a baker of disks would; its disk begins with the words.

    It never takes an identity, whatever is said of it.
    """
    end = b"\0" * 511 + b"e"
    pieces = {0: words.ljust(512, b"\0"), 3 * MIB: end}
    stored = [_add(registry, folder, zstd.compress(content), PIECE_TYPE) for content in pieces.values()]
    configuration = DiskConfiguration(
        architecture="amd64",
        firmware=("bios",),
        disk_bytes=4 * MIB,
        pieces=tuple(
            Piece(offset=offset, size=len(content), digest=_digest(content)) for offset, content in pieces.items()
        ),
        kernel=Content(digest=_digest(guest.kernel), size=len(guest.kernel)),
        initrd=Content(digest=_digest(guest.initrd), size=len(guest.initrd)),
        arguments="console=ttyS0 quiet no_timer_check",
        data_sources=("NoCloud",),
        starts_cold=starts_cold,
    )
    manifest = DiskManifest(
        configuration=_add(registry, folder, configuration.content(), CONFIGURATION_TYPE),
        pieces=tuple(stored),
        kernel=_add(registry, folder, guest.kernel, KERNEL_TYPE),
        initrd=_add(registry, folder, guest.initrd, INITRD_TYPE),
    )
    digest = registry.add(manifest.content(annotations={}))
    size = sum(blob.size_bytes for blob in (*stored, manifest.kernel))
    return Artifact(image=ImageName("web"), kind=ImageKind.VM, digest=digest, size_bytes=size, layers=())


def _fetch(folder: Path) -> None:
    environment = isolated_apt(folder, "bookworm")
    command = ["apt-cache", "depends", "--important", "linux-image-cloud-amd64"]
    told = subprocess.run(command, check=True, env=environment, capture_output=True, text=True).stdout
    package = next(line.split()[1] for line in told.splitlines() if "Depends: linux-image" in line)
    download(folder, package, environment)
    (archive,) = folder.glob(f"{package}_*.deb")
    subprocess.run(["dpkg", "--extract", archive, folder / "unpacked"], check=True)
    (folder / "unpacked").rename(folder / "root")


def _programs(files: Mapping[str, bytes]) -> Iterable[tuple[str, int, bytes]]:
    return ((name, 0o100755, content) for name, content in files.items())


def _entry(name: str, mode: int, content: bytes) -> bytes:
    """One member of a cpio archive in the new ASCII format, by cpio(5)."""
    path = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
    return b"".join(_padded(part) for part in (b"070701" + b"%08X" * 13 % fields + path, content))


def _padded(part: bytes) -> bytes:
    return part + b"\0" * (-len(part) % 4)


def _add(registry: Registry, folder: Path, content: bytes, media_type: str) -> Descriptor:
    path = folder / f"blob-{sha256(content).hexdigest()}"
    path.write_bytes(content)
    return Descriptor(digest=registry.adopt(path), size_bytes=len(content), media_type=media_type)


def _digest(content: bytes) -> Digest:
    return Digest(f"sha256:{sha256(content).hexdigest()}")
