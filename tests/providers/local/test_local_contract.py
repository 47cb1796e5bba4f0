"""This machine passes the contract of a provider of machines."""

import os
import signal
from collections.abc import Callable
from itertools import count
from pathlib import Path
from urllib.request import urlopen

import pytest
from local_subjects import metrics_subject, provider_subject

from repave.model.artifact import Artifact
from repave.model.names import InstanceId
from repave.model.observation import Instance, MachineState
from repave.ports.surroundings import Surroundings
from repave.simulation.contract.metrics import MetricsContract, MetricsSubject
from repave.simulation.contract.provider import ProviderContract, ProviderSubject
from repave.simulation.contract.requirement import eventually


@pytest.fixture
def subject(surroundings: Surroundings, bake: Callable[..., Artifact]) -> ProviderSubject:
    """A provider over a folder of its own, with nothing in it."""

    def crash(instance: Instance) -> None:
        number = surroundings.folder / "instances" / instance.id / "pid"
        os.kill(int(Path(number).read_text()), signal.SIGKILL)

    return provider_subject(surroundings, bake(), spoken="serving as 1000", crash=crash, patience_seconds=30)


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

        return metrics_subject(subject, surroundings, start=start, work=work)


def answers(address: str | None) -> bool:
    """Whether a web server answers there."""
    try:
        with urlopen(f"http://{address}:8080/", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
