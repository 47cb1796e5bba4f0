"""mmdebstrap, making a root filesystem of exactly the given packages."""

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from peers.server import run
from repave.model.lock import LockedPackage
from repave.ports.vault import Vault

LIMIT_SECONDS = 600.0

MERGE = 'for folder in bin sbin lib lib64; do mkdir -p "$1/usr/$folder"; ln -s "usr/$folder" "$1/$folder"; done'
"""What ``usr-is-merged`` counts on; as the hook that comes with mmdebstrap has it, but for packages of its own."""


def flat_repository(folder: Path, packages: Sequence[LockedPackage], vault: Vault) -> Path:
    """The packages and their index in one folder, as ``deb copy:FOLDER ./`` reads it."""
    folder.mkdir(parents=True)
    for package in packages:
        os.link(vault.path(package.sha256), folder / package.filename)
    listed = subprocess.run(["dpkg-scanpackages", "."], cwd=folder, check=True, capture_output=True)
    (folder / "Packages").write_bytes(listed.stdout)
    return folder


def mmdebstrap(repository: Path, packages: Sequence[LockedPackage], target: Path) -> float:
    """Seconds to make the tar of them."""
    names = ",".join(package.name for package in packages)
    began = time.perf_counter()
    run(
        [
            *("env", "SOURCE_DATE_EPOCH=1700000000"),
            *(
                "mmdebstrap",
                "--quiet",
                "--variant=custom",
                f"--setup-hook={MERGE}",
                f"--include={names}",
                "bookworm",
                str(target),
            ),
            f"deb [trusted=yes] copy:{repository} ./",
        ],
        seconds=LIMIT_SECONDS,
    )
    return time.perf_counter() - began
