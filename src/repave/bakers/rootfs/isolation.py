"""The chroot in which packages' own scripts run: no network, no devices but the harmless ones, no services started.

It is entered only inside the namespaces that ``chamber`` makes, so every mount ends with the process; and only by what
has given up the rights that would lead out of it, see ``confinement``.
"""

import errno
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from repave.bakers.rootfs.confinement import enter

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

INITIAL_USERS = 0xEFFFFFFD
"""The inode of the first user namespace (include/linux/proc_ns.h, PROC_USER_INIT_INO)."""

NOT_STARTED = 127
"""What a shell ends with when there is no such program."""

POLICY = Path("/usr/sbin/policy-rc.d")
NO_SERVICES = b"#!/bin/sh\n# Baking starts no service (invoke-rc.d(8)).\nexit 101\n"
IDLE = b"#!/bin/sh\nexit 0\n"
OUTPUT_KEPT_BYTES = 20_000


class ProgramFailed(Exception):
    """A program inside ended with an error; ``chamber`` turns it into the port's own."""

    def __init__(self, arguments: Sequence[str], exit_code: int, output: str) -> None:
        super().__init__(json.dumps([arguments[0], exit_code]))
        self.arguments = tuple(arguments)
        self.exit_code = exit_code
        self.output = output


def run(arguments: Sequence[str]) -> None:
    """Run a program of this machine; raises ProgramFailed.

    This process is what the commands port started: it runs its own programs, there is no port inside.
    """
    _judged(
        arguments,
        subprocess.run(
            arguments,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        ),
        accept=(0,),
    )


@dataclass(frozen=True, kw_only=True)
class Chroot:
    """A root filesystem that programs can be run in."""

    root: Path
    epoch: int
    """What programs that ask SOURCE_DATE_EPOCH take for now."""

    variables: Mapping[str, str]
    """Beside those that every program has."""

    def run(self, arguments: Sequence[str], *, accept: Sequence[int] = (0,)) -> int:
        """Run a program in it and answer its exit code; raises ProgramFailed for one that is not in ``accept``."""
        finished = self.ask(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return _judged(arguments, finished, accept=accept)

    def ask(
        self, arguments: Sequence[str], *, stdin: int = subprocess.DEVNULL, stdout: int | None, stderr: int | None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program in it, however it ends; raises ProgramFailed for one that cannot be started.

        Nothing of it runs any more then.
        """
        try:
            return subprocess.run(
                arguments,
                env={**ENVIRONMENT, **self.variables, "SOURCE_DATE_EPOCH": str(self.epoch)},
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                check=False,
                # No other thread of this process runs meanwhile, whose locks the child could wait for.
                preexec_fn=partial(enter, self.root),
            )
        except OSError as error:
            raise ProgramFailed(arguments, NOT_STARTED, f"{arguments[0]}: {error.strerror}") from error
        finally:
            end_all()

    def do(self, work: Callable[[], None]) -> None:
        """Do some work with files as a program in it would: no link that programs left there leads out of it.

        It finds no module there that was not loaded before. Raises OSError as the work does.
        """
        child = os.fork()
        if child == 0:
            code = errno.EIO
            try:
                enter(self.root)
                work()
                code = 0
            except OSError as error:
                code = error.errno or code
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        if code:
            raise OSError(code, os.strerror(code), os.fspath(self.root))

    @contextmanager
    def without_services(self) -> Iterator[None]:
        """Nothing is started in the block, by neither of the two ways that scripts have."""
        self.do(_forbid_services)
        try:
            with ExitStack() as stack:
                starter = self.root / "usr/sbin/start-stop-daemon"
                if starter.is_file():
                    idle = self.root.parent / "idle"
                    idle.write_bytes(IDLE)
                    idle.chmod(0o755)
                    stack.enter_context(mounted(["--bind", os.fspath(idle)], starter))
                yield
        finally:
            self.do(POLICY.unlink)


@contextmanager
def chroot(
    root: Path, *, epoch: int, packages: Path | None = None, variables: Mapping[str, str] | None = None
) -> Iterator[Chroot]:
    """``root`` with /proc, /dev, an empty /tmp, and the package files at /tmp/packages; all of it gone after."""
    with ExitStack() as stack:
        for name in ("proc", "dev", "tmp"):
            (root / name).mkdir(exist_ok=True)
        # Its settings are the kernel's, for the whole machine, and belong to root by name: no right is asked for.
        stack.enter_context(mounted(["-t", "proc", "-o", "ro", "proc"], root / "proc"))
        stack.enter_context(mounted(["-t", "tmpfs", "-o", "mode=755", "tmpfs"], root / "dev"))
        # The node is this machine's own, and would change for all. In a user namespace nobody has a right over it.
        kept = ["-o", "ro"] if first_users() else []
        for device in DEVICES:
            (root / "dev" / device).touch()
            stack.enter_context(mounted(["--bind", *kept, f"/dev/{device}"], root / "dev" / device))
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


def end_all() -> None:
    """End whatever else is in this namespace of processes, and wait until it is gone."""
    if os.getpid() != 1:
        return
    try:
        while True:
            os.kill(-1, signal.SIGKILL)
            os.waitpid(-1, 0)
    except (ProcessLookupError, ChildProcessError):
        return


def first_users() -> bool:
    """Whether root here is root of this machine."""
    return Path("/proc/self/ns/user").stat().st_ino == INITIAL_USERS


def _judged(arguments: Sequence[str], finished: subprocess.CompletedProcess[bytes], *, accept: Sequence[int]) -> int:
    if finished.returncode not in accept:
        output = finished.stdout[-OUTPUT_KEPT_BYTES:].decode(errors="replace")
        raise ProgramFailed(arguments, finished.returncode, output)
    return finished.returncode


def _forbid_services() -> None:
    POLICY.write_bytes(NO_SERVICES)
    POLICY.chmod(0o755)
