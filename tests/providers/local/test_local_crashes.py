"""Killed at any step, a launch or an end leaves neither a double nor an orphan (what others get wrong: promise 8)."""

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

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

WEB = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))
SLOT = SlotId("web-1")


@pytest.fixture
def order(surroundings: Surroundings, bake: Callable[..., Artifact]) -> LaunchOrder:
    """One order, its artifact published."""
    artifact = bake()
    LocalProvider(surroundings).publish(artifact, progress=Silent())
    revision = Revision(release=ReleaseNumber(1), image=artifact.image, artifact=artifact.digest, port=8080)
    return LaunchOrder(fleet=WEB, slot=SLOT, zone=ZoneName("a"), revision=revision, generation=1)


def dying(surroundings: Surroundings, at: int, *, after: bool) -> LocalProvider:
    """A provider whose process dies at its ``at``-th program."""
    return LocalProvider(replace(surroundings, commands=Interrupting(surroundings.commands, at=at, after=after)))


def kinds(traces: list[str]) -> list[str]:
    """Traces without what makes each unique: two letters say of which kind it is."""
    return sorted(trace[:2] for trace in traces)


@pytest.mark.real
@pytest.mark.parametrize("again", ["launch", "observe"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_launch_killed_at_any_step_converges(
    *, surroundings: Surroundings, order: LaunchOrder, traces: Callable[[], list[str]], after: bool, again: str
) -> None:
    """Whichever program was the last, the next repave ends with one instance or none, never with remains."""
    LocalProvider(surroundings).launch(order)
    whole = kinds(traces())
    assert len(whole) >= 5, "an instance has a bridge, a cable, a namespace, a mount and a container"
    steps = 0
    for number in range(1, 20):
        current = replace(order, slot=SlotId(f"web-{number + 1}"))
        LocalProvider(surroundings).observe(WEB)
        try:
            dying(surroundings, number, after=after).launch(current)
        except Interrupted:
            steps += 1
        else:
            break
        _converges(surroundings, current, again)
    assert steps >= 2, "the walk has seen the steps of a launch"
    provider = LocalProvider(surroundings)
    for instance in provider.observe(WEB).instances:
        if instance.slot != SLOT:
            provider.terminate(WEB, instance.id, generation=1)
    assert kinds(traces()) == whole, "what each took is free again"
    provider.terminate(WEB, provider.observe(WEB).instances[0].id, generation=1)
    assert not traces(), "with the last instance nothing is left on the machine"


def _converges(surroundings: Surroundings, order: LaunchOrder, again: str) -> None:
    fresh = LocalProvider(surroundings)
    if again == "observe":
        seen = [instance for instance in fresh.observe(WEB).instances if instance.slot == order.slot]
        assert all(instance.state is MachineState.RUNNING for instance in seen), "what is listed runs"
    instance = fresh.launch(order)
    listed = [seen for seen in fresh.observe(WEB).instances if seen.slot == order.slot]
    assert [(seen.id, seen.state) for seen in listed] == [(instance, MachineState.RUNNING)]
    addresses = [seen.address for seen in fresh.observe(WEB).instances]
    assert len(set(addresses)) == len(addresses), "no address is given twice"


@pytest.mark.real
def test_the_very_first_launch_killed_leaves_nothing(
    surroundings: Surroundings, order: LaunchOrder, traces: Callable[[], list[str]]
) -> None:
    """Bridge and mount are made by the first launch: killed there too, looking once is enough to clean up."""
    for number in range(1, 20):
        for after in (False, True):
            try:
                dying(surroundings, number, after=after).launch(replace(order, slot=SlotId(f"web-{number}")))
            except Interrupted:
                provider = LocalProvider(surroundings)
                for seen in provider.observe(WEB).instances:
                    provider.terminate(WEB, seen.id, generation=1)
                assert not traces(), f"killed at program {number}"
            else:
                return


@pytest.mark.real
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_end_killed_at_any_step_is_finished_by_the_next(
    *, surroundings: Surroundings, order: LaunchOrder, traces: Callable[[], list[str]], after: bool
) -> None:
    """An instance whose end was begun is still listed, so it is ended again, and then wholly."""
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


@pytest.mark.real
@pytest.mark.parametrize("milliseconds", [0, 10, 25, 40, 60, 80])
def test_kill_9_while_programs_run_leaves_no_double(
    surroundings: Surroundings, order: LaunchOrder, traces: Callable[[], list[str]], milliseconds: int
) -> None:
    """A program that outlives the killed repave cannot bring the instance to life a second time."""
    folder = surroundings.folder.parent
    arguments = [sys.executable, "-c", LAUNCH, str(folder), order.revision.artifact]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        surroundings.clock.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGKILL)
    provider = LocalProvider(surroundings)
    instance = provider.launch(order)
    seen = provider.observe(WEB).instances
    assert [(one.id, one.state) for one in seen] == [(instance, MachineState.RUNNING)]
    listed = surroundings.commands.run(["runc", "--root", str(_runtime(surroundings)), "list", "--quiet"])
    assert listed.stdout.decode().split() == [instance]
    provider.terminate(WEB, instance, generation=1)
    assert not traces()


def _runtime(surroundings: Surroundings) -> Path:
    return LocalProvider(surroundings)._parts.places.runtime
