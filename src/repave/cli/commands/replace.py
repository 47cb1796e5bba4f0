"""``repave replace``."""

from repave.cli.options import EnvironmentArgument, File, Json, Reason
from repave.cli.verbs import example
from repave.cli.wishing import InstanceArgument, wish


@example('repave replace prod web-3 --reason "it is slow"')
def replace(
    environment: EnvironmentArgument,
    instance: InstanceArgument,
    *,
    reason: Reason = "",
    as_json: Json = False,
    file: File = None,
) -> int:
    """Have one instance replaced by another of the same release: launched first, then drained.

    It goes also when it is protected or looks sick past the healing limit: a person named it.
    """
    return wish(
        environment,
        instance,
        lambda wishing, one, _: wishing.replace(one, reason=reason),
        as_json=as_json,
        file=file,
    )
