"""What makes a machine of a root filesystem: mounts, network, first start, hardening. No setting of an environment.

What of it hardens the machine is told to people in ``docs/how-to/bake-a-virtual-machine.md``.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from repave.bakers.disk.enabled import SPEAKING, TO_CONSOLE, UnitFile, configured, enabling_links
from repave.bakers.disk.identity import IDENTITY_UNIT, PLACE, SCRIPT, WAITING_SCRIPT
from repave.bakers.disk.slimness import (
    AFTER_APPLICATION,
    COLDPLUG,
    LATER,
    TEMPORARY,
    TEMPORARY_ONCE,
    coldplug,
    unused_links,
)
from repave.bakers.disk.table import ROOT_NAME
from repave.bakers.disk.units import (
    IDENTITY_NAME,
    NAME,
    UNITS,
    WAITING_PLACE,
    WANTS,
    WARM_NAME,
    application_unit,
    warm_unit,
)
from repave.bakers.rootfs.installation import first_below, those_in
from repave.bakers.rootfs.stage import Stage
from repave.ports.baker import BakeRequest
from repave.ports.disk_format import ENVIRONMENT_ARGUMENT
from repave.ports.errors import Invalid

ARGUMENTS = (
    f"root=PARTLABEL={ROOT_NAME} rootfstype=ext4 rw console=tty0 console=ttyS0,115200n8 loglevel=4 panic=5"
    " no_timer_check systemd.show_status=auto"
)
"""The kernel's: what goes wrong in it, and what systemd waits for and applications say, is on the first serial line.

The timer is not tried: where it is emulated on a busy machine its ticks come late, and the kernel would stop there.
"""

DATA_SOURCES = ("NoCloud", "ConfigDrive", "None")
"""Where cloud-init looks for the configuration: two disks that who runs the machine attaches; no server is asked."""

SSH_SERVER = "openssh-server"
"""Its keys are made by cloud-init."""

CLOUD_FOLDERS = ("etc/cloud", "var/lib/cloud")
"""What a recipe lays here is for cloud-init."""

TMP_UNIT = "tmp.mount"

ENABLED = {
    WANTS: ("systemd-networkd.service",),
    "network-online.target.wants": ("systemd-networkd-wait-online.service",),
    "sockets.target.wants": ("systemd-networkd.socket",),
    "local-fs.target.wants": (TMP_UNIT,),
}

FSTAB = f"""\
PARTLABEL={ROOT_NAME} / ext4 rw,noatime,nodev,errors=remount-ro,x-systemd.growfs 0 0
"""

GROWN_PARTITION = """\
[Partition]
Type=root
"""
"""With no size it takes all that is left of the disk, in front of which it lies: nothing else is changed."""

GROWING = f"""\
[Unit]
ConditionKernelCommandLine=!{ENVIRONMENT_ARGUMENT}
"""
"""Not where the disk is known to be as large as it was baked."""

TMP_MOUNT = """\
[Unit]
Description=Files for a while
Before=local-fs.target

[Mount]
What=tmpfs
Where=/tmp
Type=tmpfs
Options=mode=1777,nosuid,nodev,size=50%
"""

NETWORK = """\
[Match]
Type=ether

[Network]
DHCP=yes

