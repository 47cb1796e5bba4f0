"""What uv's words mean."""

import re

from repave.ports.commands import Finished
from repave.ports.errors import CommandFailed, Denied, Invalid, Unreachable, WorldError
from repave.ports.pinner import PinRequest

UNREACHABLE = re.compile(
    r"Failed to fetch|Request failed|error sending request|dns error|timed out"
    r"|Connection (?:refused|reset)|HTTP status server error"
)
DENIED = re.compile(r"HTTP status client error \((?:401|403)|Unauthorized|Forbidden")
"""Also in a hint: uv takes a package that it may not see for one that is not there."""

UNSATISFIABLE = re.compile(r"we can conclude|not found in the (?:package registry|cache)|unsatisfiable")


def refusal(request: PinRequest, done: Finished, index: str) -> WorldError:
    """The error for a resolution that failed at ``index``, with uv's own reason, condensed."""
    reason = " ".join(
        line.strip().removeprefix("error: ").removeprefix("cause: ")
        for line in done.stderr.splitlines()
        if line.strip() and not line.startswith("hint:")
    )
    reason = reason.removeprefix("No solution found when resolving dependencies").strip()
    if DENIED.search(done.stderr):
        return Denied(
            f"{index} does not let us read it: {reason}",
            hint="declare `credentials` of that address under `origins`, or look at the proxy's permissions",
        )
    if UNREACHABLE.search(reason):
        return Unreachable(
            f"the Python packages of {request.image.name} could not be resolved at {index}: {reason}",
            hint="check the network and the proxy variables, then lock again",
        )
    if UNSATISFIABLE.search(reason):
        return Invalid(
            f"the Python packages of {request.image.name} cannot be resolved: {reason}",
            hint="check names and ranges under `python`; only versions with a wheel for the image count",
        )
    return CommandFailed(("uv", "pip", "compile"), exit_code=done.exit_code, stderr=done.stderr)
