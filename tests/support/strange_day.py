"""A bake under circumstances that must not matter: another day, user, umask, locale, time zone, hash seed, one core."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from pydantic import TypeAdapter

from repave.bakers.rootfs.cache import BOOT_ID
from repave.model.artifact import Artifact
from repave.ports.baker import BakeRequest

USER = 50000 + os.getpid() % 10000
"""Nobody's number, and another for each worker of these tests."""

DAYS_LATER = "+400d"
LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
"""Debian's faketime: programs that load it believe another time."""

BAKE = """
import sys
from pathlib import Path
from pydantic import TypeAdapter
from repave.bakers.container.baker import ContainerBaker
from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.artifact import Artifact
from repave.ports.baker import BakeRequest
from repave.ports.progress import Silent
from repave.ports.surroundings import Surroundings
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault

root, inside, faked = Path(sys.argv[1]), sys.argv[2], dict(pair.split("=", 1) for pair in sys.argv[3:])

class Elsewhen(LocalCommands):
    def run(self, arguments, **options):
        if arguments[-1] == "repave.bakers.rootfs.inside":
            arguments = (*arguments[:-2], "-c", inside)
        finished = super().run(arguments, environment=faked, **options)
        sys.stderr.write(finished.stderr)
        return finished

baker = ContainerBaker(Surroundings(project="shop", folder=root / "cache", commands=Elsewhen(), clock=SystemClock(),
    vault=FileVault(root / "vault"), registry=LayoutRegistry(root / "registry")))
request = TypeAdapter(BakeRequest).validate_json(sys.stdin.read())
print(TypeAdapter(Artifact).dump_json(baker.bake(request, progress=Silent())).decode())
"""

INSIDE = """
import functools, os, subprocess, sys
from pathlib import Path
from repave.bakers.rootfs import inside, isolation
packages = Path({packages!r})
isolation.ENVIRONMENT = {{**isolation.ENVIRONMENT, **{faked!r}, "LD_PRELOAD": "/tmp/packages/faketime.so"}}
inside.chroot = functools.partial(inside.chroot, packages=packages)
run = isolation.Chroot.run
def told(self, arguments, **options):
    day = subprocess.run(["chroot", self.root, "date", "+day inside: %F"], env=isolation.ENVIRONMENT,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    sys.stderr.write(day.stdout.decode())
    return run(self, arguments, **options)
isolation.Chroot.run = told
inside.main()
"""
"""The program inside, whose own programs find the library among the packages; it tells which day they see."""

AS_ANOTHER = """
mount --make-rprivate / && mount -t tmpfs -o mode=1777 tmpfs /dev/shm && mount --bind "$1/passwd" /etc/passwd &&
mount --bind "$1/ranges" /etc/subuid && mount --bind "$1/ranges" /etc/subgid && shift && exec "$@"
"""
"""Shows an account with a range of numbers, to this one process and its children; faketime's semaphores stay here."""


def bake_on_a_strange_day(folder: Path, vault: Path, request: BakeRequest) -> tuple[Artifact, str]:
    """Bake in ``folder`` (its own cache and registry), answer the artifact and what was said on the way."""
    packages = folder / "cache" / "boots" / BOOT_ID.read_text(encoding="ascii").strip() / "packages"
    packages.mkdir(parents=True)
    shutil.copy(LIBRARY, packages / "faketime.so")
    shutil.copytree(vault, folder / "vault")
    faked = {"FAKETIME": DAYS_LATER, "NO_FAKE_STAT": "1"}
    inside = INSIDE.format(packages=os.fspath(packages), faked=faked)
    preloaded = {**faked, "LD_PRELOAD": os.fspath(LIBRARY)}
    believing = [f"{name}={value}" for name, value in preloaded.items()]
    program = [sys.executable, "-c", BAKE, os.fspath(folder), inside, *believing]
    finished = subprocess.run(
        [*_as_another(folder), "taskset", "--cpu-list", "0", *program],
        input=TypeAdapter(BakeRequest).dump_json(request).decode(),
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.fspath(folder),
            "LC_ALL": "cs_CZ.UTF-8",
            "TZ": "Pacific/Kiritimati",
            "PYTHONHASHSEED": "4321",
        },
        umask=0o077,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if finished.returncode:
        raise AssertionError(finished.stderr)
    return TypeAdapter(Artifact).validate_json(finished.stdout), finished.stderr


def _as_another(folder: Path) -> list[str]:
    """What a command is put behind to run as another user; nothing where the tests' own user may not."""
    if os.geteuid() != 0 or not _open_to_all(*_needed()):
        return []
    passwd = Path("/etc/passwd").read_text(encoding="utf-8")
    home = os.fspath(folder)
    (folder / "passwd").write_text(f"{passwd}stranger:x:{USER}:{USER}::{home}:/bin/sh\n", encoding="utf-8")
    (folder / "ranges").write_text("stranger:2000000:65536\n", encoding="ascii")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, USER, USER)
    user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    return ["unshare", "--mount", "sh", "-c", AS_ANOTHER, "sh", home, *user]


def _needed() -> list[Path]:
    """The folders of the interpreter, also where a link of a virtual environment leads, and of this package."""
    interpreter = Path(sys.executable)
    return [interpreter.parent, interpreter.resolve().parent, Path(__file__).parent]


def _open_to_all(*folders: Path) -> bool:
    """Whether any user may enter them: the interpreter and the package must be readable to the other."""
    return all(parent.stat().st_mode & 0o001 for folder in folders for parent in (folder, *folder.parents))
