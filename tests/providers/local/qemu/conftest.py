"""A tiny real guest, published by a provider over a folder of its own."""

import os
import signal
from pathlib import Path

import pytest
from local_subjects import provider_subject
from tiny_guest import Guest, add_machine, tiny_guest

from repave.model.artifact import Artifact
from repave.model.observation import Instance
from repave.ports.surroundings import Surroundings
from repave.providers.local.processes import started_with
from repave.simulation.contract.provider import ProviderSubject


@pytest.fixture(scope="session")
def guest() -> Guest:
    """Debian's kernel and busybox."""
    return tiny_guest()


@pytest.fixture
def machine(surroundings: Surroundings, tmp_path: Path, guest: Guest) -> Artifact:
    """The artifact, in the registry."""
    return add_machine(surroundings.registry, tmp_path, guest)


@pytest.fixture
def subject(surroundings: Surroundings, machine: Artifact, impatient: None) -> ProviderSubject:
    """A provider over a folder of its own, with nothing in it."""
    del impatient
    return provider_subject(surroundings, machine, spoken="serving as i-", crash=kill, patience_seconds=120)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guests that have not booted yet do not hear the power button, and need not be waited for."""
    monkeypatch.setattr("repave.providers.local.qemu.engine.POWER_DOWN_SECONDS", 0.2)


def kill(instance: Instance) -> None:
    """End the machine's QEMU as a crash would."""
    for process in started_with("qemu-system-x86_64", f"repave-{instance.id}"):
        os.kill(process.pid, signal.SIGKILL)
        assert process.ends_within(10)
