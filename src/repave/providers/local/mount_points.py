"""Empty folders of a root filesystem for what runc mounts into it."""

from pathlib import Path

from repave.providers.local.containers import MOUNT_POINTS, WRITABLE


def make_mount_points(root: Path) -> None:
    """Make what is missing of them below ``root``; where the image leads astray, nothing."""
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o755)  # whatever our umask is: this becomes the instance's own root
    for name in MOUNT_POINTS:
        if _leads_astray(root, name):
            continue
        folder = root / name
        if not folder.is_dir():
            folder.mkdir()
            folder.chmod(0o755)
        if f"/{name}" in WRITABLE:
            # A tmpfs mounted by runc takes the mode of the folder below it, whatever its own options say.
            folder.chmod(0o1777)
    if not _leads_astray(root, "etc/hosts"):
        (root / "etc" / "hosts").touch()


def _leads_astray(root: Path, name: str) -> bool:
    """Whether a step of the way below ``root`` is a link, which could lead to a folder of this machine."""
    path = root
    for part in name.split("/"):
        path /= part
        if path.is_symlink():
            return True
    return False
