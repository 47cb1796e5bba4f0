"""``repave resume``."""

from repave.cli.options import EnvironmentArgument, File, FleetOption, Json, Reason
from repave.cli.pausing import Asked, switch
from repave.cli.verbs import example


@example("repave resume prod")
def resume(
    environment: EnvironmentArgument,
    *,
    fleet: FleetOption = None,
    reason: Reason = "",
    as_json: Json = False,
    file: File = None,
) -> int:
    """Undo `repave pause`, or let a canary go on past its checkpoint; `repave deploy` goes on from there."""
    return switch(environment, Asked(fleet=fleet, until=None, reason=reason), paused=False, as_json=as_json, file=file)
