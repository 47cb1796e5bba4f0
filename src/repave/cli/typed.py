"""All verbs as typer knows them: for help, for completion, and for arguments that are not plain."""

import os
import re
from collections.abc import Callable, Sequence
from functools import wraps
from inspect import signature
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from repave.cli.parameters import Option, Parameter
from repave.cli.verbs import EXAMPLES, VERBS

SURPLUS = re.compile(r"Got unexpected extra argument\(s\) \((.+)\)")
"""How the library says that there are more words than a verb has places."""

UNFIT = re.compile(r": Input (should be .+?)(?:, unable to parse .*)?$")
"""How it says that a value is not what is expected."""


def application(arguments: Sequence[str], load: Callable[[str], Callable[..., int]]) -> typer.Typer:
    """All verbs: those that the arguments name as they are, the others as a line of help."""
    app = typer.Typer(
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help="Don't patch, redeploy: fleets that are replaced by new releases, never changed in place.",
        epilog="\b\nExamples:\n  repave init && repave lock && repave bake\n  repave deploy test\n  repave patch\n"
        "  repave help deploy",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(_repave)
    completing = f"{os.environ.get('COMP_WORDS', '')} {os.environ.get('_TYPER_COMPLETE_ARGS', '')}".split()
    named = {*arguments, *completing}
    for verb, summary in VERBS.items():
        function = declared(load(verb)) if verb in named else _unloaded
        app.command(verb, short_help=summary, epilog=EXAMPLES.get(verb))(function)
    return app


def declared(function: Callable[..., int]) -> Callable[..., int]:
    """The verb, with its parameters in typer's words."""
    hints, own = get_type_hints(function, include_extras=True), signature(function)
    parameters = [one.replace(annotation=_translated(hints[one.name])) for one in own.parameters.values()]

    @wraps(function)
    def told(**values: object) -> int:
        return function(**values)

    told.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined] # typer reads it, as inspect does
    return told


def _translated(hint: Any) -> Any:  # noqa: ANN401 - annotations are of any kind
    if get_origin(hint) is not Annotated:
        return hint
    kind, said = get_args(hint)
    if not isinstance(said, Parameter):
        raise TypeError(f"{hint} says nothing of a parameter")
    words: dict[str, Any] = {**said.words}
    return Annotated[kind, (typer.Option if isinstance(said, Option) else typer.Argument)(*said.names, **words)]


def misuse(failure: Exception) -> str:
    """What was wrong with the arguments, in a sentence; empty where the failure is another."""
    return _sentence(failure) if isinstance(failure, typer.TyperException) else ""


def gave_up(failure: Exception) -> bool:
    """Whether a person ended it where they were asked something."""
    return isinstance(failure, typer.Abort)


def _unloaded() -> None:
    """Stand for a verb in the list of verbs; never called, since a verb that is called is named."""


def _show_version(asked: bool) -> None:
    """Runs before a verb is looked for: asking for the version needs none."""
    if asked:
        from importlib.metadata import version as installed  # noqa: PLC0415 - 20 ms that only this option needs

        typer.echo(f"repave {installed('repave')}")
        raise typer.Exit


def _repave(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    del version  # its callback has answered


def _sentence(misused: typer.TyperException) -> str:
    # The second half is the name of the library's own error, which tells a person nothing.
    message = misused.format_message().strip().rstrip(".").replace(": Value error, ", ": ")
    if surplus := SURPLUS.fullmatch(message):
        return f"there is no place for `{surplus[1]}`"
    message = UNFIT.sub(r": it \1", message)
    return message[:1].lower() + message[1:]
