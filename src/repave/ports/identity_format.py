"""How a machine that goes on from saved memory is told who it is: on the disk that others have their variables on.

It has started once, knows neither name nor variables, and says on its console that it awaits them. Then its memory is
saved, and from now on each machine that goes on from there finds another disk of that size in the same place. The
first line has a word, random bytes in hexadecimal digits, the host name, and the size of the variables; they follow.
"""

from repave.ports.disk_format import SECTOR_BYTES
from repave.ports.errors import Invalid

AWAITING_ARGUMENT = "repave.awaits-identity"
"""On the kernel's command line: the application starts only once the machine was told who it is."""

AWAITING = "repave: this machine awaits its identity"
"""What such a machine says on its console when it is ready to be saved."""

TAKEN = "repave: this machine has its identity"
"""What it says there once it goes on as another one."""

IDENTITY_WORD = "repave-identity-1"
IDENTITY_DISK = "seed"
"""The serial number of the disk."""

IDENTITY_BYTES = 1 << 20
"""Size of the disk: a machine that goes on does not look for its size again."""

RANDOM_BYTES = 64
"""Twice what the kernel's generator of random numbers is keyed with."""


def identity_disk(*, random: bytes, name: str, variables: str) -> bytes:
    """The whole disk; ``variables`` as systemd.exec(5) reads them. Raises Invalid for more than it can hold."""
    content = variables.encode()
    head = f"{IDENTITY_WORD} {random.hex()} {name} {len(content)}\n".encode()
    # The reader takes the first sector by itself.
    if len(head) > SECTOR_BYTES or len(head) + len(content) > IDENTITY_BYTES:
        raise Invalid(f"the variables of {name} take {len(content)} bytes, more than can be handed to saved memory")
    return (head + content).ljust(IDENTITY_BYTES, b"\0")
