"""The limit of a cold bake: unpacking the same packages, and nothing else, on all cores."""

import os
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from repave.model.lock import LockedPackage
from repave.ports.vault import Vault


def unpack_all(packages: Sequence[LockedPackage], vault: Vault, target: Path) -> float:
    """Seconds until all of them lie in one folder, each unpacked by ``dpkg-deb``, the largest first."""
    target.mkdir(parents=True)
    ordered = sorted(packages, key=lambda package: -package.size_bytes)
    began = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda package: _unpack(vault.path(package.sha256), target), ordered):
            continue
    return time.perf_counter() - began


def _unpack(package: Path, target: Path) -> None:
    """What ``dpkg-deb --extract`` does, with links of the root such as /bin left as they are."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as reader:
        subprocess.run(
            ["tar", "--extract", "--keep-directory-symlink", "--directory", target], stdin=reader.stdout, check=True
        )
    if reader.returncode:
        raise subprocess.CalledProcessError(reader.returncode, reader.args)
