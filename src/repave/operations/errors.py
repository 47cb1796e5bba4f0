"""What operations refuse."""

from typing import ClassVar

from repave.model.errors import RepaveError


class Refused(RepaveError):
    """What was asked cannot be done as things stand, and why; nothing was changed."""

    code: ClassVar[str] = "refused"
    exit_code: ClassVar[int] = 5
