"""Killed at any step, a launch or an end leaves neither a double nor an orphan (what others get wrong: promise 8)."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from crash_walks import MOST_PROGRAMS, WEB, CrashWalk, Interrupted

from repave.model.artifact import Artifact
from repave.model.names import SlotId
from repave.model.observation import MachineState
from repave.ports.provider import LaunchOrder
from repave.ports.surroundings import Surroundings

pytestmark = pytest.mark.real


@pytest.fixture
def walk(surroundings: Surroundings, bake: Callable[..., Artifact], traces: Callable[[], list[str]]) -> CrashWalk:
    """One order for a container."""
    return CrashWalk.of(surroundings, bake(), traces)


def kinds(traces: list[str]) -> list[str]:
    """Traces without what makes each unique: two letters say of which kind it is."""
    return sorted(trace[:2] for trace in traces)


@pytest.mark.parametrize("again", ["launch", "observe"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_launch_killed_at_any_step_converges(*, walk: CrashWalk, after: bool, again: str) -> None:
    """Whichever program was the last, the next repave ends with one instance or none, never with remains."""
    walk.fresh().launch(walk.order)
    whole = kinds(walk.traces())
    assert len(whole) >= 5, "an instance has a bridge, a cable, a namespace, a mount and a container"
    steps = 0
    for order in walk.killed_launches(after=after):
        steps += 1
        converges(walk, order, again)
    assert steps >= 2, "the walk has seen the steps of a launch"
    provider = walk.fresh()
    for instance in provider.observe(WEB).instances:
        if instance.slot != walk.order.slot:
            provider.terminate(WEB, instance.id, generation=1)
    assert kinds(walk.traces()) == whole, "what each took is free again"
    walk.ends_without_trace(provider.observe(WEB).instances[0].id)


def converges(walk: CrashWalk, order: LaunchOrder, again: str) -> None:
    """The next repave, which looks first or not, has the order's instance once, at an address of its own."""
    fresh = walk.fresh()
    if again == "observe":
        seen = [instance for instance in fresh.observe(WEB).instances if instance.slot == order.slot]
        assert all(instance.state is MachineState.RUNNING for instance in seen), "what is listed runs"
    instance = fresh.launch(order)
    listed = [seen for seen in fresh.observe(WEB).instances if seen.slot == order.slot]
    assert [(seen.id, seen.state) for seen in listed] == [(instance, MachineState.RUNNING)]
    addresses = [seen.address for seen in fresh.observe(WEB).instances]
    assert len(set(addresses)) == len(addresses), "no address is given twice"


def test_the_very_first_launch_killed_leaves_nothing(walk: CrashWalk) -> None:
    """Bridge and mount are made by the first launch: killed there too, looking once is enough to clean up."""
    for number in range(1, MOST_PROGRAMS):
        for after in (False, True):
            try:
                walk.dying(number, after=after).launch(replace(walk.order, slot=SlotId(f"web-{number}")))
            except Interrupted:
                provider = walk.fresh()
                for seen in provider.observe(WEB).instances:
                    provider.terminate(WEB, seen.id, generation=1)
                assert not walk.traces(), f"killed at program {number}"
            else:
                return


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_end_killed_at_any_step_is_finished_by_the_next(*, walk: CrashWalk, after: bool) -> None:
    """An instance whose end was begun is still listed, so it is ended again, and then wholly."""
    walk.end_at_any_program(after=after)


@pytest.mark.parametrize("milliseconds", [0, 10, 25, 40, 60, 80])
def test_kill_9_while_programs_run_leaves_no_double(walk: CrashWalk, milliseconds: int) -> None:
    """A program that outlives the killed repave cannot bring the instance to life a second time."""
    instance = walk.killed_and_launched_again(milliseconds)
    runtime = walk.fresh()._parts.places.runtime
    listed = walk.surroundings.commands.run(["runc", "--root", str(runtime), "list", "--quiet"])
    assert listed.stdout.decode().split() == [instance]
    walk.ends_without_trace(instance)
