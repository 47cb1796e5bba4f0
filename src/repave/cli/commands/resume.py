"""``repave resume``."""

from repave.cli.options import EnvironmentArgument, File, Json
from repave.cli.pausing import switch
from repave.cli.verbs import example


@example("repave resume prod")
def resume(environment: EnvironmentArgument, *, as_json: Json = False, file: File = None) -> int:
    """Undo `repave pause`, or let a canary go on past its checkpoint; `repave deploy` goes on from there."""
    return switch(environment, paused=False, as_json=as_json, file=file)
