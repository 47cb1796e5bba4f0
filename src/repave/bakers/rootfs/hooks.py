"""The commands of ``build:``, one after another, without rights and within limits; runs inside ``chamber``.

This process is the first of its process namespace: whatever a command leaves running is its child in the end.
"""

import os
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from repave.bakers.rootfs.isolation import ENVIRONMENT, OUTPUT_KEPT_BYTES, end_all

USER = 65_533
"""Nobody's number: of those that Debian keeps back and gives to none (Debian Policy 9.2.2)."""

POLL_SECONDS = 0.05
"""How long a limit may be overrun before it is seen; the kernel's own limits below hold in between."""

HARD_FACTOR = 2
"""What the kernel itself refuses, as a multiple of the limit: for what happens between two looks."""

REAPED_AT_ONCE = 100
READ_BYTES = 1 << 16
NO_ROUTES = "OutNoRoutes"
"""What the kernel counts when something was to be sent and had no way out (RFC 4293, ipSystemStatsOutNoRoutes)."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What all commands together may take."""

    time_seconds: float
    memory_bytes: int
    processes: int
    output_bytes: int


@dataclass(frozen=True, kw_only=True)
class Room:
    """Where commands run: an image in which nothing can be written but what lies in a file system of its own."""

    root: Path
    folder: str
    """Where they start."""

    written: Path
    """That file system: as large as the output may be."""

    epoch: int
    """What programs that ask SOURCE_DATE_EPOCH take for now."""


class HookFailed(Exception):
    """A command ended with an error, or was ended; ``building`` turns it into the port's own."""

    def __init__(self, number: int, *, stopped: str, exit_code: int, output: bytes, network: bool) -> None:
        super().__init__(f"{number}: {stopped or exit_code}")
        self.answer = {
            "hook": number,
            "stopped": stopped,
            "exit_code": exit_code,
            "output": output.decode(errors="replace"),
            "network": network,
        }
        """``stopped`` is the limit it overran, empty for none; ``network``: whether it wanted to send something."""


def run_hooks(commands: Sequence[Sequence[str]], room: Room, limits: Limits) -> None:
    """Run all of them; raises HookFailed for the first that does not end well, and runs none after it."""
    if os.getpid() != 1:
        raise RuntimeError("hooks run in a process namespace of their own only: all in it is ended with them")
    ends = time.monotonic() + limits.time_seconds
    for number, command in enumerate(commands, 1):
        sent = _unroutable()
        hook = _Hook(room, limits, ends)
        code = hook.run(command)
        if code or hook.stopped:
            raise HookFailed(
                number, stopped=hook.stopped, exit_code=code, output=hook.output, network=_unroutable() > sent
            )


