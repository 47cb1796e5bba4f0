"""What a virtual machine needs beside what its recipe names: in its files, and to make its disk."""

from repave.model.recipe import Image, ImageKind

PARTS = (
    "ca-certificates",
    "cloud-init",
    "dbus",
    "iproute2",
    # With logind the power button stops the machine (systemd-logind.service(8)).
    "libpam-systemd",
    "netbase",
    "systemd",
    "systemd-resolved",
    "systemd-sysv",
    "udev",
)
"""Of every machine: what starts its units, names its devices, reads its configuration and reaches its network."""

KERNELS = {"amd64": "linux-image-cloud-amd64"}
"""Kernels for virtual machines, by architecture."""

LOADERS = {"amd64": ("busybox-static", "e2fsprogs", "grub-efi-amd64-bin", "grub-pc-bin", "mtools")}
"""By architecture what makes a disk of the files and starts it, with both kinds of firmware."""


def machine_parts(image: Image) -> tuple[str, ...]:
    """What lies in the machine's files; nothing for other kinds of images."""
    return (*PARTS, KERNELS[image.base.architecture]) if image.kind is ImageKind.VM else ()


def loaders(image: Image) -> tuple[str, ...]:
    """What its disk is made with; nothing for other kinds of images."""
    return LOADERS[image.base.architecture] if image.kind is ImageKind.VM else ()
