"""A virtual machine, baked by the command line from Debian's archive, put together and started by QEMU."""

import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from pycdlib.pycdlib import PyCdlib

from repave.archives.compression import Compression, unpacked
from repave.archives.rules import ROOT_FILESYSTEM
from repave.model.names import Digest
from repave.ports.disk_format import DiskConfiguration, DiskManifest
from repave.registries.layout import LayoutRegistry

REPAVE = Path(sys.executable).parent / "repave"
PROJECT = """
project: shop
images:
  web:
    kind: vm
    disk: 2GiB
    base: {distribution: debian, release: bookworm}
    packages: [python3, jq, mtools]
    files: {app/: /srv/app/, hosts: /etc/hosts}
    run: python3 /srv/app/server.py
fleets: {web: {image: web, port: 8080, health: {path: /}}}
environments: {test: {provider: local, fleets: {web: {size: 1}}, config: {GREETING: hello}}}
"""

HOSTS = "127.0.0.1 localhost\n192.0.2.7 database\n"
"""In the place of a setting that any machine has."""

BOOTSTRAP = (
    PROJECT.replace("kind: vm", "kind: vm\n    boot: bootstrap")
    .replace("mtools", "mtools, cron")
    .replace("path: /", "path: /, grace: 10m")
)
"""With a package that starts a service, which keeps a golden machine from going on from memory."""

SERVER = """
import http.server, os, pathlib, socket, subprocess, time, uuid

PACKAGES = ["dpkg-query", "--show", "--showformat=${{Package}} ${{Architecture}} ${{Version}}\\n"]

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            pathlib.Path("/etc/changed").touch()
            sandbox = "none"
        except OSError:
            sandbox = "holds"
        identity = pathlib.Path("/etc/machine-id").read_text().strip()
        root = os.statvfs("/")
        grown = round(root.f_blocks * root.f_frsize / 2**30)
        words = [os.environ.get("GREETING"), os.getuid() > 0, sandbox, len(identity), f"{{grown}} GiB", {number}]
        body = " ".join(map(str, words)).encode()
        if self.path == "/packages":
            body = subprocess.run(PACKAGES, capture_output=True, check=True).stdout
        if self.path == "/hosts":
            body = pathlib.Path("/etc/hosts").read_bytes()
        if self.path == "/daemon":
            body = str(pathlib.Path("/run/crond.pid").exists()).encode()
        if self.path == "/identity":
            told = [socket.gethostname(), identity, uuid.uuid4(), time.time(), os.environ.get("REPAVE_INSTANCE")]
            body = " ".join(map(str, told)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.HTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""
ROOT_OFFSET = 16 << 20
SEED = "#cloud-config\nwrite_files:\n- {path: /run/repave/environment, content: 'GREETING=hello'}\n"
CODE, VARIABLES = Path("/usr/share/OVMF/OVMF_CODE_4M.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.fd")


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The project's folder."""

    folder: Path

    def run(self, *arguments: str) -> Any:  # noqa: ANN401 - whatever the verb answers
        """A verb's answer for machines; what it says where it fails is told."""
        finished = subprocess.run([REPAVE, *arguments, "--json"], cwd=self.folder, capture_output=True, check=False)
        assert finished.returncode == 0, (finished.stdout + finished.stderr).decode()
        return json.loads(finished.stdout)

    def consoles(self) -> str:
        """What stands on the consoles of the living machines, for who looks why they are not well."""
        return subprocess.run(
            [REPAVE, "logs", "test"], cwd=self.folder, capture_output=True, check=False
        ).stdout.decode()

    def change(self, number: int) -> None:
        """Another application."""
        (self.folder / "app").mkdir(exist_ok=True)
        (self.folder / "app/server.py").write_text(SERVER.format(number=number), encoding="utf-8")

    def install_itself(self) -> None:
        """From now on the machine is made at its first start."""
        (self.folder / "repave.yaml").write_text(BOOTSTRAP, encoding="utf-8")
        self.run("lock")

    def put_together(self, manifest: Digest, target: Path) -> None:
        """The disk as one sparse file, each piece verified."""
        registry = LayoutRegistry(root=self.folder / ".repave/registry")
        blobs = DiskManifest.parse(registry.read(manifest), "it")
        machine = DiskConfiguration.parse(registry.read(blobs.configuration.digest), "it")
        with target.open("xb") as disk:
            disk.truncate(machine.disk_bytes)
            for blob, piece in zip(blobs.pieces, machine.pieces, strict=True):
                with registry.path(blob.digest).open("rb") as stored:
                    plain = unpacked(stored, Compression.ZSTD, name="it", rules=ROOT_FILESYSTEM)
                    content = bytearray()
                    while chunk := plain.read(1 << 20):
                        content += chunk
                assert f"sha256:{sha256(content).hexdigest()}" == piece.digest
                disk.seek(piece.offset)
                disk.write(content)


