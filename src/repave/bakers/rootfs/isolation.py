"""The chroot in which packages' own scripts run: no network, no devices but the harmless ones, no services started.

It is entered only inside the namespaces that ``chamber`` makes, so every mount ends with the process; and only by what
has given up the rights that would lead out of it, see ``confinement``.
"""

import json
import os
import select
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path

from repave.bakers.rootfs.confinement import enter, within

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
READ_BYTES = 1 << 16


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
    finished = subprocess.run(
        arguments,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    _judged(arguments, Answer(code=finished.returncode, said=finished.stdout), accept=(0,))


class Heard(Enum):
    """What of a program's words is kept."""

    ALL = "all"
    OUTPUT = "output"
    ERRORS = "errors"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How a program ended, and what it said."""

    code: int
    said: bytes


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
        return _judged(arguments, self.ask(arguments), accept=accept)

    def ask(self, arguments: Sequence[str], *, stdin: int = subprocess.DEVNULL, heard: Heard = Heard.ALL) -> Answer:
        """Run a program in it, however it ends; raises ProgramFailed for one that cannot be started.

        Nothing of it runs any more then: what it left running is ended, and not waited for.
        """
        try:
            with subprocess.Popen(
                arguments,
                env={**ENVIRONMENT, **self.variables, "SOURCE_DATE_EPOCH": str(self.epoch)},
                stdin=stdin,
                stdout=subprocess.DEVNULL if heard is Heard.ERRORS else subprocess.PIPE,
                stderr={Heard.ALL: subprocess.STDOUT, Heard.OUTPUT: None, Heard.ERRORS: subprocess.PIPE}[heard],
                # No other thread of this process runs meanwhile, whose locks the child could wait for.
                preexec_fn=partial(enter, self.root),  # noqa: PLW1509 - so says the line above
            ) as process:
                said = _said(process)
        except OSError as error:
            raise ProgramFailed(arguments, NOT_STARTED, f"{arguments[0]}: {error.strerror}") from error
        finally:
            end_all()
        return Answer(code=process.returncode, said=said)

    @contextmanager
    def without_services(self) -> Iterator[None]:
        """Nothing is started in the block, by neither of the two ways that scripts have."""
        within(self.root, _forbid_services)
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
            within(self.root, _permit_services)


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


def _said(process: subprocess.Popen[bytes]) -> bytes:
    """All that a program says, until it has ended; others may hold its output open for longer."""
    stream = process.stdout or process.stderr
    if stream is None:
        raise ValueError("nobody listens to this program")
    said = bytearray()
    ended = os.pidfd_open(process.pid)
    try:
        while ended not in select.select([ended, stream.fileno()], [], [])[0]:
            some = os.read(stream.fileno(), READ_BYTES)
            if not some:
                break
            said += some
    finally:
        os.close(ended)
    process.wait()
    end_all()
    return bytes(said) + stream.read()


def _judged(arguments: Sequence[str], answer: Answer, *, accept: Sequence[int]) -> int:
    if answer.code not in accept:
        raise ProgramFailed(arguments, answer.code, answer.said[-OUTPUT_KEPT_BYTES:].decode(errors="replace"))
    return answer.code


def _forbid_services() -> bytes:
    POLICY.write_bytes(NO_SERVICES)
    POLICY.chmod(0o755)
    return b""


def _permit_services() -> bytes:
    POLICY.unlink()
    return b""
