"""This machine passes the contract of a provider of machines."""

import os
import signal
from collections.abc import Callable
from itertools import count
from pathlib import Path
from urllib.request import urlopen

import pytest

from repave.model.artifact import Artifact
from repave.model.names import EnvironmentName, FleetKey, FleetName, InstanceId, ProjectName, ReleaseNumber, ZoneName
from repave.model.observation import Instance, MachineState
from repave.model.release import Revision
from repave.ports.surroundings import Surroundings
from repave.providers.local.provider import LocalProvider
from repave.simulation.contract.metrics import MetricsContract, MetricsSubject
from repave.simulation.contract.provider import ProviderContract, ProviderSubject
from repave.simulation.contract.requirement import eventually


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


@pytest.mark.real
class TestLocalMetrics(MetricsContract):
    """Every rule of metrics, against real containers."""

    @pytest.fixture
    def subject(self, subject: ProviderSubject, surroundings: Surroundings) -> MetricsSubject:
        """The provider's containers, which are asked over HTTP for work."""
        numbers = count(1)

        def start() -> InstanceId:
            instance = subject.launch(next(numbers))
            address = subject.await_state(instance, MachineState.RUNNING).address
            eventually(subject.clock, 20, lambda: answers(address), f"{instance} answers")
            return instance

        def work(seconds: float) -> None:
            for instance in subject.listed().values():
                for _ in range(20):
                    answers(instance.address)
            subject.clock.sleep(seconds)

        return MetricsSubject(
            source=LocalProvider(surroundings),
            clock=subject.clock,
            fleet=subject.fleet,
            other=subject.other,
            start=start,
            end=lambda instance: subject.provider.terminate(subject.fleet, instance, generation=1),
            work=work,
            rates=("cpu",),
            reopen=lambda: LocalProvider(surroundings),
        )


def answers(address: str | None) -> bool:
    """Whether a web server answers there."""
    try:
        with urlopen(f"http://{address}:8080/", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
