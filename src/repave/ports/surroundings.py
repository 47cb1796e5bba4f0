"""What an adapter that is found by its entry point is given: the one argument of its constructor."""

from dataclasses import dataclass
from pathlib import Path

from repave.model.names import ProjectName
from repave.ports.clock import Clock
from repave.ports.commands import Commands
from repave.ports.registry import Registry
from repave.ports.vault import Vault


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Where an adapter works, and by what."""

    project: ProjectName
    folder: Path
    """The adapter's own folder under ``.repave``; it makes it when it needs it."""

    commands: Commands
    clock: Clock
    vault: Vault
    registry: Registry
