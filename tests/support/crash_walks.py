"""A provider on this machine whose process dies at a program or at a moment: what it leaves must not matter."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from repave.jobs.commands import LocalCommands
from repave.model.artifact import Artifact
from repave.model.names import (
    EnvironmentName,
    FleetKey,
    FleetName,
    InstanceId,
    ProjectName,
    ReleaseNumber,
    SlotId,
    ZoneName,
)
from repave.model.observation import MachineState
from repave.model.release import Revision
from repave.ports.commands import Finished
from repave.ports.errors import Gone
from repave.ports.progress import Silent
from repave.ports.provider import LaunchOrder
from repave.ports.surroundings import Surroundings
from repave.providers.local.provider import LocalProvider

WEB = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
MOST_PROGRAMS = 20
"""More than a launch or an end calls."""

OPENED = """
import sys
from pathlib import Path
from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.names import *
from repave.model.release import Limits, Revision
from repave.ports.progress import Silent
from repave.ports.provider import LaunchOrder, MemoryWanted
from repave.ports.surroundings import Surroundings
from repave.providers.local.provider import LocalProvider
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault
folder = Path(sys.argv[1])
provider = LocalProvider(Surroundings(project=ProjectName("shop"), folder=folder / "local", commands=LocalCommands(),
    clock=SystemClock(), vault=FileVault(folder / "vault"), registry=LayoutRegistry(folder / "registry")))
fleet = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
revision = Revision(release=ReleaseNumber(1), image=ImageName("web"), artifact=Digest(sys.argv[2]), port=8080)
order = LaunchOrder(fleet=fleet, slot=SlotId("web-1"), zone=ZoneName("a"), revision=revision, generation=1)
print("ready", flush=True)
"""
"""A process of its own with an order for the slot web-1 below a folder, of the artifact of a digest."""

LAUNCH = f"{OPENED}provider.launch(order)\n"


class Interrupted(BaseException):
    """The process dies here: no handler of ours may run."""


class Interrupting(LocalCommands):
    """Commands that die at the call of a number, just before or just after the program did its work."""

    def __init__(self, *, at: int, after: bool) -> None:
        super().__init__()
        self._left = at
        self._after = after

    def run(self, arguments: Sequence[str], **options: Any) -> Finished:  # noqa: ANN401 - handed on as they are
        """Run, or die."""
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Interrupted
        finished = super().run(arguments, **options)
        if self._left == 0:
            raise Interrupted
        return finished


@dataclass(frozen=True, kw_only=True)
class CrashWalk:
    """An order to a provider of a folder, and what of that folder is on the machine."""

    surroundings: Surroundings
    order: LaunchOrder
    traces: Callable[[], list[str]]

    @classmethod
    def of(cls, surroundings: Surroundings, artifact: Artifact, traces: Callable[[], list[str]]) -> "CrashWalk":
        """For the slot web-1, the artifact published."""
        LocalProvider(surroundings).publish(artifact, progress=Silent())
        revision = Revision(release=ReleaseNumber(1), image=artifact.image, artifact=artifact.digest, port=8080)
        order = LaunchOrder(fleet=WEB, slot=SlotId("web-1"), zone=ZoneName("a"), revision=revision, generation=1)
        return cls(surroundings=surroundings, order=order, traces=traces)

    def fresh(self) -> LocalProvider:
        """The provider of another process."""
        return LocalProvider(self.surroundings)

    def dying(self, at: int, *, after: bool) -> LocalProvider:
        """A provider whose process dies at its ``at``-th program."""
        return LocalProvider(replace(self.surroundings, commands=Interrupting(at=at, after=after)))

    def killed_launches(self, *, after: bool) -> Iterator[LaunchOrder]:
        """Orders for web-2, web-3 and so on, each after its launch was killed one program later than the last one's.

        It ends with the launch that was not killed, whose instance runs.
        """
        for number in range(1, MOST_PROGRAMS):
            order = replace(self.order, slot=SlotId(f"web-{number + 1}"))
            try:
                self.dying(number, after=after).launch(order)
            except Interrupted:
                yield order
            else:
                return

    def end_at_any_program(self, *, after: bool) -> None:
        """An instance whose end was begun is still listed or gone; ended again nothing is left, and it stays gone."""
        for number in range(1, MOST_PROGRAMS):
            order = replace(self.order, slot=SlotId(f"web-{number}"))
            instance = self.fresh().launch(order)
            try:
                self.dying(number, after=after).terminate(WEB, instance, generation=1)
            except Interrupted:
                provider = self.fresh()
                assert [seen.id for seen in provider.observe(WEB).instances] in ([instance], [])
                provider.terminate(WEB, instance, generation=1)
                with pytest.raises(Gone):
                    provider.launch(order)
            else:
                assert number > 1, "the walk has seen the programs of an end"
                assert not self.traces()
                return
            assert not self.traces(), f"killed at program {number}"

    def killed_and_launched_again(self, milliseconds: int) -> InstanceId:
        """The only instance there is, launched after a repave that launched it was killed at that moment."""
        arguments = [sys.executable, "-c", LAUNCH, str(self.surroundings.folder.parent), self.order.revision.artifact]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            self.surroundings.clock.sleep(milliseconds / 1000)
            process.send_signal(signal.SIGKILL)
        provider = self.fresh()
        instance = provider.launch(self.order)
        seen = provider.observe(WEB).instances
        assert [(one.id, one.state) for one in seen] == [(instance, MachineState.RUNNING)]
        return instance

    def ends_without_trace(self, instance: InstanceId) -> None:
        """Ended, nothing of it is on the machine."""
        self.fresh().terminate(WEB, instance, generation=1)
        assert not self.traces()
