"""A tiny real image, a folder of its own for the provider, and a machine that is clean afterwards."""

import io
import json
import os
import platform
import shutil
import signal
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
from local_desk import Bake, Desk

from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.artifact import ARCHITECTURES, Artifact, ArtifactLayer
from repave.model.lock import Layer
from repave.model.names import Digest, ImageName, ProjectName
from repave.model.recipe import ImageKind
from repave.ports.surroundings import Surroundings
from repave.providers.local.processes import started_with
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault

BUSYBOX = Path("/bin/busybox")
SERVE = ("/bin/sh", "-c", "echo serving as $(id -u); exec httpd -f -p $PORT -h /srv")
TAR = "application/vnd.oci.image.layer.v1.tar"


@pytest.fixture
def surroundings(tmp_path: Path) -> Iterator[Surroundings]:
    """Where one provider works; whatever it left on the machine is removed at the end."""
    folder = tmp_path / "local"
    commands = LocalCommands()
    yield Surroundings(
        project=ProjectName("shop"),
        folder=folder,
        commands=commands,
        clock=SystemClock(),
        vault=FileVault(tmp_path / "vault"),
        registry=LayoutRegistry(tmp_path / "registry"),
    )
    sweep(folder, commands)


@pytest.fixture
def bake(surroundings: Surroundings, tmp_path: Path) -> Bake:
    """Makes OCI images of busybox, without a baker."""

    def made(
        *,
        command: tuple[str, ...] = SERVE,
        user: str = "web",
        change: Mapping[str, bytes] | None = None,
        volumes: tuple[str, ...] = (),
        architecture: str = ARCHITECTURES.get(platform.machine(), platform.machine()),
    ) -> Artifact:
        base = {
            "bin/busybox": BUSYBOX.read_bytes(),
            "etc/passwd": b"root:x:0:0::/root:/bin/sh\nweb:x:1000:1000::/srv:/bin/sh\n",
            "etc/group": b"root:x:0:\nweb:x:1000:\nlogs:x:1004:web\n",
            "srv/index.html": b"below\n",
            "srv/removed.html": b"must not be seen\n",
        }
        applets = {f"bin/{name}": "busybox" for name in ("sh", "httpd", "sleep", "cat", "id", "ls", "ip", "wget")}
        top = {"srv/index.html": b"hello\n", "srv/.wh.removed.html": b"", **(change or {})}
        tars = [tar_of(base, applets), tar_of(top, {})]
        digests = [add(surroundings, tmp_path, content) for content in tars]
        runs = {"Cmd": list(command), "User": user, "Env": ["PATH=/bin"], "WorkingDir": "/srv"}
        configuration = {
            "architecture": architecture,
            "os": "linux",
            "config": {**runs, "Volumes": {path: {} for path in volumes}},
            "rootfs": {"type": "layers", "diff_ids": digests},
        }
        configured = surroundings.registry.add(json.dumps(configuration).encode())
        layers = [
            {"mediaType": TAR, "digest": digest, "size": len(content)}
            for digest, content in zip(digests, tars, strict=True)
        ]
        manifest = {
            "schemaVersion": 2,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": configured, "size": 1},
            "layers": layers,
        }
        return artifact_of(surroundings.registry.add(json.dumps(manifest).encode()), digests, tars)

    return made


@pytest.fixture
def desk(surroundings: Surroundings, bake: Bake) -> Desk:
    """A provider with nothing in it."""
    return Desk(surroundings, bake)


def artifact_of(manifest: Digest, digests: list[Digest], tars: list[bytes]) -> Artifact:
    """The artifact as a baker would answer it."""
    layers = tuple(
        ArtifactLayer(layer=layer, digest=digest, size_bytes=len(content), inputs=digest, cached=False)
        for layer, digest, content in zip((Layer.BASE, Layer.APPLICATION), digests, tars, strict=True)
    )
    size = sum(len(content) for content in tars)
    return Artifact(image=ImageName("web"), kind=ImageKind.CONTAINER, digest=manifest, size_bytes=size, layers=layers)


