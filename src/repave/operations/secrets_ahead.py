"""Secrets are read before anything is asked for that needs them: what cannot be read says nothing of a release."""

from collections.abc import Callable, Mapping

from repave.model.names import FleetKey
from repave.model.release import Revision
from repave.operations.errors import Refused
from repave.ports.errors import WorldError
from repave.ports.secrets import Secrets

OF_ITS_PROCESS = "env"
"""The scheme of secrets that each process has for itself."""

LedBy = Callable[[FleetKey], str]
"""Who else looks after a fleet, and so launches for it and reads its secrets; empty when nobody does."""


def read_ahead(revisions: Mapping[FleetKey, Revision], secrets: Secrets, led_by: LedBy) -> None:
    """Read each secret that launches from here need, and keep none. Raises Refused, which names all that fail."""
    found: dict[str, tuple[str, str]] = {}
    for key, revision in revisions.items():
        if led_by(key):
            continue
        for _, reference in revision.secrets:
            try:
                secrets.resolve(reference)
            except WorldError as error:
                # What several fleets lack is told once, for the first of them.
                found.setdefault(error.message, (f"{key.environment}/{key.fleet}", error.hint))
    if found:
        told = "; ".join(f"{fleet}: {message}" for message, (fleet, _) in found.items())
        hints = dict.fromkeys(hint for _, hint in found.values() if hint)
        raise Refused(f"{told}; nothing was changed", hint="; ".join(hints))


def read_elsewhere(revisions: Mapping[FleetKey, Revision], led_by: LedBy) -> dict[FleetKey, tuple[str, ...]]:
    """By fleet that somebody else looks after: the secrets that they have of their own, whatever ours are."""
    return {
        key: own
        for key, revision in revisions.items()
        if (own := tuple(str(where) for _, where in revision.secrets if where.scheme == OF_ITS_PROCESS)) and led_by(key)
    }
