"""Packages of Debian, fetched by apt itself into a folder, with nothing of this machine's state."""

import os
import subprocess
from pathlib import Path


def isolated_apt(folder: Path, suite: str) -> dict[str, str]:
    """Prepare the folder for apt; answers the environment in which it works there alone, its index brought up to date.

    apt verifies the index by the distribution's keyring, and each package by the index.
    """
    for part in ("lists/partial", "archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    (folder / "sources.list").write_text(
        f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian {suite} main\n",
        encoding="ascii",
    )
    (folder / "apt.conf").write_text(
        f'Dir::Etc::main "/dev/null";\nDir::Etc::parts "/dev/null";\n'
        f'Dir::Etc::sourcelist "{folder}/sources.list";\nDir::Etc::sourceparts "/dev/null";\n'
        f'Dir::State::lists "{folder}/lists";\nDir::State::status "{folder}/status";\n'
        f'Dir::Cache "{folder}";\nDir::Cache::archives "{folder}/archives";\n'
        'APT::Sandbox::User "root";\nAcquire::Languages "none";\n',
        encoding="ascii",
    )
    environment = {**os.environ, "APT_CONFIG": os.fspath(folder / "apt.conf")}
    subprocess.run(["apt-get", "-q", "update"], check=True, cwd=folder, env=environment, stdout=subprocess.PIPE)
    return environment


def download(folder: Path, package: str, environment: dict[str, str]) -> None:
    """Put the newest version of the package into the folder."""
    command = ["apt-get", "-q", "download", package]
    subprocess.run(command, check=True, cwd=folder, env=environment, stdout=subprocess.PIPE)
