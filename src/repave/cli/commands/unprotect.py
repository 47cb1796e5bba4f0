"""``repave unprotect``."""

from repave.cli.options import EnvironmentArgument, File, Json, Reason
from repave.cli.verbs import example
from repave.cli.wishing import InstanceArgument, wish


@example("repave unprotect prod web-3")
def unprotect(
    environment: EnvironmentArgument,
    instance: InstanceArgument,
    *,
    reason: Reason = "",
    as_json: Json = False,
    file: File = None,
) -> int:
    """Undo `repave protect` before its time."""
    return wish(
        environment,
        instance,
        lambda wishing, one, _: wishing.unprotect(one, reason=reason),
        as_json=as_json,
        file=file,
    )
