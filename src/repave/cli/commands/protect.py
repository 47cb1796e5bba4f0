"""``repave protect``."""

from typing import Annotated

from repave.cli.moments import moment
from repave.cli.options import EnvironmentArgument, File, Json, Reason
from repave.cli.parameters import Option
from repave.cli.verbs import example
from repave.cli.wishing import InstanceArgument, wish

Until = Annotated[str, Option("--until", help="So long (2h, 3d), or a time (2026-03-02T18:00+01:00).", metavar="TIME")]


@example('repave protect prod web-3 --until 4h --reason "a profiler runs there"')
def protect(
    environment: EnvironmentArgument,
    instance: InstanceArgument,
    *,
    until: Until,
    reason: Reason = "",
    as_json: Json = False,
    file: File = None,
) -> int:
    """Keep an instance from all that can wait: roll-outs, scale-in, its age, uneven zones.

    What is revoked, sick, dead or due by a deadline is replaced all the same. A `repave replace` asked for before is
    withdrawn.
    """
    return wish(
        environment,
        instance,
        lambda wishing, one, clock: wishing.protect(one, until=moment("--until", until, clock.now()), reason=reason),
        as_json=as_json,
        file=file,
    )
