"""What an instance is told of itself: its host name, and the variables its application starts with."""

import re
from collections.abc import Mapping

from repave.model.names import EnvironmentName, FleetName
from repave.model.release import Revision
from repave.ports.errors import Invalid
from repave.ports.provider import LaunchOrder
from repave.providers.local.mapping import Record

VARIABLE = re.compile(r"[^=\0]+")


def variables_of(order: LaunchOrder, record: Record, given: Mapping[str, str]) -> dict[str, str]:
    """The instance's environment: what its image gives, then configuration, then what repave says, then secrets."""
    variables = {
        **given,
        **shared_variables(order.revision, record.fleet.environment, record.fleet.fleet),
        "REPAVE_INSTANCE": record.instance,
        "REPAVE_ZONE": record.zone,
        **order.secrets,
    }
    return checked(variables, f"{record.slot} of {record.fleet}")


def shared_variables(revision: Revision, environment: EnvironmentName, fleet: FleetName) -> dict[str, str]:
    """What the instances of a revision have in common, without secrets."""
    return {
        **dict(revision.configuration),
        **({"PORT": str(revision.port)} if revision.port else {}),
        "REPAVE_RELEASE": f"r{revision.release}",
        "REPAVE_REVISION": revision.id,
        "REPAVE_FLEET": fleet,
        "REPAVE_ENVIRONMENT": environment,
    }


def checked(variables: dict[str, str], whose: str) -> dict[str, str]:
    """The same. Raises Invalid where one of them cannot be a variable."""
    for name, value in variables.items():
        if not VARIABLE.fullmatch(name) or "\0" in value:
            raise Invalid(
                f"{whose} cannot be started: {name!r} or its value cannot be a variable",
                hint="a variable's name holds no '=', and neither name nor value a zero byte",
            )
    return variables


def hostname(slot: str) -> str:
    """The slot as a host name: letters, digits and hyphens, 63 at most (RFC 1123)."""
    return re.sub(r"[^A-Za-z0-9-]+", "-", slot).strip("-")[:63] or "instance"
