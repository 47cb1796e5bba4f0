"""Killed at any step, the launch or the end of a machine leaves neither a double nor an orphan."""

from collections.abc import Callable

import pytest
from crash_walks import WEB, CrashWalk

from repave.model.artifact import Artifact
from repave.model.names import InstanceId
from repave.model.observation import MachineState
from repave.ports.surroundings import Surroundings

pytestmark = [pytest.mark.real, pytest.mark.network, pytest.mark.usefixtures("impatient")]


@pytest.fixture
def walk(surroundings: Surroundings, machine: Artifact, traces: Callable[[], list[str]]) -> CrashWalk:
    """One order for a machine."""
    return CrashWalk.of(surroundings, machine, traces)


def ends_whole(walk: CrashWalk, instance: InstanceId) -> None:
    """The machine is there once; ended, nothing of it is left."""
    assert walk.traces().count(f"repave-{instance}") == 3, "one namespace, one control group, one process"
    walk.ends_without_trace(instance)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_launch_killed_at_any_step_converges(*, walk: CrashWalk, after: bool) -> None:
    """Whichever program was the last, looking and launching again end with one machine, and ending it with none."""
    steps = 0
    for order in walk.killed_launches(after=after):
        steps += 1
        provider = walk.fresh()
        assert all(seen.state is MachineState.RUNNING for seen in provider.observe(WEB).instances)
        instance = provider.launch(order)
        assert [(seen.id, seen.state) for seen in provider.observe(WEB).instances] == [(instance, MachineState.RUNNING)]
        ends_whole(walk, instance)
    assert steps >= 4, "a launch makes a bridge, a cable, an overlay and a process"
    (last,) = walk.fresh().observe(WEB).instances
    ends_whole(walk, last.id)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_end_killed_at_any_step_is_finished_by_the_next(*, walk: CrashWalk, after: bool) -> None:
    """A machine whose end was begun is still listed, so it is ended again, and then wholly."""
    walk.end_at_any_program(after=after)


@pytest.mark.parametrize("milliseconds", [0, 40, 80, 120, 160, 200])
def test_kill_9_while_programs_run_leaves_no_double(walk: CrashWalk, milliseconds: int) -> None:
    """A QEMU that outlives the killed repave is taken over or ended, never joined by a second."""
    ends_whole(walk, walk.killed_and_launched_again(milliseconds))
