"""What becomes of a file that no package owns, by its path: rules that a person may overrule."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from repave.model.recipe import ImageKind
from repave.operations.adopting.findings import Fate

GENERATED = re.compile(
    r"/(?:"
    r"etc/(?:passwd|group|subuid|subgid|mtab|machine-id|hostname|hosts|resolv\.conf|localtime|timezone|adjtime|fstab"
    r"|ld\.so\.cache|environment|shells|networks|motd|os-release|nsswitch\.conf|debian_version|locale\.gen|inputrc"
    r"|\.pwd\.lock|\.updated|aliases\.db|ca-certificates\.conf|mailcap|default/(?:locale|keyboard|console-setup)"
    r"|(?:passwd|group|subuid|subgid)-|ssl/certs/.*|alternatives/.*|rc[0-6S]\.d/.*|dictionaries-common/.*|emacs/.*"
    r"|systemd/system/[^/]+\.(?:wants|requires)/.*|systemd/user/.*|apt/sources\.list|apt/sources\.list\.d/.*"
    r"|apt/trusted\.gpg(?:\.d/.*|~)?|apt/keyrings/.*|apt/apt\.conf\.d/.*|apt/preferences\.d/.*|profile|bash\.bashrc"
    r"|pam\.d/common-.*|console-setup/.*|network/.*|cloud/.*|X11/.*|mke2fs\.conf|ssh/ssh_host_.*\.pub|init\.d/\.depend\..*"
    r"|g?shadow-?|security/opasswd|dpkg/origins/default|python3/debian_config|nginx/modules-enabled/50-mod-.*"
    r"|udev/.*|resolvconf/.*|dpkg/dpkg\.cfg\.d/.*|apparmor\.d/(?:local|cache)/.*|vim/.*)"
    r"|usr/(?:.*/__pycache__/.*|lib/locale/.*|share/mime/.*|share/info/dir.*|share/applications/mimeinfo\.cache"
    r"|share/fonts/.*|lib/.*/gconv/gconv-modules\.cache|lib/modules/.*|share/icons/.*\.cache|lib/udev/hwdb\.bin"
    r"|lib/.*/(?:loaders|immodules)\.cache|share/glib-2\.0/schemas/gschemas\.compiled|local/share/fonts/\.uuid"
    r"|lib/ssl/.*|share/keyrings/.*|sbin/policy-rc\.d|local/man)"
    r"|var/(?:lib/(?:dpkg|apt|systemd|ucf|pam|python|misc|dbus|initramfs-tools|initscripts|shells\.state|logrotate"
    r"|man-db|vim|polkit-1|private|ghostscript|emacsen-common|sgml-base|xml-core|plymouth|update-rc\.d|insserv"
    r"|apache2/(?:module|conf|site)|php/modules|NetworkManager|dhcp|grub|os-prober|debconf|aspell|ispell|dictionaries-common|usb_modeswitch|locales|urandom)(?:/.*)?"
    r"|cache/.*|log/.*|tmp/.*|backups/.*|run|lock|run/.*|spool/(?:rsyslog|mail)|mail|local)"
    r"|var/www/html/index\.(?:nginx-debian\.)?html|root/\.(?:bashrc|profile)"
    r"|boot/.*|(?:tmp|mnt|media|lost\+found|proc|sys|dev|run)/.*|(?:initrd\.img|vmlinuz)(?:\.old)?|\.dockerenv|swapfile.*"
    r"|(?:bin|sbin|lib|lib32|lib64|libx32))"
)
"""What packages' scripts, apt, the kernel or the start of the machine make: the bake or the start makes it again."""

MADE_BY_PACKAGES = {
    "/etc/nginx/sites-enabled/default": "nginx-common",
    "/etc/apache2/sites-enabled/000-default.conf": "apache2",
}
"""Links that a package's script makes when it is installed. Who removed one wants what it enables to be off."""

STATE = re.compile(
    r"/(?:var/(?:lib|spool|mail|opt|games|www/(?:.*/)?(?:uploads|files|media))/.*"
    r"|(?:srv|opt|var/www)/(?:.*/)?(?:uploads|upload|media|data|storage)/.*"
    r"|home/.*|root/.*|.*\.(?:sqlite3?|db|rdb|aof|mdb|ibd)(?:-(?:wal|shm|journal))?|var/backups/.*|var/vmail/.*)"
)
"""What an application or its users leave behind: a rollout would lose it."""

