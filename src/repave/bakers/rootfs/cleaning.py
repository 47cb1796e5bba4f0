"""What installing leaves behind that belongs to one machine or one moment, and so into no image."""

import re
from collections.abc import Iterator
from pathlib import Path

SECONDS_PER_DAY = 86_400

LEFTOVERS = (
    "etc/.pwd.lock",
    "etc/group-",
    "etc/gshadow-",
    "etc/passwd-",
    "etc/shadow-",
    "etc/subgid-",
    "etc/subuid-",
    "etc/ssl/certs/ssl-cert-snakeoil.pem",
    "etc/ssl/private/ssl-cert-snakeoil.key",
    "var/lib/dbus/machine-id",
    "var/lib/dpkg/lock",
    "var/lib/dpkg/lock-frontend",
    "var/lib/dpkg/status-old",
    "var/lib/dpkg/diversions-old",
    "var/lib/dpkg/statoverride-old",
    "var/lib/dpkg/available-old",
    "var/lib/dpkg/triggers/Lock",
    "var/lib/systemd/random-seed",
)
"""Locks, copies of the state before, and what is random by nature: a key in an image would be everybody's key."""

LEFTOVER_PATTERNS = (
    ("etc/ssh", re.compile(r"ssh_host_.*_key(\.pub)?")),
    ("etc/dropbear", re.compile(r"dropbear_.*_host_key(\.pub)?")),
)
KEPT_CACHES = ("var/cache/debconf",)
"""debconf keeps its answers there; everything else under /var/cache can be made again (FHS 3.0, 5.5)."""


MAGIC, FILE_ID = slice(12, 16), slice(52, 72)
HASH = (0x061561).to_bytes(4, "little")
"""Of Berkeley DB's hashes: how they are known, and what is drawn anew for each (db_page.h, DBMETA)."""

MADE_AT = re.compile(rb"\d{10}(?=[^\n]{0,8}YP_LAST_MODIFIED)", re.DOTALL)
"""Seconds since 1970, in what postalias(1) makes of a map."""


def clean(root: Path, *, epoch: int) -> None:
    """Remove it from a root filesystem; no link is followed out of it."""
    for path in LEFTOVERS:
        _remove(root, path)
    for folder, pattern in LEFTOVER_PATTERNS:
        for path in _files(root, folder):
            if pattern.fullmatch(path.rpartition("/")[2]):
                _remove(root, path)
    for path in _files(root, "var/cache"):
        if not path.startswith(KEPT_CACHES) or path.endswith("-old"):
            _remove(root, path)
    for path in _files(root, "var/log"):
        # Empty ones came with their owner and rights from a package, and some programs do not make them anew.
        if (root / path).stat().st_size:
            _remove(root, path)
    for path in _files(root, "etc"):
        if path.endswith(".db"):
            _settle_map(root / path, epoch)
    _forget_machine(root)
    _clamp_password_days(root, epoch // SECONDS_PER_DAY)


def _settle_map(place: Path, epoch: int) -> None:
    """A map of Berkeley DB, as mail servers make of their settings, without its number and the time it was made."""
    content = place.read_bytes()
    if content[MAGIC] != HASH:
        return
    number = content[FILE_ID]
    settled = MADE_AT.sub(f"{epoch:010d}".encode(), content.replace(number, bytes(len(number))))
    if settled != content:
        place.write_bytes(settled)


def _forget_machine(root: Path) -> None:
    """An empty machine-id is filled at first start (machine-id(5)); one that is baked in would be everybody's."""
    if _is_ours(root, "etc/machine-id") and (root / "etc/machine-id").stat().st_size:
        (root / "etc/machine-id").write_bytes(b"")


def _clamp_password_days(root: Path, latest: int) -> None:
    """The day an account was made (shadow(5), third field) is the day of the bake: not later than the packages."""
    if not _is_ours(root, "etc/shadow"):
        return
    place = root / "etc/shadow"
    lines = place.read_text(encoding="utf-8").splitlines(keepends=True)
    clamped = [_clamped(line.split(":"), latest) for line in lines]
    if clamped != lines:
        place.write_text("".join(clamped), encoding="utf-8")


def _clamped(fields: list[str], latest: int) -> str:
    day = 2
    if len(fields) > day and fields[day].isdigit():
        fields[day] = str(min(int(fields[day]), latest))
    return ":".join(fields)


def _remove(root: Path, path: str) -> None:
    if _is_ours(root, path):
        (root / path).unlink()


def _is_ours(root: Path, path: str) -> bool:
    """Whether it is a regular file that no link on the way leads to."""
    place = root / path
    parents = [parent for parent in place.parents if parent.is_relative_to(root) and parent != root]
    return not any(parent.is_symlink() for parent in parents) and place.is_file() and not place.is_symlink()


def _files(root: Path, folder: str) -> Iterator[str]:
    """Every regular file below the folder, links not followed."""
    if (root / folder).is_symlink() or not (root / folder).is_dir():
        return
    for place in sorted((root / folder).rglob("*")):
        path = place.relative_to(root).as_posix()
        if _is_ours(root, path):
            yield path