class _Hook:
    """One command, from its start until nothing of it runs any more."""

    def __init__(self, room: Room, limits: Limits, ends: float) -> None:
        self._room = room
        self._limits = limits
        self._ends = ends
        self._next_look = 0.0
        self.stopped = ""
        self.output = b""
        """The last of it."""

    def run(self, command: Sequence[str]) -> int:
        """Its exit code; negative for a signal, as ``subprocess`` has it."""
        with subprocess.Popen(
            [*_bounds(self._room, self._limits), *command],
            env=_environment(self._room.epoch),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            try:
                process.returncode = self._watched(process)
            finally:
                end_all()
        return process.returncode

    def _watched(self, process: subprocess.Popen[bytes]) -> int:
        handle = process.stdout.fileno() if process.stdout else -1
        os.set_blocking(handle, False)
        with selectors.DefaultSelector() as selector:
            selector.register(handle, selectors.EVENT_READ)
            while True:
                code = _reaped(process.pid)
                if code is None:
                    self.stopped = self._overrun()
                if code is not None or self.stopped:
                    self._read(handle)
                    # What ran into the kernel's own limits between two looks was stopped by them, whatever it says.
                    self.stopped = self.stopped or (self._taken() if code else "")
                    return -signal.SIGKILL if code is None else code
                if selector.select(POLL_SECONDS) and not self._read(handle):
                    selector.unregister(handle)  # it has closed its output, and may go on without

    def _read(self, handle: int) -> bool:
        """Take what there is; answers whether there may be more one day."""
        try:
            while content := os.read(handle, READ_BYTES):
                self.output = (self.output + content)[-OUTPUT_KEPT_BYTES:]
                if time.monotonic() > self._next_look:
                    return True
        except BlockingIOError:
            return True
        return False

    def _overrun(self) -> str:
        """The limit that is overrun; empty for none, and between two looks."""
        now = time.monotonic()
        if now < self._next_look:
            return ""
        self._next_look = now + POLL_SECONDS
        return "time" if now > self._ends else self._taken()

    def _taken(self) -> str:
        """The limit that is overrun by what lies and runs there now; empty for none."""
        if _is_full(self._room.written):
            return "output"
        tasks = memory = 0
        for process in _others(self._room.root / "proc"):
            tasks += _tasks(process)
            memory += _proportional_bytes(process)
        if tasks >= self._limits.processes:
            return "processes"
        return "memory" if memory > self._limits.memory_bytes else ""


def _bounds(room: Room, limits: Limits) -> tuple[str, ...]:
    """What the command is put behind: no right can be won, the kernel's own limits, the root, another user."""
    return (
        *("setpriv", "--no-new-privs"),
        *("prlimit", "--core=0"),
        f"--nproc={_at_most(resource.RLIMIT_NPROC, HARD_FACTOR * limits.processes)}",
        f"--data={_at_most(resource.RLIMIT_DATA, HARD_FACTOR * limits.memory_bytes)}",
        *("unshare", f"--root={room.root}", f"--wd=/{room.folder}", f"--setgid={USER}", f"--setuid={USER}", "--"),
    )


def _at_most(kind: int, wanted: int) -> int:
    """A limit cannot be raised above the one that holds here."""
    _, hard = resource.getrlimit(kind)
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def _environment(epoch: int) -> dict[str, str]:
    return {
        **{name: ENVIRONMENT[name] for name in ("PATH", "LC_ALL", "TZ", "PYTHONHASHSEED")},
        "LANG": "C.UTF-8",
        "HOME": "/tmp",  # noqa: S108 - a file system of its own
        "USER": "build",
        "LOGNAME": "build",
        "SOURCE_DATE_EPOCH": str(epoch),
        # What Python compiles on the way would hold the time at which its source was written.
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _reaped(wanted: int) -> int | None:
    """The exit code of the process, once it has ended; others that have ended are forgotten on the way.

    Not all at once: who makes and ends processes without pause must not keep us from looking at the limits.
    """
    try:
        for _ in range(REAPED_AT_ONCE):
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == wanted:
                return os.waitstatus_to_exitcode(status)
            if process == 0:
                break
    except ChildProcessError:
        return -signal.SIGKILL
    return None


def _others(proc: Path) -> Iterator[Path]:
    """All processes but this one."""
    return (entry for entry in proc.iterdir() if entry.name.isdigit() and entry.name != "1")


def _tasks(process: Path) -> int:
    """How many threads the process has; 0 for one that has ended."""
    try:
        return sum(1 for _ in (process / "task").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _proportional_bytes(process: Path) -> int:
    """Memory of a process, what it shares in parts (proc(5), smaps_rollup); 0 for one that has ended."""
    try:
        for line in (process / "smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 0


def _is_full(place: Path) -> bool:
    status = os.statvfs(place)
    return status.f_bavail == 0 or status.f_favail == 0


def _unroutable() -> int:
    """How often something in this network namespace was to be sent and had no way out."""
    names, values = (
        line.split()
        for line in Path("/proc/self/net/snmp").read_text(encoding="ascii").splitlines()
        if line.startswith("Ip:")
    )
    return int(dict(zip(names, values, strict=True))[NO_ROUTES])
