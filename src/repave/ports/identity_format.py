"""How a machine that goes on from saved memory is told who it is: on the disk that others have their variables on.

It has started once, knows neither name nor variables, and says on its console that it awaits them. Then its memory is
saved, and from now on each machine that goes on from there finds another disk of that size in the same place. The
first line has a word, random bytes in hexadecimal digits, the host name, and the size of the variables; they follow.

Where its application is to serve before that, the disk that the machine finds as it starts has such a line too: another
word, the port, the path of its health in hexadecimal digits, and the size of the variables, which follow as well.
"""

from repave.ports.disk_format import SECTOR_BYTES
from repave.ports.errors import Invalid

AWAITING_ARGUMENT = "repave.awaits-identity"
"""On the kernel's command line: the application starts only once the machine was told who it is."""

AWAITING = "repave: this machine awaits its identity"
"""What such a machine says on its console when it is ready to be saved."""

TAKEN = "repave: this machine has its identity"
"""What one that is only tried says there once it goes on as another one."""

SERVING = "repave: this machine serves"
"""What it says then, once its application has answered again."""

TRIED_NAME = "unnamed"
"""The host name of machines that nobody has: one that is to be saved, and one that is tried."""

IDENTITY_WORD = "repave-identity-1"
SERVING_WORD = "repave-serving-1"
IDENTITY_DISK = "seed"
"""The serial number of the disk."""

IDENTITY_BYTES = 1 << 20
"""Size of the disk: a machine that goes on does not look for its size again."""

SYSTEM_AREA_BYTES = 32 << 10
"""What ISO 9660 leaves unused at the beginning of a disk (ECMA-119, 6.2.1)."""

RANDOM_BYTES = 64
"""Twice what the kernel's generator of random numbers is keyed with."""


def serving_disk(started_with: bytes, *, port: int, path: str, variables: str) -> bytes:
    """The whole disk of a machine whose application is to serve before its memory is saved.

    ``started_with`` is what it would start with otherwise, of which ISO 9660 leaves the beginning to others. Raises
    Invalid for more than there is room for.
    """
    told = _told(f"{SERVING_WORD} {port} {path.encode().hex()}", variables, "the application", SYSTEM_AREA_BYTES)
    return (told + started_with[len(told) :]).ljust(IDENTITY_BYTES, b"\0")


def identity_disk(*, random: bytes, name: str, variables: str) -> bytes:
    """The whole disk; ``variables`` as systemd.exec(5) reads them. Raises Invalid for more than it can hold."""
    told = _told(f"{IDENTITY_WORD} {random.hex()} {name}", variables, name, IDENTITY_BYTES)
    return told.ljust(IDENTITY_BYTES, b"\0")


def _told(words: str, variables: str, whose: str, room: int) -> bytes:
    content = variables.encode()
    head = f"{words} {len(content)}\n".encode()
    # The reader takes the first sector by itself.
    if len(head) > SECTOR_BYTES or len(head) + len(content) > room:
        raise Invalid(f"the variables of {whose} take {len(content)} bytes, more than can be handed to saved memory")
    return head + content