APPLICATION = re.compile(r"/(?:etc|usr|opt|srv|var/www)/.*")
"""Where an administrator puts what runs (FHS 3.0, 3.7, 3.13, 3.17, 4.9)."""

SECRET = re.compile(
    r"/(?:etc/(?:ssl/private/.*|ssh/ssh_host_[^/]*_key|krb5\.keytab|sudoers(?:\.d/.*)?"
    r"|letsencrypt/(?:accounts|archive|live)/.*|wireguard/.*|openvpn/.*\.key|NetworkManager/system-connections/.*"
    r"|apt/auth\.conf(?:\.d/.*)?|ppp/(?:chap|pap)-secrets|(?:.*/)?\.?htpasswd[^/]*)"
    r"|(?:.*/)?(?:\.ssh/(?!authorized_keys$|known_hosts)[^/]*|\.gnupg/.*|\.aws/credentials|\.kube/config|\.docker/config\.json"
    r"|\.pgpass|\.my\.cnf|\.netrc|\.htpasswd|\.git-credentials|[^/]*\.key|[^/]*\.keytab))"
)
"""By its path alone it is one; what others hold is looked at."""

LEFT_BEHIND = re.compile(
    r"/(?:.*/)?(?:__pycache__|\.git|\.hg|\.svn|\.cache|\.npm)/.*"
    r"|/.*(?:-packages/\.lock|~|\.swp|\.dpkg-(?:old|dist|new|tmp)|\.ucf-(?:old|dist)|\.pyc)"
)
"""What tools leave beside an application: no part of it."""

OF_ANY_MACHINE = re.compile(
    r"(?:linux-(?:image|headers|base).*|grub.*|shim-.*|efibootmgr|firmware-.*|.*-microcode|initramfs-tools.*|dracut.*"
    r"|systemd.*|libnss-systemd|libpam-systemd|dbus.*|udev|kmod|init|sysvinit.*|ifupdown.*|isc-dhcp-client.*|netplan.*"
    r"|network-manager.*|openssh-(?:server|sftp-server)|task-.*|tasksel.*|installation-report|discover.*|laptop-detect|popularity-contest"
    r"|console-setup.*|keyboard-configuration|kbd|cloud-init.*|cloud-.*|qemu-guest-agent|open-vm-tools.*|acpid?|acpi-support.*"
    r"|unattended-upgrades|apt-listchanges|mdadm|lvm2"
    r"|dmsetup|parted|smartmontools|irqbalance|haveged|fail2ban|e2fsprogs|dosfstools|os-prober|busybox|eject|usbutils"
    r"|pciutils|reportbug|debian-faq|doc-debian|util-linux.*|apt.*|login|passwd|usrmerge)"
)
"""Packages that serve any machine: its kernel, start, network, log-in and disks. Each has them anew, or needs none."""

WITHIN_A_MACHINE = re.compile(r"cron|cron-daemon-common|anacron|rsyslog|logrotate|ntp.*|chrony|ufw")
"""Packages that serve what runs on a machine. A container has none of them either."""


def serves_machine(package: str, kind: ImageKind) -> bool:
    """Whether a package of the server is none of an image's of this kind."""
    within = kind is not ImageKind.VM and WITHIN_A_MACHINE.fullmatch(package)
    return bool(within or OF_ANY_MACHINE.fullmatch(package))


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a person said of folders and files, before the rules of this module."""

    state: tuple[str, ...] = ()
    take: tuple[str, ...] = ()

    def of(self, path: str) -> Fate:
        """What becomes of a file that no package owns."""
        for place, fate in self._said():
            if path == place or path.startswith(f"{place.rstrip('/')}/"):
                return Fate.SECRET if fate is Fate.TAKEN and SECRET.fullmatch(path) else fate
        if SECRET.fullmatch(path):
            return Fate.SECRET
        if GENERATED.fullmatch(path) or LEFT_BEHIND.fullmatch(path):
            return Fate.AGAIN
        if STATE.fullmatch(path):
            return Fate.STATE
        return Fate.TAKEN if APPLICATION.fullmatch(path) else Fate.OPEN

    def _said(self) -> Iterator[tuple[str, Fate]]:
        """The longest path first: it is the most exact."""
        said = [*((place, Fate.STATE) for place in self.state), *((place, Fate.TAKEN) for place in self.take)]
        yield from sorted(said, key=lambda one: -len(one[0]))
