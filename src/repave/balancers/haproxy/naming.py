"""HAProxy's names for ours, and back: reversible, and safe to put into a command or a configuration."""

import re

from repave.model.names import FleetKey, InstanceId

_SAFE = re.compile(r"[A-Za-z0-9_-]")
_ENCODED = re.compile(r":([0-9a-f]{2})")


def backend_name(fleet: FleetKey) -> str:
    """``project.environment.fleet``, each part encoded, so that no two fleets share a name."""
    return ".".join(_encode(part) for part in (fleet.project, fleet.environment, fleet.fleet))


def server_name(instance: InstanceId) -> str:
    """The instance's identifier, encoded."""
    return _encode(instance)


def instance_of(server: str) -> InstanceId:
    """The instance a server was named after."""
    return InstanceId(_decode(server))


def _encode(text: str) -> str:
    return "".join(
        character if _SAFE.fullmatch(character) else "".join(f":{byte:02x}" for byte in character.encode())
        for character in text
    )


def _decode(name: str) -> str:
    plain = _ENCODED.sub(lambda match: chr(int(match[1], 16)), name)
    return plain.encode("latin-1").decode()
