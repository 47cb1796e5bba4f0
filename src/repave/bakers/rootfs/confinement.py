"""What a program of an image may do while it is baked: whatever it likes to the image's files, nothing to this machine.

Inside ``chamber`` repave is root, of this machine too where root started it. A program of an image is put into its root
filesystem and keeps the rights over files and accounts alone. So it cannot leave by a second chroot, by the root of
another process, by a mount, by a handle of a file or by a device node of a disk; and what has entered a chroot makes no
user namespace in which it would have more (clone(2), capabilities(7)).

What repave does itself with files that such a program may have left is done the same way: a link leads within the image
then, as it will for the image's own programs, and to no file of this machine.
"""

import ctypes
import errno
import os
from collections.abc import Callable
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


def within(root: Path, work: Callable[[], bytes]) -> bytes:
    """What some work with files answers that is done as a program in the root filesystem would do it.

    It finds no module there that was not loaded before. Raises OSError, whatever it fails of.
    """
    with open(os.memfd_create("answer"), "w+b") as answer:  # noqa: PTH123 - it has no name
        child = os.fork()
        if child == 0:
            code = 0
            try:
                enter(root)
                answer.write(work())
            except Exception as error:  # noqa: BLE001 - it is raised again where it can be told
                code = (isinstance(error, OSError) and error.errno) or errno.EIO
                answer.write(str(error).encode(errors="replace"))
            finally:
                answer.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        answer.seek(0)
        said = answer.read()
    code = os.waitstatus_to_exitcode(status)
    if code:
        raise OSError(abs(code), said.decode(errors="replace"), os.fspath(root))
    return said


def read_within(root: Path, path: str) -> bytes:
    """What a file of the root filesystem holds; ``path`` is without the first slash. Raises OSError."""
    return within(root, Path("/", path).read_bytes)


def _prctl(option: int, right: int) -> int:
    answer: int = LIBC.prctl(ctypes.c_int(option), *map(ctypes.c_ulong, (right, 0, 0, 0)))
    return answer


def _check(answer: int) -> None:
    if answer:
        raise OSError(ctypes.get_errno(), "cannot give up rights")
