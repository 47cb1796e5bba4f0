"""Debian packages into a root filesystem, by the image's own dpkg; runs inside ``chamber``'s namespaces."""

import fcntl
import os
import socket
import struct
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import BinaryIO

from repave.archives.packages import members
from repave.archives.rules import ROOT_FILESYSTEM
from repave.archives.tars import read_tar
from repave.archives.whiteouts import WHITEOUT
from repave.bakers.rootfs.debs import place
from repave.bakers.rootfs.isolation import Chroot, Heard, ProgramFailed, chroot, mounted
from repave.bakers.rootfs.layertar import CAPABILITIES
from repave.ports.errors import Corrupt

MERGED = ("bin", "lib", "sbin")
"""What lies in /usr since Debian 12 and is a link in the root (file-hierarchy(7), Debian's usrmerge)."""

MERGED_64 = {"amd64": ("lib64",), "loong64": ("lib64",), "ppc64el": ("lib64",)}
"""Where the dynamic linker's own path, fixed by the processor's ABI, needs one more."""

DPKG = ("dpkg", "--force-unsafe-io", "--abort-after=100000")
"""No flush after each file: a tree that a crash tears is never used (see ``cache``). All errors, not the first 50."""

MAXIMUM_ROUNDS = 20
"""Chains of Pre-Depends in one layer; the longest in Debian 12 is six."""


UNPACKING = ("--keep-directory-symlink", "--numeric-owner")
"""Of tar: links such as /bin stay, and files belong to whom the archive says, by number."""

LAYERS_UNPACKING = (*UNPACKING, "--xattrs", f"--xattrs-include={CAPABILITIES}")
"""Of tar, for layers of our own making."""

KERNEL = "linux-image-"
NO_INITRD = {"INITRD": "No"}
"""A kernel's package would have an initrd made of what this machine is (initramfs-tools, kernel hooks). Only then: what
packages see of their surroundings is part of what they make, and old locks are to give the same bytes."""


HOSTED = frozenset({"postfix"})
"""Packages whose scripts fail where no host is, with a whole name and an address. Only then is there one, as above."""

SET_INTERFACE_FLAGS, INTERFACE_UP = 0x8914, 1
"""netdevice(7)."""

HOSTS = "etc/hosts"
HOSTS_TEXT = "127.0.0.1 localhost.localdomain localhost bake\n"
"""Nothing of it says where an image was baked."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """One package to install, as its control file names it."""

    name: str
    architecture: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Larder:
    """The packages of one layer, in the order dpkg gets them, and the folder that holds their files."""

    folder: Path
    packages: Sequence[Package]
    epoch: int
    """What programs that ask SOURCE_DATE_EPOCH take for now."""

    @property
    def variables(self) -> Mapping[str, str]:
        """What the packages' scripts are told beside what all are told."""
        return NO_INITRD if any(package.name.startswith(KERNEL) for package in self.packages) else {}

    @property
    def wants_host(self) -> bool:
        """Whether there must be a host with a name and an address while they are installed."""
        return any(package.name in HOSTED for package in self.packages)


def lay_out(root: Path, *, architecture: str, folder: Path, packages: Sequence[str]) -> None:
    """Make a root filesystem in which the files of packages lie, by sha256, but dpkg knows none of them yet.

    These are the ones without which dpkg and the scripts it runs cannot do their work: dpkg writes them once more.
    """
    for name in (*MERGED, *MERGED_64.get(architecture, ())):
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda sha256: extract(place(folder, sha256), root), packages):
            continue
    database = root / "var/lib/dpkg"
    for name in ("info", "updates", "triggers", "alternatives"):
        (database / name).mkdir(parents=True, exist_ok=True)
    for file in ("status", "available"):
        (database / file).touch()


def bootstrap(root: Path, larder: Larder) -> None:
    """Install the packages in a root filesystem that ``lay_out`` made of the first of them."""
    with chroot(root, epoch=larder.epoch, packages=larder.folder, variables=larder.variables) as inside:
        inside.run([*DPKG, "--force-depends", "--unpack", *_files(larder.packages)])
        _configure(inside)


def extend(root: Path, larder: Larder) -> None:
    """Add packages to a root filesystem that ``bootstrap`` made complete."""
    with (
        chroot(root, epoch=larder.epoch, packages=larder.folder, variables=larder.variables) as inside,
        _as_host(root, larder),
    ):
        left = list(larder.packages)
        for _ in range(MAXIMUM_ROUNDS):
            # dpkg itself refuses those whose Pre-Depends are not configured yet, and unpacks the others.
            known = _unpacked(root)
            code = inside.run([*DPKG, "--unpack", *_files(left)], accept=(0, 1))
            if code == 0:
                break
            if _unpacked(root) == known:
                inside.run([*DPKG, "--unpack", *_files(left)])
            with inside.without_services():
                # Those that need what is not unpacked yet stay unconfigured here; the last call below is the judge.
                inside.run([*DPKG, "--configure", "--pending"], accept=(0, 1))
            left = _missing(root, left)
        _configure(inside)


