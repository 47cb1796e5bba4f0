"""What programs of this machine say when they fail, as the errors of the ports: one table."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from repave.ports.errors import CommandFailed, Denied, Invalid, NoCapacity, Unreachable, WorldError

REMEDY = "`repave verify` names what is damaged, and how it is had back from the lock"
"""Of an artifact that is not as it was baked: another bake alone leaves what is in the registry as it is."""

SHORT_OF_ROOM = re.compile(
    r"no space left|cannot allocate memory|out of memory|resource temporarily unavailable|too many open files|quota",
    re.IGNORECASE,
)
IMPOSSIBLE = re.compile(
    r"executable file not found|no such file or directory|exec format error|is a directory|not a directory"
    r"|\bchdir\b|invalid argument|exec: .*permission denied|container_linux.*permission denied",
    re.IGNORECASE,
)
FORBIDDEN = re.compile(r"permission denied|operation not permitted|must be root", re.IGNORECASE)

TABLE: tuple[tuple[re.Pattern[str], type[WorldError], str], ...] = (
    (SHORT_OF_ROOM, NoCapacity, "free memory or disk on this machine, or use fewer instances"),
    (IMPOSSIBLE, Invalid, "check `run`, `user` and `files` of the image in repave.yaml"),
    (FORBIDDEN, Denied, "`repave doctor` tries what this machine allows and says what is missing"),
)
"""The first row that matches counts."""

ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EAGAIN})
FORBIDDEN_NUMBERS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@contextmanager
def mapped(attempt: str) -> Iterator[None]:
    """Raise what goes wrong in the block as an error of the ports; ``attempt`` begins its message."""
    try:
        yield
    except CommandFailed as error:
        raise of_command(attempt, error) from error
    except OSError as error:
        raise of_system(attempt, error) from error


def of_command(attempt: str, error: CommandFailed, said: str = "") -> WorldError:
    """The error that a failed program means; ``said`` is what it wrote elsewhere than to its error output."""
    told = said or error.stderr
    reason = told.strip().splitlines()[-1] if told.strip() else error.message
    if error.program_exit_code is None:
        return Unreachable(
            f"{attempt}: {error.message}", hint="the machine may be overloaded; the order may be repeated"
        )
    for pattern, kind, hint in TABLE:
        if pattern.search(told):
            return kind(f"{attempt}: {reason}", hint=hint)
    return Unreachable(f"{attempt}: {reason}", hint=error.hint or "`repave doctor` tries what this machine can do")


def of_system(attempt: str, error: OSError) -> WorldError:
    """The error that a failed system call means."""
    if error.errno in ROOM:
        return NoCapacity(f"{attempt}: {error}", hint=TABLE[0][2])
    if error.errno in FORBIDDEN_NUMBERS:
        return Denied(f"{attempt}: {error}", hint=TABLE[2][2])
    return Unreachable(f"{attempt}: {error}", hint="`repave doctor` tries what this machine can do")
