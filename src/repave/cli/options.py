"""Options and arguments that several verbs take, declared once."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
File = Annotated[
    Path | None,
    typer.Option("--file", "-f", help="The repave.yaml [default: nearest, upwards].", metavar="PATH"),
]
EnvironmentArgument = Annotated[str, typer.Argument(help="An environment of repave.yaml.", metavar="ENVIRONMENT")]
OptionalEnvironment = Annotated[
    str | None, typer.Argument(help="An environment of repave.yaml [default: all].", metavar="ENVIRONMENT")
]
FleetOption = Annotated[
    str | None, typer.Option("--fleet", help="Only this fleet of it [default: all].", metavar="FLEET")
]
Reason = Annotated[str, typer.Option("--reason", help="Why: it stands in the events.", metavar="TEXT")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
