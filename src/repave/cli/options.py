"""Options and arguments that several verbs take, declared once."""

from pathlib import Path
from typing import Annotated

from repave.cli.parameters import Argument, Option

Json = Annotated[bool, Option("--json", help="Print one JSON document and nothing else.")]
File = Annotated[
    Path | None,
    Option("--file", "-f", help="The repave.yaml [default: nearest, upwards].", metavar="PATH"),
]
EnvironmentArgument = Annotated[str, Argument(help="An environment of repave.yaml.", metavar="ENVIRONMENT")]
OptionalEnvironment = Annotated[
    str | None, Argument(help="An environment of repave.yaml [default: all].", metavar="ENVIRONMENT")
]
FleetOption = Annotated[str | None, Option("--fleet", help="Only this fleet of it [default: all].", metavar="FLEET")]
Reason = Annotated[str, Option("--reason", help="Why: it stands in the events.", metavar="TEXT")]
Yes = Annotated[bool, Option("--yes", "-y", help="Do not ask.")]
