"""The root of every error that repave raises on purpose.

RepaveError
 |- repave.config.errors.FileError         a file a person wrote: file, line, column
 |- repave.operations.errors.Refused       what was asked cannot be done, and why
 |- repave.planner.check.UnsafePlan        a plan that breaks an invariant: a defect of ours, stopped
 '- repave.ports.errors.WorldError         what the world answered (see there)
"""

from typing import ClassVar


class RepaveError(Exception):
    """Something went wrong that a person can act on.

    ``message`` says what was attempted, on what, and the cause; ``hint`` says what to do next.
    ``code`` is stable and machine-readable; ``exit_code`` is what the command line exits with.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