def tar_of(files: Mapping[str, bytes], links: Mapping[str, str]) -> bytes:
    """A tar archive of these files, each executable, and symbolic links."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            archive.addfile(member, io.BytesIO(content))
        for name, target in links.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return buffer.getvalue()


def add(surroundings: Surroundings, folder: Path, content: bytes) -> Digest:
    """Put a blob into the registry."""
    path = folder / f"blob-{sha256(content).hexdigest()}"
    path.write_bytes(content)
    return surroundings.registry.adopt(path)


def sweep(folder: Path, commands: LocalCommands) -> None:
    """Remove from the machine whatever a provider of this folder may have left, also after a failed test."""
    token = sha256(os.fsencode(folder.resolve())).hexdigest()[:10]
    identities = {path.stem for path in folder.glob("fleets/*/*/*/consoles/*.log")}
    identities |= {path.name for path in folder.glob("instances/*")}
    runtime = Path("/run/repave") / token
    for name in set(machines(folder)):
        for process in started_with("qemu-system-x86_64", name):
            process.stop(patience_seconds=0)
    for identity in identities:
        commands.run(["runc", "--root", str(runtime), "delete", "--force", identity], check=False)
        suffix = identity.removeprefix("i-")
        batch = f"link del dev rv{suffix}\nnetns del repave-{identity}\n".encode()
        commands.run(["ip", "-force", "-batch", "-"], stdin=batch, check=False)
    commands.run(["ip", "link", "del", "dev", f"rb{token}"], check=False)
    for identity in identities:
        for group in groups_of(identity):
            remove(group)
    for root in folder.glob("artifacts/*/root"):
        if root.is_mount():
            commands.run(["umount", str(root)])
    shutil.rmtree(runtime, ignore_errors=True)
    for record in folder.glob("fleets/*/*/*/instances/*.json"):
        forwarder = json.loads(record.read_bytes())["forwarder"]
        if forwarder is not None:
            with suppress(ProcessLookupError):
                os.kill(forwarder["pid"], signal.SIGKILL)


@pytest.fixture
def traces(surroundings: Surroundings) -> Callable[[], list[str]]:
    """Everything on the machine that belongs to the provider's folder: devices, namespaces, mounts, what runs."""
    folder = surroundings.folder

    def found() -> list[str]:
        token = sha256(os.fsencode(folder.resolve())).hexdigest()[:10]
        devices = settled(token)
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if str(folder) in line]
        runtime = Path("/run/repave") / token
        containers = [path.name for path in runtime.iterdir()] if runtime.is_dir() else []
        ours = {f"repave-{identity}" for identity in identities(folder)}
        namespaces = [path.name for path in Path("/run/netns").glob("repave-i-*") if path.name in ours]
        groups = {path.name for identity in identities(folder) for path in groups_of(identity)}
        instances = [path.name for path in folder.glob("instances/*")]
        running = machines(folder)
        return sorted([*devices, *mounts, *containers, *namespaces, *groups, *instances, *running])

    return found


def groups_of(identity: str) -> list[Path]:
    """The control groups of an instance, of either version."""
    name = f"repave-{identity}"
    mounted = Path("/sys/fs/cgroup")
    return [path for path in (mounted / name, *(folder / name for folder in mounted.iterdir())) if path.is_dir()]


def remove(group: Path) -> None:
    """Remove the group, once the kernel has put away what was killed in it: a moment later."""
    for _ in range(200):
        with suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.01)


def machines(folder: Path) -> list[str]:
    """The name of each virtual machine that any slot of these tests has running, once for each process."""
    names = {f"repave-{identity}".encode() for identity in identities(folder)}
    found: list[bytes] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found += names & set(path.read_bytes().split(b"\0"))
    return sorted(name.decode() for name in found)


def settled(token: str) -> list[str]:
    """The folder's devices, once the kernel has taken away the cables whose namespaces are gone: a moment later."""
    for _ in range(200):
        devices = [path.parent.name for path in Path("/sys/class/net").glob("*/ifalias") if labelled(path, token)]
        if all(Path(f"/run/netns/repave-i-{name[2:]}").exists() for name in devices if name.startswith("rv")):
            break
        time.sleep(0.01)
    return devices


def labelled(path: Path, token: str) -> bool:
    """Whether the device bears the folder's label; one that vanishes meanwhile does not."""
    try:
        return path.read_text().strip() == f"repave:{token}"
    except OSError:
        return False


def identities(folder: Path) -> set[str]:
    """The instance ids that any slot used by these tests has in this folder."""
    token = sha256(os.fsencode(folder.resolve())).hexdigest()[:10]
    fleets = [f"shop/test/{name}" for name in ("web", "worker")]
    places = ["\0".join((token, fleet, f"{fleet.rpartition('/')[2]}-{n}")) for fleet in fleets for n in range(40)]
    return {f"i-{sha256(place.encode()).hexdigest()[:12]}" for place in places}
