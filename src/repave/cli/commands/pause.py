"""``repave pause``."""

from repave.cli.options import EnvironmentArgument, File, Json
from repave.cli.pausing import switch
from repave.cli.verbs import example


@example("repave pause prod", "repave resume prod")
def pause(environment: EnvironmentArgument, *, as_json: Json = False, file: File = None) -> int:
    """Change nothing in an environment until it is resumed; what serves goes on serving.

    Sick instances are not replaced either while it is paused.
    """
    return switch(environment, paused=True, as_json=as_json, file=file)
