"""What verbs say of arguments that cannot be meant, whatever stands in the store."""

from collections.abc import Sequence
from typing import ClassVar

from repave.cli.codes import USAGE
from repave.config.problems import nearest, one_of
from repave.operations.errors import Refused


class Misused(Refused):
    """Arguments that cannot be meant: what typer says of those that it reads itself."""

    code: ClassVar[str] = "usage"
    exit_code: ClassVar[int] = USAGE


def no_action(verb: str, action: str, actions: Sequence[str]) -> Misused:
    """For a verb whose first argument says what it does."""
    meant = nearest(action, actions)
    hint = f"did you mean `repave {verb} {meant}`?" if meant else f"`repave {verb} --help` lists what can be"
    return Misused(f"`{action}` is nothing that `repave {verb}` does; expected {one_of(actions)}", hint=hint)
