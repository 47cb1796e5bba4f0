"""A Docker engine of the benchmark's own: own data, socket and bridge; the machine's other engines do not notice."""

import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from peers.server import await_true, run, server

SUBNETS = range(200, 250)
"""Third numbers of 10.211.x.0/24 that are tried for the bridge."""

SERVE = """#!/bin/sh
trap 'exit 0' TERM
/bin/busybox httpd -f -p 8080 -h /www &
wait
"""
"""A server that ends when it is asked to, wherever it runs: as process 1 a bare httpd would not notice."""


@dataclass(frozen=True)
class Engine:
    """One running engine."""

    socket: Path
    folder: Path

    def docker(self, *arguments: str, stdin: bytes = b"", seconds: float = 60.0) -> str:
        """What its client answers."""
        return run(["docker", "-H", f"unix://{self.socket}", *arguments], stdin=stdin, seconds=seconds)

    def import_image(self, name: str, content: bytes, *, command: str) -> None:
        """An image of one layer, made here."""
        self.docker("import", "--change", f"CMD {command}", "-", name, stdin=content)


@contextmanager
def engine(folder: Path, *, wrapper: Path | None = None) -> Iterator[Engine]:
    """An engine for the length of the block; ``wrapper`` is called instead of runc."""
    folder.mkdir(parents=True)
    socket, name = folder / "docker.sock", f"rpb{os.getpid()}"
    configuration = folder / "daemon.json"
    runtimes = {"runtimes": {"wrapped": {"path": str(wrapper)}}, "default-runtime": "wrapped"} if wrapper else {}
    configuration.write_text(json.dumps(runtimes), encoding="utf-8")
    arguments = [
        "dockerd",
        f"--config-file={configuration}",
        f"--host=unix://{socket}",
        f"--data-root={folder / 'data'}",
        f"--exec-root={folder / 'run'}",
        f"--pidfile={folder / 'docker.pid'}",
        f"--containerd-namespace={name}",
        f"--containerd-plugins-namespace={name}-plugins",
        "--iptables=false",
        "--ip6tables=false",
        "--ip-masq=false",
        "--storage-driver=overlay2",
    ]
    try:
        with _bridge(name) as bridge, server([*arguments, f"--bridge={bridge}"], folder / "dockerd.log"):
            started = Engine(socket=socket, folder=folder)
            await_true(socket.exists, "dockerd listens")
            started.docker("info")
            try:
                yield started
            finally:
                _remove_containers(started)
    finally:
        _unmount_below(folder)


def image_of(page: str) -> bytes:
    """A root filesystem that serves one page, as a tar: busybox and nothing else."""
    busybox = shutil.which("busybox")
    if not busybox:
        raise FileNotFoundError("busybox is missing: apt-get install busybox-static")
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        archive.add(busybox, "bin/busybox")
        for name in ("sh", "wget", "sleep"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        for name, content, mode in (("www/index.html", page, 0o644), ("serve", SERVE, 0o755)):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content.encode()), mode
            archive.addfile(entry, io.BytesIO(content.encode()))
    return output.getvalue()


@contextmanager
def _bridge(name: str) -> Iterator[str]:
    taken = run(["ip", "-o", "-4", "address"])
    subnet = next(number for number in SUBNETS if f" 10.211.{number}." not in taken)
    run(["ip", "link", "add", name, "type", "bridge"])
    try:
        run(["ip", "address", "add", f"10.211.{subnet}.1/24", "dev", name])
        run(["ip", "link", "set", name, "up"])
        yield name
    finally:
        run(["ip", "link", "delete", name])


def _remove_containers(started: Engine) -> None:
    containers = started.docker("ps", "-aq").split()
    if containers:
        subprocess.run(
            ["docker", "-H", f"unix://{started.socket}", "rm", "-f", *containers], capture_output=True, check=False
        )


def _unmount_below(folder: Path) -> None:
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    for mount in sorted((mount for mount in mounts if mount.startswith(f"{folder}/")), reverse=True):
        run(["umount", "-l", mount])