@contextmanager
def _as_host(root: Path, larder: Larder) -> Iterator[None]:
    """There is a host in the block, if there must be, and no network; what the root says of itself stays as it is."""
    if not larder.wants_host:
        yield
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        fcntl.ioctl(asking, SET_INTERFACE_FLAGS, struct.pack("16sh14x", b"lo", INTERFACE_UP))
    place, said = root / HOSTS, root / "tmp/hosts"
    said.write_text(HOSTS_TEXT, encoding="ascii")
    is_new = not os.path.lexists(place)
    if is_new:
        place.touch()
    try:
        with mounted(["--bind", "-o", "ro", os.fspath(said)], place):
            yield
    finally:
        if is_new:
            place.unlink()


def _configure(inside: Chroot) -> None:
    with inside.without_services():
        inside.run([*DPKG, "--configure", "--pending"])
    audit = ["dpkg", "--audit"]
    answer = inside.ask(audit, heard=Heard.OUTPUT)
    if answer.code or answer.said:
        raise ProgramFailed(audit, answer.code, answer.said.decode(errors="replace"))


def _files(packages: Sequence[Package]) -> list[str]:
    return [f"/tmp/packages/{package.sha256}.deb" for package in packages]  # noqa: S108 - a tmpfs of our own in the chroot


def extract(package: Path, root: Path) -> None:
    """Lay out the package's files, without dpkg, where no program has run yet; links such as /bin stay."""
    with _files_of(package) as handle:
        _untar(handle, root, *UNPACKING)


def extract_inside(package: Path, inside: Chroot) -> None:
    """As ``extract``, by the root filesystem's own tar: no link that programs left there leads out of it."""
    arguments = ["tar", "--extract", "--directory", "/", *UNPACKING]
    with _files_of(package) as handle:
        answer = inside.ask(arguments, stdin=handle, heard=Heard.ERRORS)
    _judge(arguments, answer.code, answer.said)


@contextmanager
def _files_of(package: Path) -> Iterator[int]:
    """A handle that reads the archive of the package's files, from its beginning."""
    with package.open("rb") as stream:
        found = next(member for member in members(stream, package.name) if member.name == "data.tar")
        os.lseek(stream.fileno(), found.offset, os.SEEK_SET)
        yield stream.fileno()


def unpack(layer: Path, digest: str, root: Path) -> None:
    """A layer of our own making into an empty folder. Raises Corrupt when it is not what its digest says."""
    with verified(layer, digest) as stream:
        _untar(stream.fileno(), root, *LAYERS_UNPACKING, f"--exclude={WHITEOUT}*")


@contextmanager
def verified(layer: Path, digest: str) -> Iterator[BinaryIO]:
    """A layer of our own making, to be read from its beginning. Raises Corrupt when it is not what its digest says."""
    with layer.open("rb") as stream:
        found = f"sha256:{file_digest(stream, 'sha256').hexdigest()}"
        if found != digest:
            raise Corrupt(
                f"the layer {digest} holds other bytes in the registry ({found})",
                hint=f"remove {layer} and bake again",
            )
        stream.seek(0)
        yield stream


def whiteouts(layer: Path) -> tuple[str, ...]:
    """What a layer of our own making removes from those below it, by the names of its marks."""
    with layer.open("rb") as stream:
        entries = read_tar(stream, name=layer.name, rules=ROOT_FILESYSTEM)
        return tuple(entry.name for entry in entries if entry.parts and entry.parts[-1].startswith(WHITEOUT))


def first_below(layer: Path, folders: Sequence[str]) -> str | None:
    """What a layer of our own making has first below one of the folders; all paths are without the first slash."""
    below = tuple(f"{folder}/" for folder in folders)
    with layer.open("rb") as stream:
        paths = ("/".join(entry.parts) for entry in read_tar(stream, name=layer.name, rules=ROOT_FILESYSTEM))
        return next((path for path in paths if path.startswith(below)), None)


def those_in(layer: Path, paths: Collection[str]) -> frozenset[str]:
    """Of the paths those that a layer of our own making has; all are without the first slash."""
    with layer.open("rb") as stream:
        entries = read_tar(stream, name=layer.name, rules=ROOT_FILESYSTEM)
        return frozenset(paths).intersection("/".join(entry.parts) for entry in entries)


def _untar(handle: int, root: Path, *options: str) -> None:
    arguments = ["tar", "--extract", "--directory", os.fspath(root), *options]
    finished = subprocess.run(arguments, stdin=handle, stderr=subprocess.PIPE, check=False)
    _judge(arguments, finished.returncode, finished.stderr)


def _judge(arguments: Sequence[str], code: int, said: bytes) -> None:
    if code:
        raise ProgramFailed(arguments, code, said.decode(errors="replace"))


def _unpacked(root: Path) -> bytes:
    return (root / "var/lib/dpkg/status").read_bytes()


def _missing(root: Path, wanted: Sequence[Package]) -> list[Package]:
    """Of the packages, those that dpkg has not unpacked."""
    status = (root / "var/lib/dpkg/status").read_text(encoding="utf-8")
    there: set[tuple[str, str]] = set()
    for paragraph in status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
        if fields.get("Status", "").split()[-1:] not in ([], ["not-installed"]):
            there.add((fields["Package"], fields.get("Architecture", "")))
    return [package for package in wanted if (package.name, package.architecture) not in there]
