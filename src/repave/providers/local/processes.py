"""Processes of this machine, told apart from later ones that were given the same number."""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CAP_NET_ADMIN = 12
CAP_SYS_ADMIN = 21
"""Bits of the capability sets, by capabilities(7)."""

DEAD_STATES = frozenset("ZXx")
"""By proc(5): a zombie has ended, whoever has or has not collected it."""

ANY_NAME = "replace"
"""What is read for bytes that are no text: a process may call itself anything; the kernel cuts within characters."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """One process: its number, when it started (clock ticks since boot), and which boot that was."""

    pid: int
    started_ticks: int
    boot: str

    @property
    def alive(self) -> bool:
        """Whether just this process still runs: same boot, same start, not a zombie."""
        return self.boot == current_boot() and _running_since(self.pid) == self.started_ticks

    @property
    def restarted_since(self) -> bool:
        """Whether the machine was restarted after this process began."""
        return self.boot != current_boot()

    def handles(self, wanted: signal.Signals) -> bool:
        """Whether it has a handler for the signal: the first process of a namespace ignores it otherwise."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text(errors=ANY_NAME)
        except (FileNotFoundError, ProcessLookupError):
            return False
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(caught.split()[1], 16) >> (wanted - 1) & 1)

    def ends_within(self, seconds: float) -> bool:
        """Wait for its end; answers whether it came."""
        with _opened(self) as handle:
            return handle is None or _ended_within(handle, seconds)

    def ask_to_end(self) -> bool:
        """Send SIGTERM and wait for nothing; answers whether it has a handler, without which nothing is sent."""
        with _opened(self) as handle:
            if handle is None or not self.handles(signal.SIGTERM):
                return False
            _send(handle, signal.SIGTERM)
            return True

    def stop(self, *, patience_seconds: float) -> None:
        """Ask it to end, wait, then make it end; returns when it has ended."""
        with _opened(self) as handle:
            if handle is None:
                return
            if patience_seconds > 0 and self.handles(signal.SIGTERM):
                _send(handle, signal.SIGTERM)
                if _ended_within(handle, patience_seconds):
                    return
            _send(handle, signal.SIGKILL)
            _ended_within(handle, KILL_PATIENCE_SECONDS)


KILL_PATIENCE_SECONDS = 10.0
"""SIGKILL cannot be refused; a process stuck in the kernel may still take its time. What follows tells if it did."""


def identify(pid: int) -> Process | None:
    """The process that has this number now; None when there is none."""
    started = _running_since(pid)
    return None if started is None else Process(pid=pid, started_ticks=started, boot=current_boot())


def started_with(program: str, argument: str) -> list[Process]:
    """Every process of the program, whatever its folder, that was started with just this argument."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended since it was listed
        if os.fsencode(argument) in arguments and os.fsencode(program) == arguments[0].rpartition(b"/")[2]:
            process = identify(int(path.parent.name))
            if process is not None:
                found.append(process)
    return found


def current_boot() -> str:
    """The kernel's own id of this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def may_administer() -> bool:
    """Whether we may mount and make network devices: root with the capabilities, not root in name only."""
    if os.geteuid() != 0:
        return False
    lines = Path("/proc/self/status").read_text(errors=ANY_NAME).splitlines()
    effective = int(next(line for line in lines if line.startswith("CapEff:")).split()[1], 16)
    return all(effective >> bit & 1 for bit in (CAP_NET_ADMIN, CAP_SYS_ADMIN))


def _running_since(pid: int) -> int | None:
    try:
        content = Path(f"/proc/{pid}/stat").read_text(errors=ANY_NAME)
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in brackets and may hold anything, brackets and blanks included.
    fields = content.rpartition(")")[2].split()
    state, started = fields[0], int(fields[19])
    return None if state in DEAD_STATES else started


@contextmanager
def _opened(process: Process) -> Iterator[int | None]:
    """A handle that cannot come to mean another process."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield handle if process.alive else None
    finally:
        os.close(handle)


def _send(handle: int, wanted: signal.Signals) -> None:
    try:
        signal.pidfd_send_signal(handle, wanted)
    except ProcessLookupError:
        return


def _ended_within(handle: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