[DHCPv4]
UseHostname=no
"""

RESOLVED = """\
[Resolve]
LLMNR=no
MulticastDNS=no
"""
"""Names come from the servers that DHCP names, and are asked of no neighbours."""

SYSCTL = """\
kernel.dmesg_restrict = 1
kernel.kptr_restrict = 2
kernel.unprivileged_bpf_disabled = 1
kernel.yama.ptrace_scope = 1
fs.protected_fifos = 2
fs.protected_regular = 2
net.ipv4.conf.all.accept_redirects = 0
net.ipv4.conf.default.accept_redirects = 0
net.ipv4.conf.all.send_redirects = 0
net.ipv4.conf.all.rp_filter = 1
net.ipv6.conf.all.accept_redirects = 0
net.ipv6.conf.default.accept_redirects = 0
"""

SSH_SETTINGS = "etc/ssh/sshd_config.d/10-repave.conf"
SSHD = """\
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
"""

MACHINE_ID = "etc/machine-id"

OWN = frozenset(
    {
        *(f"{UNITS}/{name}" for name in (NAME, WARM_NAME, IDENTITY_NAME)),
        *(f"{UNITS}/{WANTS}/{name}" for name in (NAME, WARM_NAME)),
        *(PLACE, WAITING_PLACE, MACHINE_ID),
    }
)
"""What no recipe takes the place of: the application's start, and what makes each machine another one."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All files and links, by path without the first slash."""

    files: Mapping[str, str]
    links: Mapping[str, str]

    @classmethod
    def of(cls, request: BakeRequest, units: Mapping[str, UnitFile]) -> "Settings":
        """For one image, whole; ``units`` as for ``own``. Raises Invalid for a command that no unit can hold."""
        own, base = cls.own(request, units), cls.base(ssh=_has_ssh(request))
        return cls(files={**base.files, **own.files}, links={**base.links, **own.links})

    @classmethod
    def own(cls, request: BakeRequest, units: Mapping[str, UnitFile]) -> "Settings":
        """What is the recipe's own of it. Raises Invalid for a command that no unit can hold.

        ``units`` has the file of each that the recipe names: see ``enabled.located``.
        """
        made = {NAME: application_unit(request), WARM_NAME: warm_unit(request)} if request.image.run else {}
        return cls(
            files={
                **{f"{UNITS}/{name}": unit for name, unit in made.items()},
                **({SSH_SETTINGS: SSHD} if _has_ssh(request) else {}),
                **({SPEAKING: TO_CONSOLE} if units else {}),
                **dict(configured(units)),
            },
            links={
                **{f"{UNITS}/{WANTS}/{name}": f"/{UNITS}/{name}" for name in made},
                **dict(enabling_links(units)),
            },
        )

    @classmethod
    def base(cls, *, ssh: bool = False) -> "Settings":
        """What any machine has."""
        files = {
            "etc/fstab": FSTAB,
            "etc/systemd/network/80-repave.network": NETWORK,
            f"{UNITS}/{TMP_UNIT}": TMP_MOUNT,
            COLDPLUG: coldplug(),
            TEMPORARY: TEMPORARY_ONCE,
            **dict.fromkeys(LATER, AFTER_APPLICATION),
            f"{UNITS}/{IDENTITY_NAME}": IDENTITY_UNIT,
            PLACE: SCRIPT,
            WAITING_PLACE: WAITING_SCRIPT,
            "etc/repart.d/50-root.conf": GROWN_PARTITION,
            f"{UNITS}/systemd-repart.service.d/60-repave.conf": GROWING,
            "etc/systemd/resolved.conf.d/60-repave.conf": RESOLVED,
            "etc/sysctl.d/60-repave.conf": SYSCTL,
            "etc/cloud/cloud.cfg.d/99-repave.cfg": cloud_settings(ssh=ssh),
            # Filled at first start: empty means that nobody is asked anything (machine-id(5)).
            MACHINE_ID: "",
            "etc/hostname": "localhost\n",
            "etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n",
        }
        return cls(files=files, links=dict(_links()))

    def beside(self, layers: Iterable[Path]) -> "Settings":
        """Those that are left beside what the recipe brings above its packages, which comes first.

        ``layers`` has it. Raises Invalid where something of it is in the place of ``OWN``.
        """
        paths = {*self.files, *self.links, *OWN}
        brought = {path for layer in layers for path in those_in(layer, paths)}
        for path in sorted(brought & OWN):
            raise Invalid(
                f"the recipe brings /{path}, which repave makes for each machine",
                hint="give it another target; a unit is changed by a file in a folder of its name with `.d` at the end",
            )
        return Settings(
            files={path: text for path, text in self.files.items() if path not in brought},
            links={path: target for path, target in self.links.items() if path not in brought},
        )

    def lay_out(self, stage: Stage) -> None:
        """Put all of it where it belongs."""
        for path, text in self.files.items():
            with stage.file(path, mode=0o644, origin="the machine") as file:
                file.write(text.encode())
        for path, target in self.links.items():
            stage.link(path, target, origin="the machine")


def needs_cloud_init(request: BakeRequest, above: Iterable[Path]) -> bool:
    """Whether a disk with the variables alone is not enough for its first start.

    ``above`` has the layers of what the recipe brings above its packages: whichever way it comes, it may be for
    cloud-init.
    """
    return _has_ssh(request) or any(first_below(layer, CLOUD_FOLDERS) for layer in above)


def _has_ssh(request: BakeRequest) -> bool:
    return any(package.name == SSH_SERVER for package in request.packages)


def cloud_settings(*, ssh: bool) -> str:
    """What cloud-init does at the first start, and all that it does: no package is installed or brought up to date."""
    keys = ("ssh",) if ssh else ()
    first = ("seed_random", "bootcmd", "set_hostname", "users-groups", *keys)
    return (
        "\n".join(
            (
                f"datasource_list: [{', '.join(DATA_SOURCES)}]",
                "network: {config: disabled}",
                "users: []",
                "disable_root: true",
                "ssh_pwauth: false",
                "package_update: false",
                "package_upgrade: false",
                "cloud_init_modules:",
                # At every start: what is laid into memory is gone after one.
                "- [write-files, always]",
                *(f"- {module}" for module in first),
                "cloud_config_modules:",
                "- runcmd",
                "cloud_final_modules:",
                "- scripts-user",
                "- final-message",
            )
        )
        + "\n"
    )


def _links() -> Iterator[tuple[str, str]]:
    yield "etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf"
    yield from unused_links()
    for target, units in ENABLED.items():
        for unit in units:
            folder = UNITS if unit == TMP_UNIT else "lib/systemd/system"
            yield f"{UNITS}/{target}/{unit}", f"/{folder}/{unit}"
