"""mkosi, making a disk of exactly the given packages, with a tree of files laid over them.

Debian 12 has no mkosi that works here, so it comes with its tools, as it wants them, from a newer suite: a folder of
their own, which it is told to take them from. It writes a disk of the same size with the same partitions, of which it
makes the one for UEFI firmware larger; but no boot loaders: it takes GRUB from among the image's own packages only, and
this image has none.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from peers.server import Took, Watch, run
from repave.model.lock import LockedPackage
from repave.ports.vault import Vault

SUITE = "forky"
TOOLS = ("debian-archive-keyring", "dosfstools", "e2fsprogs", "kmod", "mkosi", "mtools", "systemd", "systemd-repart")
LIMIT_SECONDS = 1800.0

CONFIGURATION = """[Distribution]
Distribution=debian
Release=bookworm
LocalMirror=file://{mirror}

[Output]
Format=disk
Output=disk

[Content]
Bootable=no
CleanPackageMetadata=no
ExtraTrees={tree}
Packages={packages}

[Build]
BuildSources=
CacheDirectory={folder}/cache
Environment=INITRD=No
ToolsTree={tools}
WorkspaceDirectory={folder}/work
"""
"""An initrd would be made of the machine that bakes: ours makes none either while it installs packages."""

PARTITIONS = {
    "00-bios": ("Type=21686148-6449-6e6f-744e-656564454649", 1),
    "10-uefi": ("Type=esp\nFormat=vfat", 260),
    "20-root": ("Type=root\nLabel=repave-root\nFormat=ext4\nCopyFiles=/", 0),
}
"""What each is, and its MiB; the last takes the rest. None for UEFI firmware may be smaller (systemd-repart)."""

OUTLINE_MIB = 263
"""Both, the table in front of them, and the table behind the root."""


def mkosi_tools(folder: Path) -> Path:
    """The program, and all that it runs."""
    run(
        [
            *("mmdebstrap", "--quiet", "--variant=apt", f"--include={','.join(TOOLS)}"),
            # A mirror that is frozen keeps a suite that is not.
            *("--aptopt=Acquire::Check-Valid-Until false", SUITE, str(folder)),
            "http://deb.debian.org/debian",
        ],
        seconds=LIMIT_SECONDS,
    )
    return folder


def mirror(folder: Path, packages: Sequence[LockedPackage], vault: Vault) -> Path:
    """An archive with one suite, which holds the packages and nothing else."""
    pool, suite = folder / "pool", folder / "dists" / "bookworm"
    lists = suite / "main" / "binary-amd64"
    for made in (pool, lists):
        made.mkdir(parents=True)
    for package in packages:
        os.link(vault.path(package.sha256), pool / package.filename)
    listed = subprocess.run(["dpkg-scanpackages", "pool"], cwd=folder, check=True, capture_output=True)
    (lists / "Packages").write_bytes(listed.stdout)
    named = {"Codename": "bookworm", "Components": "main", "Architectures": "amd64"}
    options = [f"--option=APT::FTPArchive::Release::{name}={value}" for name, value in named.items()]
    (suite / "Release").write_text(run(["apt-ftparchive", *options, "release", str(suite)]), encoding="utf-8")
    return folder


def mkosi(folder: Path, *, tools: Path, mirror: Path, tree: Path, names: Sequence[str], disk_bytes: int) -> Took:
    """Make ``disk.raw`` in the folder, with nothing of an earlier run; what that took."""
    for made in ("cache", "work", "mkosi.repart"):
        (folder / made).mkdir(parents=True)
    text = CONFIGURATION.format(mirror=mirror, tree=tree, packages=" ".join(names), folder=folder, tools=tools)
    (folder / "mkosi.conf").write_text(text, encoding="utf-8")
    for name, (what, size) in PARTITIONS.items():
        mib = size or (disk_bytes >> 20) - OUTLINE_MIB
        limits = f"SizeMinBytes={mib}M\nSizeMaxBytes={mib}M\n"
        (folder / "mkosi.repart" / f"{name}.conf").write_text(f"[Partition]\n{what}\n{limits}", encoding="utf-8")
    watch = Watch()
    run(
        [
            *("env", f"PYTHONPATH={tools}/usr/lib/python3/dist-packages"),
            *("/usr/bin/python3", "-m", "mkosi", f"--directory={folder}", "build"),
        ],
        seconds=LIMIT_SECONDS,
    )
    took = watch.took()
    shutil.rmtree(folder / "cache")
    return took
