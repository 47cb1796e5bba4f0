"""``repave heal``."""

from repave.cli.codes import OK
from repave.cli.opening import opened
from repave.cli.options import EnvironmentArgument, File, FleetOption, Json, Reason
from repave.cli.screen import Screen
from repave.cli.settling import carrying_on
from repave.cli.verbs import example
from repave.config.policies import environment_named
from repave.operations.heal import allow_healing
from repave.operations.keys import fleets_of


@example("repave heal prod", 'repave heal prod --fleet web --reason "they hang, the check is right"')
def heal(
    environment: EnvironmentArgument,
    *,
    fleet: FleetOption = None,
    reason: Reason = "",
    as_json: Json = False,
    file: File = None,
) -> int:
    """Let all that looks sick now be replaced, also past the healing limit.

    When more fall sick at once than the limit, healing stops: the check may be wrong rather than the fleet. Look first.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        where = environment_named(wiring.project, environment)
        keys = fleets_of(wiring.project, where, only=fleet)
        allowed = allow_healing(keys, wiring.store, wiring.clock, reason=reason)
        next_step = carrying_on(wiring, where)
    screen.answer({"fleets": allowed})
    for one in allowed:
        sick = ", ".join(one.sick) or "nobody"
        screen.show(f"{one.environment}/{one.fleet}: what looks sick may be replaced (as last seen: {sick})")
    screen.hint(f"`{next_step}` carries on with it, unless one runs with --watch")
    return OK
