"""``repave schema``."""

import json

from repave.cli.codes import OK
from repave.cli.options import Json
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.config.schema import json_schema


@example(
    "repave schema > repave.schema.json",
    "# first line of repave.yaml:  # yaml-language-server: $schema=repave.schema.json",
)
def schema(*, as_json: Json = False) -> int:
    """Print the JSON Schema of repave.yaml, for editors."""
    screen = Screen(as_json=as_json)
    screen.answer(json_schema())
    screen.show(json.dumps(json_schema(), indent=2))
    return OK
