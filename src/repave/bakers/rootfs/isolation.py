"""The chroot in which packages' own scripts run: no network, no devices but the harmless ones, no services started.

It is entered only inside the namespaces that ``chamber`` makes, so every mount ends with the process.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

DEVICES = ("full", "null", "random", "tty", "urandom", "zero")
"""What maintainer scripts need and cannot harm the host with."""

ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBCONF_NONINTERACTIVE_SEEN": "true",
    "DEBCONF_NOWARNINGS": "yes",
    # Python's own order of sets would otherwise differ from run to run, and with it compiled files.
    "PYTHONHASHSEED": "0",
    # Tells package scripts, as systemd's, that this is no system to be started or stopped.
    "SYSTEMD_OFFLINE": "1",
}

NO_SERVICES = "#!/bin/sh\n# Baking starts no service (invoke-rc.d(8)).\nexit 101\n"
OUTPUT_KEPT_BYTES = 20_000


class ProgramFailed(Exception):
    """A program inside ended with an error; ``chamber`` turns it into the port's own."""

    def __init__(self, arguments: Sequence[str], exit_code: int, output: str) -> None:
        super().__init__(json.dumps([arguments[0], exit_code]))
        self.arguments = tuple(arguments)
        self.exit_code = exit_code
        self.output = output


def run(arguments: Sequence[str], *, environment: Mapping[str, str] | None = None, accept: Sequence[int] = (0,)) -> int:
    """Run a program and answer its exit code; raises ProgramFailed for one that is not in ``accept``.

    This process is what the commands port started: it runs its own programs, there is no port inside.
    """
    finished = subprocess.run(
        arguments,
        env=dict(environment or ENVIRONMENT),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if finished.returncode not in accept:
        output = finished.stdout[-OUTPUT_KEPT_BYTES:].decode(errors="replace")
        raise ProgramFailed(arguments, finished.returncode, output)
    return finished.returncode


@dataclass(frozen=True, kw_only=True)
class Chroot:
    """A root filesystem that programs can be run in."""

    root: Path
    epoch: int
    """What programs that ask SOURCE_DATE_EPOCH take for now."""

    variables: Mapping[str, str]
    """Beside those that every program has."""

    def run(self, arguments: Sequence[str], *, accept: Sequence[int] = (0,)) -> int:
        """Run a program in it; see ``run``."""
        environment = {**ENVIRONMENT, **self.variables, "SOURCE_DATE_EPOCH": str(self.epoch)}
        return run(["chroot", os.fspath(self.root), *arguments], environment=environment, accept=accept)

    @contextmanager
    def without_services(self) -> Iterator[None]:
        """Nothing is started in the block, by neither of the two ways that scripts have."""
        policy = self.root / "usr/sbin/policy-rc.d"
        policy.write_text(NO_SERVICES, encoding="ascii")
        policy.chmod(0o755)
        try:
            with ExitStack() as stack:
                starter = self.root / "usr/sbin/start-stop-daemon"
                if starter.is_file():
                    stack.enter_context(mounted(["--bind", os.fspath(self.root / "usr/bin/true")], starter))
                yield
        finally:
            policy.unlink()


@contextmanager
def chroot(
    root: Path, *, epoch: int, packages: Path | None = None, variables: Mapping[str, str] | None = None
) -> Iterator[Chroot]:
    """``root`` with /proc, /dev, an empty /tmp, and the package files at /tmp/packages; all of it gone after."""
    with ExitStack() as stack:
        for name in ("proc", "dev", "tmp"):
            (root / name).mkdir(exist_ok=True)
        stack.enter_context(mounted(["-t", "proc", "proc"], root / "proc"))
        stack.enter_context(mounted(["-t", "tmpfs", "-o", "mode=755", "tmpfs"], root / "dev"))
        for device in DEVICES:
            (root / "dev" / device).touch()
            stack.enter_context(mounted(["--bind", f"/dev/{device}"], root / "dev" / device))
        for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
            (root / "dev" / name).symlink_to(f"/proc/self/fd{target}")
        (root / "dev/shm").mkdir()
        stack.enter_context(mounted(["-t", "tmpfs", "-o", "mode=1777", "tmpfs"], root / "tmp"))
        if packages is not None:
            (root / "tmp/packages").mkdir()
            stack.enter_context(mounted(["--bind", "-o", "ro", os.fspath(packages)], root / "tmp/packages"))
        yield Chroot(root=root, epoch=epoch, variables=variables or {})


@contextmanager
def mounted(arguments: Sequence[str], target: Path) -> Iterator[None]:
    """One mount, for the block."""
    run(["mount", *arguments, os.fspath(target)])
    try:
        yield
    finally:
        run(["umount", os.fspath(target)])
