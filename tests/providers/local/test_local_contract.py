"""This machine passes the contract of a provider of machines."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from repave.model.artifact import Artifact
from repave.model.names import EnvironmentName, FleetKey, FleetName, ProjectName, ReleaseNumber, ZoneName
from repave.model.observation import Instance
from repave.model.release import Revision
from repave.ports.surroundings import Surroundings
from repave.providers.local.provider import LocalProvider
from repave.simulation.contract.provider import ProviderContract, ProviderSubject


@pytest.fixture
def subject(surroundings: Surroundings, bake: Callable[..., Artifact]) -> ProviderSubject:
    """A provider over a folder of its own, with nothing in it."""
    artifact = bake()

    def fleet(name: str) -> FleetKey:
        return FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName(name))

    def crash(instance: Instance) -> None:
        number = surroundings.folder / "instances" / instance.id / "pid"
        os.kill(int(Path(number).read_text()), signal.SIGKILL)

    return ProviderSubject(
        provider=LocalProvider(surroundings),
        clock=surroundings.clock,
        fleet=fleet("web"),
        other=fleet("worker"),
        zones=(ZoneName("a"), ZoneName("b")),
        artifact=artifact,
        revision=Revision(release=ReleaseNumber(1), image=artifact.image, artifact=artifact.digest, port=8080),
        spoken="serving as 1000",
        crash=crash,
        reopen=lambda: LocalProvider(surroundings),
    )


@pytest.mark.real
class TestLocalContract(ProviderContract):
    """Every rule, against real containers."""
