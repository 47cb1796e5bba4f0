"""Virtual machines of this machine pass the contract of a provider of machines, and of whoever measures them."""

from itertools import count

import pytest
from local_subjects import metrics_subject

from repave.model.names import InstanceId
from repave.model.observation import MachineState
from repave.ports.surroundings import Surroundings
from repave.simulation.contract.metrics import MetricsContract, MetricsSubject
from repave.simulation.contract.provider import ProviderContract, ProviderSubject

pytestmark = [pytest.mark.real, pytest.mark.network]


class TestQemuContract(ProviderContract):
    """Every rule, against real machines."""


class TestQemuMetrics(MetricsContract):
    """Every rule of metrics, against real machines, which have work enough while they boot."""

    @pytest.fixture
    def subject(self, subject: ProviderSubject, surroundings: Surroundings) -> MetricsSubject:
        """The provider's machines."""
        numbers = count(1)

        def start() -> InstanceId:
            instance = subject.launch(next(numbers))
            subject.await_state(instance, MachineState.RUNNING)
            return instance

        return metrics_subject(subject, surroundings, start=start, work=subject.clock.sleep)
