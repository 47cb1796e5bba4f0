"""What runc is told about one container, pure: the OCI runtime configuration from image, order and machine.

Source: https://github.com/opencontainers/runtime-spec, version 1.0.2, which Debian 12's runc implements.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from repave.model.release import Limits
from repave.providers.local import seccomp
from repave.providers.local.limits import CPU_PERIOD_MICROSECONDS, cgroup_of, cpu_quota
from repave.providers.local.mapping import ImageFacts, Record
from repave.providers.local.settings import PROCESSES_MOST, TEMPORARY_BYTES
from repave.providers.local.variables import hostname

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

LOW_PORTS = 1024
"""Below it a port needs CAP_NET_BIND_SERVICE."""

MASKED = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
)
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
"""Both lists are the container engines' common default."""

WRITABLE = ("/tmp", "/run", "/var/tmp")  # noqa: S108 - folders inside the container, each a tmpfs of its own
MOUNT_POINTS = ("proc", "dev", "sys", "tmp", "run", "var", "var/tmp", "etc")
"""Folders that must exist in a root which nothing can be made in."""


@dataclass(frozen=True, kw_only=True)
class IdentityMap:
    """Without root: container identities as identities of the machine, as (container, machine, count)."""

    users: tuple[tuple[int, int, int], ...]
    groups: tuple[tuple[int, int, int], ...]

    @property
    def single(self) -> bool:
        """Whether only the container's root is mapped: then the application runs as that, which is us."""
        return len(self.users) == 1


@dataclass(frozen=True, kw_only=True)
class Container:
    """Everything a configuration is made from."""

    record: Record
    image: ImageFacts
    root: Path
    hosts: Path
    """The file shown as /etc/hosts."""

    variables: Mapping[str, str] = field(repr=False)
    limits: Limits = Limits()
    network: Path | None = None
    """The network namespace to join; None makes a new one."""

    controllers: frozenset[str] = frozenset()
    """Of ``cpu``, ``memory``, ``pids``: what the machine can limit."""

    identities: IdentityMap | None = None


def runtime_configuration(container: Container) -> dict[str, object]:
    """The whole of ``config.json``."""
    return {
        "ociVersion": "1.0.2",
        "hostname": hostname(container.record.slot),
        "root": {"path": str(container.root), "readonly": True},
        "process": _process(container),
        "mounts": _mounts(container),
        "linux": _linux(container),
    }


def hosts_file(address: str, slot: str) -> str:
    """The content of /etc/hosts: nothing else can be resolved, there is no name server."""
    return f"127.0.0.1 localhost\n::1 localhost\n{address} {hostname(slot)}\n"


def _process(container: Container) -> dict[str, object]:
    low = (container.record.port or LOW_PORTS) < LOW_PORTS and container.identities is None
    kept = ["CAP_NET_BIND_SERVICE"] if low else []
    image = container.image
    user: dict[str, object] = {"uid": image.user, "gid": image.group, "additionalGids": list(image.groups)}
    if container.identities is not None and container.identities.single:
        user = {"uid": 0, "gid": 0}
    return {
        "terminal": False,
        "user": user,
        "args": list(image.command),
        "env": [f"{name}={value}" for name, value in container.variables.items()],
        "cwd": image.folder,
        "noNewPrivileges": True,
        "capabilities": dict.fromkeys(("bounding", "effective", "permitted", "inheritable", "ambient"), kept),
    }


def _mounts(container: Container) -> list[dict[str, object]]:
    temporary = ["nosuid", "nodev", "mode=1777", f"size={TEMPORARY_BYTES}"]
    group = [] if container.identities is not None and container.identities.single else ["gid=5"]
    return [
        {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
        _mount("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        _mount("/dev/pts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", *group]),
        _mount("/dev/shm", "tmpfs", ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),  # noqa: S108 - inside
        _mount("/dev/mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
        _mount("/sys", "sysfs", ["nosuid", "noexec", "nodev", "ro"]),
        *(_mount(folder, "tmpfs", temporary) for folder in WRITABLE),
        *(_mount(folder, "tmpfs", _own(container)) for folder in container.image.volumes),
        {
            "destination": "/etc/hosts",
            "type": "bind",
            "source": str(container.hosts),
            "options": ["bind", "ro", "nosuid", "nodev", "noexec"],
        },
    ]


def _own(container: Container) -> list[str]:
    """A folder of the application's own, in memory: what it holds is gone with the instance."""
    image, single = container.image, container.identities is not None and container.identities.single
    user, group = (0, 0) if single else (image.user, image.group)
    return ["nosuid", "nodev", "mode=0700", f"uid={user}", f"gid={group}", f"size={TEMPORARY_BYTES}"]


def _mount(destination: str, kind: str, options: list[str]) -> dict[str, object]:
    return {"destination": destination, "type": kind, "source": kind, "options": options}


def _linux(container: Container) -> dict[str, object]:
    kinds = ["pid", "mount", "ipc", "uts", *(["user"] if container.identities else [])]
    network = {"type": "network"} if container.network is None else {"type": "network", "path": str(container.network)}
    linux: dict[str, object] = {
        "namespaces": [*({"type": kind} for kind in kinds), network],
        "maskedPaths": list(MASKED),
        "readonlyPaths": list(READ_ONLY),
        "seccomp": seccomp.profile(),
    }
    if container.identities is None:
        linux["cgroupsPath"] = cgroup_of(container.record)
        linux["resources"] = _resources(container)
    else:
        linux["uidMappings"] = _mappings(container.identities.users)
        linux["gidMappings"] = _mappings(container.identities.groups)
    return linux


def _resources(container: Container) -> dict[str, object]:
    limits, controllers = container.limits, container.controllers
    resources: dict[str, object] = {"devices": [{"allow": False, "access": "rwm"}]}
    if "pids" in controllers:
        resources["pids"] = {"limit": PROCESSES_MOST}
    if limits.memory_bytes is not None and "memory" in controllers:
        resources["memory"] = {"limit": limits.memory_bytes}
    if limits.cpus is not None and "cpu" in controllers:
        resources["cpu"] = {"quota": cpu_quota(limits.cpus), "period": CPU_PERIOD_MICROSECONDS}
    return resources


def _mappings(mapped: tuple[tuple[int, int, int], ...]) -> list[dict[str, int]]:
    return [{"containerID": inside, "hostID": outside, "size": count} for inside, outside, count in mapped]
