"""Killed at any step, the launch or the end of a machine leaves neither a double nor an orphan."""

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
from interrupting import LAUNCH, Interrupted, Interrupting

from repave.model.artifact import Artifact
from repave.model.names import EnvironmentName, FleetKey, FleetName, ProjectName, ReleaseNumber, SlotId, ZoneName
from repave.model.observation import MachineState
from repave.model.release import Revision
from repave.ports.errors import Gone
from repave.ports.progress import Silent
from repave.ports.provider import LaunchOrder
from repave.ports.surroundings import Surroundings
from repave.providers.local.provider import LocalProvider

pytestmark = [pytest.mark.real, pytest.mark.network, pytest.mark.usefixtures("impatient")]

WEB = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))


@pytest.fixture
def order(surroundings: Surroundings, machine: Artifact) -> LaunchOrder:
    """One order, its artifact published, and what this machine can do tried."""
    provider = LocalProvider(surroundings)
    provider.publish(machine, progress=Silent())
    revision = Revision(release=ReleaseNumber(1), image=machine.image, artifact=machine.digest, port=8080)
    return LaunchOrder(fleet=WEB, slot=SlotId("web-1"), zone=ZoneName("a"), revision=revision, generation=1)


def dying(surroundings: Surroundings, at: int, *, after: bool) -> LocalProvider:
    """A provider whose process dies at its ``at``-th program."""
    return LocalProvider(replace(surroundings, commands=Interrupting(surroundings.commands, at=at, after=after)))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_launch_killed_at_any_step_converges(
    *, surroundings: Surroundings, order: LaunchOrder, traces: Callable[[], list[str]], after: bool
) -> None:
    """Whichever program was the last, looking and launching again end with one machine, and ending it with none."""
    steps = 0
    for number in range(1, 20):
        current = replace(order, slot=SlotId(f"web-{number}"))
        killed = _killed(dying(surroundings, number, after=after), current)
        steps += killed
        provider = LocalProvider(surroundings)
        assert all(seen.state is MachineState.RUNNING for seen in provider.observe(WEB).instances)
        instance = provider.launch(current)
        assert [(seen.id, seen.state) for seen in provider.observe(WEB).instances] == [(instance, MachineState.RUNNING)]
        assert traces().count(f"repave-{instance}") == 3, "one namespace, one control group, one process"
        provider.terminate(WEB, instance, generation=1)
        assert not traces(), f"killed at program {number}"
        if not killed:
            break
    assert steps >= 4, "a launch makes a bridge, a cable, an overlay and a process"


def _killed(provider: LocalProvider, order: LaunchOrder) -> bool:
    """Whether the provider's process died before the launch was done."""
    try:
        provider.launch(order)
    except Interrupted:
        return True
    return False


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_end_killed_at_any_step_is_finished_by_the_next(
    *, surroundings: Surroundings, order: LaunchOrder, traces: Callable[[], list[str]], after: bool
) -> None:
    """A machine whose end was begun is still listed, so it is ended again, and then wholly."""
    for number in range(1, 20):
        current = replace(order, slot=SlotId(f"web-{number}"))
        instance = LocalProvider(surroundings).launch(current)
        try:
            dying(surroundings, number, after=after).terminate(WEB, instance, generation=1)
        except Interrupted:
            fresh = LocalProvider(surroundings)
            assert [seen.id for seen in fresh.observe(WEB).instances] in ([instance], [])
            fresh.terminate(WEB, instance, generation=1)
            with pytest.raises(Gone):
                fresh.launch(current)
        else:
            assert number > 1, "the walk has seen the steps of an end"
            assert not traces()
            return
        assert not traces(), f"killed at program {number}"


@pytest.mark.parametrize("milliseconds", [0, 40, 80, 120, 160, 200])
def test_kill_9_while_programs_run_leaves_no_double(
    surroundings: Surroundings, order: LaunchOrder, traces: Callable[[], list[str]], milliseconds: int
) -> None:
    """A QEMU that outlives the killed repave is taken over or ended, never joined by a second."""
    arguments = [sys.executable, "-c", LAUNCH, str(surroundings.folder.parent), order.revision.artifact]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        surroundings.clock.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGKILL)
    provider = LocalProvider(surroundings)
    instance = provider.launch(order)
    assert [seen.state for seen in provider.observe(WEB).instances] == [MachineState.RUNNING]
    assert traces().count(f"repave-{instance}") == 3, "one namespace, one control group, one process"
    provider.terminate(WEB, instance, generation=1)
    assert not traces()
