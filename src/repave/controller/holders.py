"""Who holds a lease, so that the next process on this machine need not wait for the lease of a killed one."""

import os
import socket
from pathlib import Path

PROCESSES = Path("/proc")
STATE, START = 0, 19
"""Fields of ``/proc/PID/stat`` after the command's closing bracket: state, and start in ticks since boot (proc(5))."""


def this_process() -> str:
    """``host:process:start:namespace``: never the same for two processes, also when numbers come again."""
    return f"{socket.gethostname()}:{os.getpid()}:{_start(os.getpid())}:{_place()}"


def is_dead(holder: str) -> bool:
    """Whether the holder was a process here, and has ended; of others nothing is known, so they are not."""
    parts = holder.split(":")
    if len(parts) != len(this_process().split(":")):
        return False
    host, process, start, place = parts
    if host != socket.gethostname() or place != _place() or not place or not process.isdigit():
        return False
    return _start(int(process)) != start


def _start(process: int) -> str:
    """When the process started; empty when there is none."""
    try:
        stat = (PROCESSES / str(process) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[STATE] in {"Z", "X"} else fields[START]


def _place() -> str:
    """This boot and process namespace: elsewhere, the same number is another process. Empty where unknown."""
    try:
        boot = (PROCESSES / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = (PROCESSES / "self/ns/pid").stat().st_ino
    except OSError:
        return ""
    return f"{boot}/{namespace}"
