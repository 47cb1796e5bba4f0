"""``repave pause``."""

from repave.cli.moments import Until
from repave.cli.options import EnvironmentArgument, File, FleetOption, Json, Reason
from repave.cli.pausing import Asked, switch
from repave.cli.verbs import example


@example("repave pause prod", 'repave pause prod --fleet web --until 2h --reason "an incident is looked into"')
def pause(
    environment: EnvironmentArgument,
    *,
    fleet: FleetOption = None,
    until: Until = None,
    reason: Reason = "",
    as_json: Json = False,
    file: File = None,
) -> int:
    """Change nothing in an environment until it is resumed; what serves goes on serving.

    Sick instances are not replaced either while it is paused.
    """
    return switch(environment, Asked(fleet=fleet, until=until, reason=reason), paused=True, as_json=as_json, file=file)
