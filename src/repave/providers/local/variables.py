"""What an instance is told of itself: its host name, and the variables its application starts with."""

import re
from collections.abc import Mapping

from repave.ports.errors import Invalid
from repave.ports.provider import LaunchOrder
from repave.providers.local.mapping import Record

VARIABLE = re.compile(r"[^=\0]+")


def variables_of(order: LaunchOrder, record: Record, given: Mapping[str, str]) -> dict[str, str]:
    """The instance's environment: what its image gives, then configuration, then what repave says, then secrets."""
    variables = {
        **given,
        **dict(order.revision.configuration),
        "PORT": str(record.port),
        "REPAVE_RELEASE": f"r{record.release}",
        "REPAVE_REVISION": record.revision,
        "REPAVE_INSTANCE": record.instance,
        "REPAVE_ZONE": record.zone,
        "REPAVE_FLEET": record.fleet.fleet,
        "REPAVE_ENVIRONMENT": record.fleet.environment,
        **order.secrets,
    }
    for name, value in variables.items():
        if not VARIABLE.fullmatch(name) or "\0" in value:
            raise Invalid(
                f"{record.slot} of {record.fleet} cannot be started: {name!r} or its value cannot be a variable",
                hint="a variable's name holds no '=', and neither name nor value a zero byte",
            )
    return variables


def hostname(slot: str) -> str:
    """The slot as a host name: letters, digits and hyphens, 63 at most (RFC 1123)."""
    return re.sub(r"[^A-Za-z0-9-]+", "-", slot).strip("-")[:63] or "instance"
