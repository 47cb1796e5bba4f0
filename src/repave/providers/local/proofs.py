"""What this provider needs, tried for real just now: with time limits, and everything made is removed again."""

import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from repave.ports.commands import Commands
from repave.ports.errors import CommandFailed
from repave.ports.provider import Proven
from repave.providers.local.containers import SEARCH_PATH, IdentityMap
from repave.providers.local.limits import CONTROL_GROUPS, LIMITED
from repave.providers.local.places import Places
from repave.providers.local.seccomp import profile

TRIAL_SECONDS = 10.0
"""A trial that hangs is a trial that failed."""

PROGRAM_FOLDERS = ("bin", "lib", "lib32", "lib64", "libx32", "usr")
"""What a dynamically linked program of this machine needs to run in a trial container."""

TUN = Path("/dev/net/tun")

Trial = Callable[[], str]
"""Does the thing; answers what was seen. Raises CommandFailed or OSError."""


def container_proofs(
    commands: Commands, places: Places, controllers: frozenset[str], identities: IdentityMap | None
) -> Iterator[Proven]:
    """Try everything that containers need, each on its own."""
    trials = _Trials(commands=commands, places=places, identities=identities)
    yield proven("programs", trials.programs, "apt-get install runc iproute2 util-linux")
    yield proven("containers", trials.container, "apt-get install runc; it needs root, or unprivileged user namespaces")
    if identities is None:
        yield proven("bridge network", trials.bridge, "apt-get install iproute2; root is needed")
        yield proven("overlay mounts", trials.overlay, "the kernel's overlay module is needed (`modprobe overlay`)")
    else:
        hint = "apt-get install slirp4netns, and let this user write to /dev/net/tun; or run as root"
        yield proven("user-mode network", trials.user_mode, hint)
    yield _limits(controllers)


def proven(name: str, trial: Trial, hint: str) -> Proven:
    """What became of a trial."""
    try:
        return Proven(name=name, works=True, detail=trial())
    except CommandFailed as error:
        return Proven(name=name, works=False, detail=error.message, hint=hint)
    except OSError as error:
        return Proven(name=name, works=False, detail=str(error), hint=hint)


def _limits(controllers: frozenset[str]) -> Proven:
    """Limits are no condition: instances start without those that the machine lacks."""
    missing = [name for name in LIMITED if name not in controllers]
    if not missing:
        return Proven(name="resource limits", works=True, detail="cpu, memory and pids can be limited")
    return Proven(
        name="resource limits",
        works=False,
        detail=f"{', '.join(missing)} cannot be limited: instances start without",
        hint=f"needs root, and the controllers mounted writable below {CONTROL_GROUPS}",
    )


class _Trials:
    def __init__(self, *, commands: Commands, places: Places, identities: IdentityMap | None) -> None:
        self._commands = commands
        self._places = places
        self._identities = identities
        self._mark = secrets.token_hex(4)

    def programs(self) -> str:
        """Each program is there; runc says its version."""
        needed = ["runc", "ip", "flock", "timeout", "fallocate", "mount", "umount"]
        missing = [program for program in needed if not self._commands.available(program)]
        if missing:
            raise FileNotFoundError(f"not found: {', '.join(missing)}")
        return self._run(["runc", "--version"]).splitlines()[0]

    def container(self) -> str:
        """A program of this machine runs to its end in a container like an instance's."""
        with self._folder() as folder:
            root = folder / "root"
            root.mkdir()
            configuration = _trial_configuration(root, self._identities)
            (folder / "config.json").write_text(json.dumps(configuration))
            state = folder / "state"
            self._run(["runc", "--root", str(state), "run", "--bundle", str(folder), f"repave-trial-{self._mark}"])
        return "a container ran, with namespaces and a system call filter of its own"

    def bridge(self) -> str:
        """A bridge, a namespace and a cable can be made."""
        bridge, namespace, cable = f"rb{self._mark}", f"repave-trial-{self._mark}", f"rv{self._mark}"
        make = [
            f"link add {bridge} type bridge",
            f"netns add {namespace}",
            f"link add {cable} type veth peer name eth0 netns {namespace}",
            f"link set dev {cable} master {bridge}",
        ]
        try:
            self._batch(make, force=False)
        finally:
            self._batch([f"link del dev {cable}", f"netns del {namespace}", f"link del dev {bridge}"], force=True)
        return "a bridge, a network namespace and a cable between them were made"

    def overlay(self) -> str:
        """Two folders can be shown as one."""
        root = self._places.root
        existing = next(path for path in (root, *root.parents) if path.is_dir())
        with self._folder(existing) as folder:
            for name in ("below", "above", "root"):
                (folder / name).mkdir()
            self._run(["mount", "-t", "overlay", "-o", "ro,lowerdir=above:below", "repave-trial", "root"], cwd=folder)
            self._run(["umount", "root"], cwd=folder)
        return f"two folders below {existing} were shown as one"

    def user_mode(self) -> str:
        """The program is there and may open what it needs."""
        with TUN.open("rb+", buffering=0):
            return self._run(["slirp4netns", "--version"]).splitlines()[0]

    def _run(self, arguments: list[str], cwd: Path | None = None) -> str:
        finished = self._commands.run(arguments, cwd=cwd, timeout_seconds=TRIAL_SECONDS)
        return finished.stdout.decode(errors="replace")

    def _batch(self, lines: list[str], *, force: bool) -> None:
        arguments = ["ip", *(["-force"] if force else []), "-batch", "-"]
        script = "".join(f"{line}\n" for line in lines).encode()
        self._commands.run(arguments, stdin=script, timeout_seconds=TRIAL_SECONDS, check=not force)

    @contextmanager
    def _folder(self, parent: Path | None = None) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="repave-trial-", dir=parent) as name:
            yield Path(name)


def _trial_configuration(root: Path, identities: IdentityMap | None) -> dict[str, object]:
    """A container that shows this machine's own programs, read-only, and runs ``true``."""
    mounts: list[dict[str, object]] = [
        {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]}
    ]
    for name in PROGRAM_FOLDERS:
        source = Path("/") / name
        if source.is_symlink():
            (root / name).symlink_to(source.readlink())
        elif source.is_dir():
            options = ["rbind", "ro", "nosuid", "nodev"]
            mounts.append({"destination": f"/{name}", "type": "bind", "source": str(source), "options": options})
    kinds = ["pid", "mount", "ipc", "uts", "network", *(["user"] if identities else [])]
    linux: dict[str, object] = {"namespaces": [{"type": kind} for kind in kinds], "seccomp": profile()}
    if identities:
        linux["uidMappings"] = [{"containerID": 0, "hostID": os.getuid(), "size": 1}]
        linux["gidMappings"] = [{"containerID": 0, "hostID": os.getgid(), "size": 1}]
    return {
        "ociVersion": "1.0.2",
        "root": {"path": str(root)},
        "process": {
            "terminal": False,
            "user": {"uid": 0, "gid": 0},
            "args": ["true"],
            "env": [f"PATH={SEARCH_PATH}"],
            "cwd": "/",
            "noNewPrivileges": True,
        },
        "mounts": mounts,
        "linux": linux,
    }