def new_shop(folder: Path) -> Shop:
    """Locked, not yet baked."""
    shop = Shop(folder=folder)
    (folder / "repave.yaml").write_text(PROJECT, encoding="utf-8")
    (folder / "hosts").write_text(HOSTS, encoding="ascii")
    shop.change(1)
    shop.run("lock")
    return shop


def root_on(disk: Path) -> str:
    """The root's file system on the disk, as the tools of ext4 take it."""
    return f"{disk}?offset={ROOT_OFFSET}"


def looked_up(root: str, command: str) -> str:
    """What debugfs tells of a file system; nothing, of what is not there."""
    finished = subprocess.run(["debugfs", "-R", command, root], capture_output=True, check=True)
    return finished.stdout.decode()


def firmware_options(kind: str, folder: Path) -> list[str]:
    """For QEMU: UEFI with the disk as NVMe, or BIOS with the disk as virtio."""
    overlay = folder / f"{kind}.qcow2"
    drive = f"file={overlay},if=none,id=root,discard=unmap"
    if kind == "bios":
        return ["-drive", drive, "-device", "virtio-blk-pci,drive=root,bootindex=1"]
    (folder / "variables").write_bytes(VARIABLES.read_bytes())
    return [
        *("-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={CODE}"),
        *("-drive", f"if=pflash,format=raw,unit=1,file={folder / 'variables'}"),
        *("-drive", drive, "-device", "nvme,drive=root,serial=root,bootindex=1"),
    ]


def variables_disk(name: str, folder: Path) -> list[str]:
    """For QEMU: a disk by which cloud-init is told the variables; without it a machine is told nothing."""
    disk = folder / f"{name}.iso"
    disk.write_bytes(_seed(name))
    drive = f"file={disk},if=none,id=seed,format=raw,readonly=on"
    return ["-drive", drive, "-device", "virtio-blk-pci,drive=seed"]


@contextmanager
def started(
    disk: Path, folder: Path, options: Sequence[str], *, name: str, kind: str = "raw", size: str = "2G"
) -> Iterator[str]:
    """A machine from a copy of the disk of that kind, of that size, without KVM, and the address where it answers."""
    overlay = folder / f"{name}.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", kind, "-b", disk, overlay, size], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            *("qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=multi", "-m", "768"),
            *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
            *("-serial", f"file:{folder / name}.console"),
            *("-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{port}-:8080", "-device", "virtio-net-pci,netdev=net"),
            *options,
        ]
    )
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.kill()
        process.wait()


def answer(address: str) -> str | None:
    """What is said there now."""
    try:
        with urllib.request.urlopen(address, timeout=5) as found:  # noqa: S310 - on this machine
            said: str = found.read().decode()
            return said
    except (OSError, urllib.error.URLError):
        return None


def _seed(name: str) -> bytes:
    disk = PyCdlib()
    disk.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident="cidata")
    for file, text in (("meta-data", f"instance-id: {name}\nlocal-hostname: {name}\n"), ("user-data", SEED)):
        short = f"/{file.upper().replace('-', '_')}.;1"
        disk.add_fp(BytesIO(text.encode()), len(text), short, rr_name=file, joliet_path=f"/{file}")
    image = BytesIO()
    disk.write_fp(image)
    disk.close()
    return image.getvalue()
