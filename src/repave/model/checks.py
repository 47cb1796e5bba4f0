"""Checks: what is tried on a release in the environment that carries it, before it goes on."""

from dataclasses import dataclass
from typing import Literal

from repave.model.names import FleetName, ImageName


@dataclass(frozen=True, kw_only=True)
class ProgramCheck:
    """A program of the project, run in a container of its own; what exits with 0 has passed."""

    run: str
    """Its file, by its path in the project."""

    files: tuple[str, ...] = ()
    """Files and folders of the project that it sees beside itself."""

    image: ImageName
    """What it runs in: the release's own artifact of this image."""

    timeout_seconds: float
    fleet: FleetName | None = None
    """Whose address it is given as *the* address; None where there are several to choose from."""

    kind: Literal["run"] = "run"

    @property
    def name(self) -> str:
        """By which it is called: once in an environment."""
        return self.run


@dataclass(frozen=True, kw_only=True)
class HttpCheck:
    """One request to a fleet, and the answer that it must get."""

    path: str
    fleet: FleetName
    status: int
    contains: str = ""
    """Must stand in the answer; empty for anything."""

    timeout_seconds: float
    """From the request to the last byte of the answer."""

    kind: Literal["http"] = "http"

    @property
    def name(self) -> str:
        """By which it is called: once in an environment."""
        return f"{self.fleet}{self.path}"


Check = ProgramCheck | HttpCheck
"""Told apart by ``kind``."""
