"""Programs of an image that run while it is baked: they do as they like with its files, and leave them by no way."""

import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from pantry import Pantry, bake_in
from tiny_project import PROJECT, VAULT

from repave.bakers.rootfs.isolation import Chroot
from repave.bakers.rootfs.skeleton import Skeleton
from repave.bakers.rootfs.wheels import compile_all
from repave.config.lockfile import read_lock
from repave.config.project import load_project
from repave.model.names import ImageName
from repave.operations.baking import bake_request
from repave.operations.vaults.importing import import_archive
from repave.ports.progress import Silent
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault

NAMESPACES = ("unshare", *(() if os.geteuid() == 0 else ("--user", "--map-root-user")), "--mount", "--")

ATTEMPTS = {
    "mkdir /second && busybox chroot /second /second": "not permitted",
    "ls /proc/1/root/": "denied",
    "busybox mount -t tmpfs tmpfs /srv && busybox umount /srv": "not permitted|denied|must be root",
    "busybox mknod /disk b 8 0": "not permitted",
    "busybox unshare -U -r id": "not permitted",
    "busybox unshare -m id": "not permitted",
    "echo bake >/proc/sys/kernel/hostname": "Read-only file system|denied",
    "chmod 666 /dev/null": "Read-only file system|not permitted",
    "echo x >/tmp/packages/x": "Read-only file system",
    "busybox chown 7:8 /usr/share/probe/file && busybox stat -c %u:%g /usr/share/probe/file": "7:8",
    "busybox chmod 4711 /usr/share/probe/file && busybox stat -c %a /usr/share/probe/file": "4711",
}
"""What a package's script may try, and how it is answered; the last of it is its right."""


@pytest.mark.real
def test_the_script_of_a_package_does_nothing_to_this_machine(tmp_path: Path) -> None:
    """Also where root bakes: no way leads out of the image, to a disk, a setting of the kernel, or another process.

    What it leaves running is ended.
    """
    pantry = Pantry(vault=FileVault(tmp_path / "vault"), folder=tmp_path / "made")
    pantry.folder.mkdir()
    import_archive(VAULT, pantry.vault, Silent())
    tried = "".join(f"({attempt}) >/usr/share/probe/answer{number} 2>&1\n" for number, attempt in enumerate(ATTEMPTS))
    probe = pantry.deb("probe", f"#!/bin/sh\n{tried}busybox sleep 3000 &\n", depends="base-files")
    locked = bake_request(load_project(PROJECT), ImageName("web"), read_lock(PROJECT))
    artifact = bake_in(tmp_path / "root", pantry.vault, replace(locked, packages=(*locked.packages, probe)))
    with tarfile.open(LayoutRegistry(tmp_path / "root/registry").path(artifact.layers[1].digest)) as tar:
        for number, (attempt, said) in enumerate(ATTEMPTS.items()):
            stream = tar.extractfile(f"usr/share/probe/answer{number}")
            assert stream is not None
            answer = stream.read().decode()
            assert re.search(said, answer), f"{attempt}: {answer}"


LINKED = """
import sys
from pathlib import Path
from repave.bakers.rootfs.isolation import Chroot
root = Path(sys.argv[1])
with Chroot(root=root, epoch=0, variables={}).without_services():
    assert (root / sys.argv[2].lstrip("/")).stat().st_mode & 0o777 == 0o755
assert not list((root / "usr/sbin").iterdir())
"""


@pytest.mark.real
def test_nothing_is_written_through_links_that_programs_left(tmp_path: Path) -> None:
    """One leads out of the image for this machine, and to a place of the image for what is inside."""
    root, outside = tmp_path / "merged", tmp_path / "outside"
    (root / "usr/sbin").mkdir(parents=True)
    (root / str(tmp_path).lstrip("/")).mkdir(parents=True)
    (root / "usr/sbin/policy-rc.d").symlink_to(outside)
    subprocess.run([*NAMESPACES, sys.executable, "-c", LINKED, root, outside], check=True, timeout=60)
    assert not outside.exists()


STARTED = """
import sys
from pathlib import Path
from types import SimpleNamespace
from repave.bakers.disk.making import _start_files
tree = Path(sys.argv[1])
_start_files(tree, SimpleNamespace(root=tree))
"""


@pytest.mark.real
def test_a_disk_is_made_through_no_link_that_programs_left(tmp_path: Path) -> None:
    """What starts it is read from the image and written into it, wherever its folders lead from here."""
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    inner = tree / str(outside).lstrip("/")
    (inner / "modules/6.1/kernel").mkdir(parents=True)
    (inner / "vmlinuz-6.1").write_bytes(b"kernel")
    (inner / "busybox").write_bytes(b"program")
    (inner / "modules/6.1/modules.dep").write_bytes(b"kernel/virtio_blk.ko:\n")
    (inner / "modules/6.1/kernel/virtio_blk.ko").write_bytes(b"the driver itself")
    outside.mkdir()
    (outside / "vmlinuz-6.2").write_bytes(b"another")
    for name in ("bin", "boot", "lib"):
        (tree / name).symlink_to(outside)
    subprocess.run([*NAMESPACES, sys.executable, "-c", STARTED, tree], check=True, timeout=60)
    assert [place.name for place in outside.iterdir()] == ["vmlinuz-6.2"]
    assert b"the driver itself" in (inner / "initrd").read_bytes()
    assert (inner / "vmlinuz").readlink() == Path("vmlinuz-6.1")


ANSWERED = """
import sys
from pathlib import Path
from repave.bakers.rootfs.confinement import within
try:
    within(Path(sys.argv[1]), lambda: bytes([1000]))
except OSError as error:
    print(error)
"""


@pytest.mark.real
def test_what_fails_in_an_image_says_why(tmp_path: Path) -> None:
    """Whatever it is: the one who waits for it is told."""
    said = subprocess.run(
        [*NAMESPACES, sys.executable, "-c", ANSWERED, tmp_path], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    assert "bytes must be in range(0, 256)" in said


class Here(Chroot):
    """Programs run where they are."""

    def run(self, arguments: Sequence[str], *, accept: Sequence[int] = (0,)) -> int:
        """As the real one does."""
        code = subprocess.run(arguments, check=False).returncode
        assert code in accept
        return code


def test_no_code_of_a_wheel_runs_when_it_is_compiled(tmp_path: Path) -> None:
    """A ``.pth`` file among what was laid out is a program to any other start of that Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "own"], check=True)
    interpreter = str(tmp_path / "own/bin/python")
    (site,) = (tmp_path / "own/lib").glob("python3*/site-packages")
    (site / "module.py").write_text("x = 1\n", encoding="ascii")
    (site / "wheel.pth").write_text(f"import os; open({str(tmp_path / 'ran')!r}, 'w')\n", encoding="ascii")
    below = Skeleton(python="3", site=str(site), interpreter=interpreter)
    compile_all(Here(root=Path("/"), epoch=0, variables={}), below=below)
    assert [place.name for place in (site / "__pycache__").iterdir()] == [f"module.{sys.implementation.cache_tag}.pyc"]
    assert not (tmp_path / "ran").exists()
    subprocess.run([interpreter, "-I", "-c", ""], check=True)
    assert (tmp_path / "ran").exists()
