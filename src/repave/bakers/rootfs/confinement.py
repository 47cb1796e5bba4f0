"""What a program of an image may do while it is baked: whatever it likes to the image's files, nothing to this machine.

Inside ``chamber`` repave is root, of this machine too where root started it. A program of an image is put into its root
filesystem and keeps the rights over files and accounts alone. So it cannot leave by a second chroot, by the root of
another process, by a mount, by a handle of a file or by a device node of a disk; and what has entered a chroot makes no
user namespace in which it would have more (clone(2), capabilities(7)).
"""

import ctypes
import os
from pathlib import Path

KEPT = (
    0,  # CAP_CHOWN
    1,  # CAP_DAC_OVERRIDE
    3,  # CAP_FOWNER
    4,  # CAP_FSETID
    5,  # CAP_KILL
    6,  # CAP_SETGID
    7,  # CAP_SETUID
    8,  # CAP_SETPCAP
    10,  # CAP_NET_BIND_SERVICE
    29,  # CAP_AUDIT_WRITE
    31,  # CAP_SETFCAP
)
"""Those that container engines give, with which packages can be installed, without the ones over devices and roots.

By their numbers in linux/capability.h.
"""

READ_BOUND, DROP_BOUND = 23, 24
"""Of prctl(2): whether a right can still be won by starting a program, and that it no longer can."""

VERSION = 0x20080522
"""Of capset(2), for 64 rights: effective, permitted and inheritable, the first 32 of each before the rest."""

LIBC = ctypes.CDLL(None, use_errno=True)


def enter(root: Path) -> None:
    """Put this process into the root filesystem, with what is kept; between the fork and the start of a program."""
    os.chroot(root)
    os.chdir("/")
    right = 0
    while _prctl(READ_BOUND, right) >= 0:
        if right not in KEPT:
            _check(_prctl(DROP_BOUND, right))
        right += 1
    kept = sum(1 << right for right in KEPT)
    header, sets = (ctypes.c_uint32 * 2)(VERSION, 0), (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)
    _check(LIBC.capset(header, sets))


def _prctl(option: int, right: int) -> int:
    answer: int = LIBC.prctl(ctypes.c_int(option), *map(ctypes.c_ulong, (right, 0, 0, 0)))
    return answer


def _check(answer: int) -> None:
    if answer:
        raise OSError(ctypes.get_errno(), "cannot give up rights")
