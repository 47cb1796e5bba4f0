"""Folders with all below them."""

import os
import shutil
import stat
from pathlib import Path


def remove_tree(folder: Path) -> None:
    """Remove the folder and all below it, also where the image made folders read-only; not there is no error."""
    if not folder.is_dir():
        return
    for path, names, _ in os.walk(folder):
        for name in names:
            below = Path(path) / name
            if not below.is_symlink() and not stat.S_IMODE(below.lstat().st_mode) & stat.S_IWUSR:
                below.chmod(0o700)
    shutil.rmtree(folder)
