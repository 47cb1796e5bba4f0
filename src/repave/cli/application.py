"""Where every run begins and ends: find the verb, import it alone, turn errors into words and exit codes."""

import gc
import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import NoReturn

from repave.cli.codes import FAILED, INTERRUPTED, USAGE
from repave.cli.failure import Failed, tell, unexpected
from repave.cli.quick import plain_arguments
from repave.cli.verbs import VERBS
from repave.model.errors import RepaveError

HELP = "help"
"""No verb of its own: what is asked before one is known."""

COMPLETING = "_REPAVE_COMPLETE"
"""Set by a shell that asks what could come next, as typer names it."""

ALLOCATIONS = 200_000
"""Between two garbage collections. Python's own 700 makes every start a third slower; what imports make is kept, and
is no more than half of this."""


def main() -> None:
    """The command ``repave``."""
    gc.set_threshold(ALLOCATIONS)
    # As systemd and CI end what runs: with the same care as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "true"  # looking for plugins of strangers takes 20 ms of every start
    _leave(run(sys.argv[1:]))


def _leave(code: int) -> NoReturn:
    """End without taking the interpreter apart, which takes longer than many a verb: all is closed, all is written."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = FAILED
    os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """One run; answers the exit code."""
    as_json = "--json" in arguments
    try:
        code = dispatch(arguments)
    except RepaveError as error:
        tell(Failed.of(error), as_json=as_json)
        return error.exit_code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as failure:  # noqa: BLE001 - the outermost loop: a person gets a sentence, the file gets the rest
        from repave.cli.typed import gave_up, misuse  # noqa: PLC0415 - typer takes its time, and this is seldom

        said = misuse(failure)
        if said:
            tell(Failed(code="usage", message=said, hint=_usage_hint(arguments)), as_json=as_json)
            return USAGE
        if not gave_up(failure):
            return unexpected(failure, as_json=as_json)
        code = INTERRUPTED
    if code == INTERRUPTED:
        tell(Failed(code="interrupted", message="interrupted"), as_json=as_json)
    return code


def dispatch(arguments: Sequence[str]) -> int:
    """Hand the arguments to the verb they name; ``help VERB`` is its help, as people know it from elsewhere."""
    if arguments and arguments[0] == HELP:
        arguments = [*(word for word in arguments[1:] if word != HELP), "--help"]
    first = next((word for word in arguments if not word.startswith("-")), None)
    if arguments and first is arguments[0] and first not in VERBS:
        from repave.config.problems import nearest  # noqa: PLC0415 - needed only when something is wrong

        close = nearest(first, VERBS)
        hint = f"did you mean `repave {close}`?" if close else "`repave --help` lists the verbs"
        tell(Failed(code="usage", message=f"`{first}` is no verb of repave", hint=hint), as_json="--json" in arguments)
        return USAGE
    if arguments and first is arguments[0] and COMPLETING not in os.environ:
        function = load(first)
        plain = plain_arguments(function, arguments[1:])
        if plain is not None:
            return function(**plain)
    from repave.cli.typed import application  # noqa: PLC0415 - typer takes its time, and most arguments are plain

    answer = application(arguments, load)(args=list(arguments) or ["--help"], prog_name="repave", standalone_mode=False)
    return answer if isinstance(answer, int) else 0


def load(verb: str) -> Callable[..., int]:
    """The function of one verb, imported now; it refuses what is no text before it does anything."""
    module = importlib.import_module(f"repave.cli.commands.{verb}")
    function: Callable[..., int] = getattr(module, verb)

    @wraps(function)
    def checked(**values: object) -> int:
        for value in values.values():
            for one in value if isinstance(value, Sequence) and not isinstance(value, str) else (value,):
                _refuse_bytes(one)
        return function(**values)

    return checked


def _refuse_bytes(value: object) -> None:
    """What Python could not decode of an argument goes into no text that is kept or signed; paths may be any bytes."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(value).decode(errors="backslashreplace")
            from typer import BadParameter  # noqa: PLC0415 - typer takes its time, and this is seldom

            raise BadParameter(f"`{shown}` is no text in UTF-8") from None


def _usage_hint(arguments: Sequence[str]) -> str:
    verb = next((word for word in arguments if word in VERBS), None)
    return f"`repave {verb} --help` shows how" if verb else "`repave --help` shows how"
