"""What the world may answer. Every adapter maps foreign errors to these, in one table, the cause chained.

WorldError
 |- Gone            what was asked about is not there (any more); for a removal this is success
 |- NoCapacity      this zone has no room now; another may
 |- Throttled       too many calls: again after ``after_seconds``
 |- Denied          we may not: credentials or permissions
 |- Conflict        a newer generation has taken over, or another holds what we asked for
 |- Unreachable     no answer, or a time-out: it may or may not have worked
 |- Invalid         what was asked can never work as asked
 |- Corrupt         bytes that do not have the digest they must have; archives that break a rule (``archives.errors``)
 '- CommandFailed   a program on this machine ended with an error
"""

from collections.abc import Sequence
from typing import ClassVar

from repave.model.errors import RepaveError


class WorldError(RepaveError):
    """Something outside repave said no."""

    code: ClassVar[str] = "world"


class Gone(WorldError):
    """It is not there (any more)."""

    code: ClassVar[str] = "gone"


class NoCapacity(WorldError):
    """This zone has no room now."""

    code: ClassVar[str] = "no-capacity"


class Throttled(WorldError):
    """Too many calls."""

    code: ClassVar[str] = "throttled"

    def __init__(self, message: str, *, after_seconds: float, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.after_seconds = after_seconds


class Denied(WorldError):
    """We may not."""

    code: ClassVar[str] = "denied"


class Conflict(WorldError):
    """Someone newer was faster."""

    code: ClassVar[str] = "conflict"


class Unreachable(WorldError):
    """No answer: it may or may not have worked."""

    code: ClassVar[str] = "unreachable"


class Invalid(WorldError):
    """It can never work as asked."""

    code: ClassVar[str] = "invalid"


class Corrupt(WorldError):
    """Bytes that are not what their digest says."""

    code: ClassVar[str] = "corrupt"


class CommandFailed(WorldError):
    """A program ended with an error, could not be found, or took too long."""

    code: ClassVar[str] = "command-failed"

    def __init__(self, arguments: Sequence[str], *, exit_code: int | None, stderr: str, hint: str = "") -> None:
        ended = "did not end in time" if exit_code is None else f"ended with {exit_code}"
        tail = "\n".join(stderr.strip().splitlines()[-8:])
        super().__init__(f"`{arguments[0]}` {ended}" + (f": {tail}" if tail else ""), hint=hint)
        self.arguments = tuple(arguments)
        self.program_exit_code = exit_code
        self.stderr = stderr
