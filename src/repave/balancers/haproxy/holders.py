"""Whose HAProxy a process of this machine is: told by /proc, for one that we did not start under our path."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PLACE = (".repave", "haproxy", "haproxy.cfg")
"""Where each project has the configuration of its HAProxy."""

LISTENS = "0A"
"""The state of a listening socket in /proc/net/tcp, by proc(5)."""


def configuration_of(pid: int) -> Path | None:
    """What the HAProxy with this process id was started with; None where it is none, or has ended."""
    try:
        words = [word.decode(errors="surrogateescape") for word in _read(f"/proc/{pid}/cmdline").split(b"\0")]
        configuration = Path(words[words.index("-f") + 1])
    except (OSError, ValueError, IndexError):
        return None
    return configuration if configuration.name == PLACE[-1] else None


def project_at(port: int) -> Path | None:
    """The folder in which the HAProxy that listens on this port was started for a project, as far as we may see."""
    sockets = set(_listening(port))
    for process in Path("/proc").glob("[0-9]*"):
        configuration = configuration_of(int(process.name))
        if configuration is None or configuration.parts[-len(PLACE) :] != PLACE:
            continue
        if not sockets.isdisjoint(_opened(process)):
            return configuration.parents[len(PLACE) - 1]
    return None


def _listening(port: int) -> Iterator[str]:
    """The sockets that listen on the port, whatever the address, as a process's open files name them."""
    for table in ("tcp", "tcp6"):
        with suppress(OSError):  # a kernel without IPv6 has no second one
            for line in _read(f"/proc/net/{table}").decode("ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                    yield f"socket:[{fields[9]}]"


def _opened(process: Path) -> Iterator[str]:
    with suppress(OSError):  # another user's, or it has ended
        for handle in (process / "fd").iterdir():
            with suppress(OSError):
                yield str(handle.readlink())


def _read(path: str) -> bytes:
    return Path(path).read_bytes()
