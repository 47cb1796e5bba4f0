"""How failures are told: a sentence and a hint on standard error, or one JSON object on standard output."""

import errno
import json
import os
import sys
import tempfile
import traceback
from dataclasses import asdict, dataclass
from typing import ClassVar

from repave.cli.codes import FAILED, INTERRUPTED
from repave.cli.visible import visible
from repave.model.errors import RepaveError


class Interrupted(RepaveError):
    """A person ended a verb that can be gone on with; the hint says how."""

    code: ClassVar[str] = "interrupted"
    exit_code: ClassVar[int] = INTERRUPTED


@dataclass(frozen=True, kw_only=True)
class Failed:
    """One failure, for people and machines."""

    code: str
    """Stable: what a script compares."""

    message: str
    hint: str = ""

    @classmethod
    def of(cls, error: RepaveError) -> "Failed":
        """As the error says it."""
        return cls(code=error.code, message=error.message, hint=error.hint)


def tell(failed: Failed, *, as_json: bool) -> None:
    """Say it once, where it belongs."""
    if as_json:
        print(json.dumps({"error": asdict(failed)}), flush=True)
        return
    print(f"{paint('error:', '1;31')} {visible(failed.message)}", file=sys.stderr)
    if failed.hint:
        print(f"{paint('hint:', '1;36')} {visible(failed.hint)}", file=sys.stderr)


def paint(text: str, style: str) -> str:
    """Coloured on a terminal that may have colours (https://no-color.org), plain elsewhere."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stderr.isatty()
    return text if plain else f"\x1b[{style}m{text}\x1b[0m"


DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
NOT_OURS = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


def of_machine(trouble: OSError) -> Failed | None:
    """What the machine refused, wherever that was; None for what is no refusal of it."""
    place = f"{trouble.filename}: " if trouble.filename else ""
    reason = f"{place}{(trouble.strerror or str(trouble)).lower()}"
    if trouble.errno in DISK_FULL:
        return Failed(code="no-capacity", message=reason, hint="free some room, or run `repave gc`; then ask again")
    if trouble.errno in NOT_OURS:
        return Failed(code="denied", message=reason, hint="let this user read and write there, then ask again")
    return None


def unexpected(defect: Exception, *, as_json: bool) -> int:
    """A refusal of the machine, or a defect of ours: a sentence, and its trace in a file that can be sent along."""
    trace = "".join(traceback.format_exception(defect))
    if os.environ.get("REPAVE_DEBUG"):
        sys.stderr.write(trace)
    if isinstance(defect, OSError) and (refused := of_machine(defect)) is not None:
        tell(refused, as_json=as_json)
        return FAILED
    with tempfile.NamedTemporaryFile("w", prefix="repave-", suffix=".trace", delete=False, encoding="utf-8") as kept:
        kept.write(trace)
    reason = f"{type(defect).__name__}: {defect}".strip().splitlines()[0]
    hint = f"this is a defect of repave; its trace is in {kept.name} (REPAVE_DEBUG=1 prints it)"
    tell(Failed(code="defect", message=reason, hint=hint), as_json=as_json)
    return FAILED
