"""Where a container listens, as the kernel tells of its network: for one that listens where nobody asks."""

import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

LISTENING = "0A"
"""The state of a socket that waits for connections, as the kernel writes it."""

MOST_TOLD = 3
"""So many places are named."""


def listens_elsewhere(pid: int, port: int) -> str:
    """``listens on 127.0.0.1:8000, not on 0.0.0.0:8080``; empty while there is nothing to say.

    That is: once it was connected to, before it listens at all, when it listens on ``port`` of an address that others
    reach, and where the kernel does not tell. ``pid`` is a process of it; its network is its own. The list of sockets
    takes the kernel milliseconds, so it is asked for only while nobody has come through.
    """
    with suppress(OSError, ValueError, KeyError):
        network = Path("/proc") / str(pid) / "net"
        if _connected(network):
            return ""
        places = sorted({place for name in ("tcp", "tcp6") for place in _listening(network / name)})
        if places and not any(own == port and not _own(address) for address, own in places):
            told = ", ".join(
                f"[{address}]:{own}" if ":" in address else f"{address}:{own}" for address, own in places[:MOST_TOLD]
            )
            return f"listens on {told}{' ...' if len(places) > MOST_TOLD else ''}, not on 0.0.0.0:{port}"
    return ""


def _connected(network: Path) -> bool:
    """Whether it ever took a connection."""
    names, values = (line.split() for line in _lines(network / "snmp") if line.startswith("Tcp:"))
    return int(dict(zip(names, values, strict=True))["PassiveOpens"]) > 0


def _listening(file: Path) -> Iterator[tuple[str, int]]:
    for line in _lines(file)[1:]:
        _, local, _, state, *_ = line.split()
        if state == LISTENING:
            address, _, port = local.partition(":")
            yield _address(address), int(port, 16)


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="ascii").splitlines()


def _address(written: str) -> str:
    """The kernel writes words of four bytes, each as this machine orders them."""
    words = struct.iter_unpack("=I", bytes.fromhex(written))
    ordered = b"".join(struct.pack("!I", word) for (word,) in words)
    return socket.inet_ntop(socket.AF_INET if len(ordered) == 4 else socket.AF_INET6, ordered)  # noqa: PLR2004 - bytes


def _own(address: str) -> bool:
    """Whether nobody but itself reaches it there."""
    return address == "::1" or address.startswith(("127.", "::ffff:127."))
