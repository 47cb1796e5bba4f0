"""Packer: starts a machine from a disk that has the base, adds the rest over SSH, and keeps its disk.

People give it the image of a distribution's cloud. Here it gets a disk of the base with an SSH server, which is at hand
before the clock starts: making that disk is no part of its time.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from peers.server import Took, Watch, run

LIMIT_SECONDS = 3600.0
"""Emulated, on a busy machine."""

LOGIN = """PermitRootLogin prohibit-password
"""
LOGIN_PLACE = "/etc/ssh/sshd_config.d/00-packer.conf"
KEY_PLACE = "/root/.ssh/authorized_keys"

INSTALL = (
    "cd /root/packages && DEBIAN_FRONTEND=noninteractive dpkg --install --force-unsafe-io *.deb",
    "tar --extract --directory / --file /root/tree.tar --no-same-owner --no-overwrite-dir",
    # A machine made of the disk is another one: what this one made for itself goes.
    f"rm -rf /root/packages /root/tree.tar /root/.ssh {LOGIN_PLACE}",
    "rm -rf /etc/ssh/ssh_host_* /var/lib/cloud /var/log/journal",
    "truncate -s 0 /etc/machine-id",
)


@dataclass(frozen=True, kw_only=True)
class Job:
    """What Packer is given."""

    source: Path
    """A raw disk, whose root takes the key."""

    key: Path
    packages: Sequence[tuple[Path, str]]
    """Of Debian, by file and name."""

    tree: Path
    """What is laid over them, as a tar."""

    disk_bytes: int


def new_key(folder: Path) -> Path:
    """A key for one run; beside it, ``.pub``, who has it."""
    folder.mkdir(parents=True)
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "packer", "-f", str(folder / "key")])
    return folder / "key"


def packer(folder: Path, job: Job) -> Took:
    """Make ``out/disk.qcow2`` in the folder; what that took, the machine's own work included."""
    packages = folder / "packages"
    packages.mkdir(parents=True)
    for source, name in job.packages:
        os.link(source, packages / name)
    (folder / "build.json").write_text(json.dumps(_template(folder, job)), encoding="utf-8")
    environment = {"HOME": folder, "PACKER_CACHE_DIR": folder / "cache", "CHECKPOINT_DISABLE": "1"}
    settings = [f"{name}={value}" for name, value in environment.items()]
    watch = Watch()
    run(
        ["env", "--chdir", str(folder), *settings, "packer", "build", "-color=false", "build.json"],
        seconds=LIMIT_SECONDS,
    )
    return watch.took()


def _template(folder: Path, job: Job) -> dict[str, object]:
    builder = {
        "type": "qemu",
        "accelerator": "tcg",
        "headless": True,
        "cpus": os.cpu_count(),
        "memory": 1024,
        "disk_image": True,
        "disk_size": f"{job.disk_bytes >> 20}M",
        "disk_interface": "virtio",
        "disk_cache": "unsafe",
        "format": "qcow2",
        "skip_compaction": True,
        "iso_url": str(job.source),
        "iso_checksum": "none",
        "output_directory": str(folder / "out"),
        "vm_name": "disk.qcow2",
        "ssh_username": "root",
        "ssh_private_key_file": str(job.key),
        "ssh_timeout": f"{LIMIT_SECONDS:.0f}s",
        "shutdown_command": "systemctl poweroff",
        "shutdown_timeout": "10m",
    }
    steps = [
        {"type": "file", "source": str(folder / "packages"), "destination": "/root"},
        {"type": "file", "source": str(job.tree), "destination": "/root/tree.tar"},
        {"type": "shell", "inline": ["set -e", *INSTALL]},
    ]
    return {"builders": [builder], "provisioners": steps}
