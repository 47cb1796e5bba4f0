"""What of systemd a server has no use for: each unit left out is time at every start, and some are a way in.

Told to people in ``docs/how-to/bake-a-virtual-machine.md``. Who wants one of them has the recipe bring a file or a link
of that name, such as by ``files``: see ``Settings.beside``.
"""

from collections.abc import Iterator

from repave.bakers.disk.units import NAME, UNITS, WARM_NAME

GENERATORS = "etc/systemd/system-generators"

UNUSED = (
    # Nothing is changed in place.
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    # Nobody logs in or answers questions at a console.
    "getty@tty1.service",
    "serial-getty@ttyS0.service",
    "systemd-ask-password-console.path",
    "systemd-ask-password-wall.path",
    "systemd-firstboot.service",
    # Views into the kernel that no application may see.
    "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    # Programs of other machines.
    "proc-sys-fs-binfmt_misc.automount",
    "systemd-binfmt.service",
    # Devices that a virtual server does not have, or that are made when they are first used.
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "kmod-static-nodes.service",
    "modprobe@drm.service",
    "modprobe@dm_mod.service",
    "modprobe@efi_pstore.service",
    "modprobe@loop.service",
    "systemd-pstore.service",
    # The way to talk to the init that came before.
    "systemd-initctl.socket",
    # Done by systemd-tmpfiles-setup.service, see `TEMPORARY`.
    "systemd-tmpfiles-setup-dev.service",
    # Starts and stops, written down where nobody logs in to read of them; the journal has them.
    "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service",
    # What the bake has done already.
    "systemd-sysusers.service",
)
"""Linked to nothing in every machine."""

UNUSED_GENERATORS = (
    "cryptsetup",
    "getty",
    "gpt-auto",
    "hibernate-resume",
    "integritysetup",
    "rc-local",
    "run",
    "system-update",
    "veritysetup",
)
"""Programs that look at every start for what the machine's own table of file systems and units say already."""

DEVICES = ("acpi", "block", "input", "net", "nvme", "pci", "ptp", "scsi", "usb", "virtio", "vmbus", "xen")
"""Kinds of devices that are there at the start and want a driver, a name or a link: disks, network, the power button.

The kernel makes the rest whole, and going through the rules for some hundreds of them changes nothing.
"""

COLDPLUG = f"{UNITS}/systemd-udev-trigger.service.d/60-repave.conf"


TEMPORARY = f"{UNITS}/systemd-tmpfiles-setup.service.d/60-repave.conf"
TEMPORARY_ONCE = """\
[Service]
ExecStart=
ExecStart=systemd-tmpfiles --create --remove --boot
"""
"""Device nodes, which a program of their own would make before, among the rest: udev makes those that others need."""

LATER = tuple(f"{UNITS}/{name}.service.d/60-repave.conf" for name in ("systemd-logind", "systemd-user-sessions"))
AFTER_APPLICATION = f"""\
[Unit]
After={NAME} {WARM_NAME}
"""
"""Logins and the power button need not be there before the application is."""


def unused_links() -> Iterator[tuple[str, str]]:
    """Links by path, without the first slash, to nothing."""
    for unit in UNUSED:
        yield f"{UNITS}/{unit}", "/dev/null"
    for generator in UNUSED_GENERATORS:
        yield f"{GENERATORS}/systemd-{generator}-generator", "/dev/null"


def coldplug() -> str:
    """Which devices that are there at the start are gone through, disks and network first."""
    kinds = " ".join(f"--subsystem-match={kind}" for kind in DEVICES)
    trigger = f"udevadm trigger --type=devices --action=add --prioritized-subsystem=block,net {kinds}"
    return f"[Service]\nExecStart=\nExecStart=-{trigger}\n"
