"""Fleets that depend on each other, told as stories: see ``storytelling``."""

from dataclasses import replace

import pytest
from storytelling import Story, Tells

from repave.model.names import FleetName
from repave.model.plan import Phase
from repave.simulation.stage import POLICY, Stage
from repave.simulation.world import Behaviour, ControllerKilled, Fault, World

PROXY = replace(POLICY.fleet, fleet=FleetName("db-proxy"))


def pair(tells: Tells, title: str) -> Story:
    """`web`, which is after `db-proxy`."""
    web = Stage(world=World(seed=1), policy=replace(POLICY, after=(PROXY,)))
    proxy = Stage(world=web.world, store=web.store, policy=replace(POLICY, fleet=PROXY, before=(POLICY.fleet,)))
    return tells(title, web, proxy)


def firsts(story: Story, release: int) -> dict[str, int]:
    """Which launch of each fleet was the first of a release, counted over both."""
    machines = list(story.stage.world.machines.values())
    return {
        stage.fleet.fleet: next(
            number for number, m in enumerate(machines) if m.fleet == stage.fleet and m.revision.release == release
        )
        for stage in story.stages
    }


def lasts(story: Story, release: int) -> dict[str, int]:
    """The same of the last."""
    machines = list(story.stage.world.machines.values())
    return {
        stage.fleet.fleet: max(
            number for number, m in enumerate(machines) if m.fleet == stage.fleet and m.revision.release == release
        )
        for stage in story.stages
    }


def test_fleets_take_turns_and_go_back_the_other_way(tells: Tells) -> None:
    """The proxy carries the release before the first of web starts; in the rollback web is back before the proxy."""
    story = pair(tells, "A release goes out to db-proxy and then to web, which is after it; then both go back.")
    story.deploy(2)
    assert story.settle() is Phase.CONVERGED
    assert lasts(story, 2)["db-proxy"] < firsts(story, 2)["web"]
    before = len(story.stage.world.machines)
    story.deploy(1)
    assert story.settle() is Phase.CONVERGED
    story.compare("turns")
    back = list(story.stage.world.machines.values())[before:]
    assert [m.fleet.fleet for m in back] == ["web"] * 6 + ["db-proxy"] * 6
    assert (story.failed, [stage.releases() for stage in story.stages]) == (0, [[1] * 6, [1] * 6])


def test_nothing_starts_behind_a_fleet_that_failed(tells: Tells) -> None:
    """The release never becomes healthy in db-proxy, which goes back; web never starts it, heals, and says why."""
    story = pair(tells, "A release fails in db-proxy; web, which is after it, stays as it is.")
    web, proxy = story.stages
    story.tell("r2 is deployed, 6 of it; it never becomes healthy in db-proxy")
    proxy.want(2, 6, Behaviour(never_healthy=True))
    web.want(2, 6)
    story.run(5)
    web.world.kill(web.world.living(web.fleet)[0].id)
    story.tell("web-1 is killed")
    assert story.settle() is Phase.STOPPED
    story.compare("turn_that_never_comes")
    assert (story.failed, web.releases(), proxy.releases()) == (0, [1] * 6, [1] * 6)
    assert not [m for m in web.world.machines.values() if m.fleet == web.fleet and m.revision.release == 2]


def test_turns_survive_the_controller(tells: Tells) -> None:
    """Killed between commit and launch, in the fleet that comes first and in the other: the order is kept."""
    story = pair(tells, "The controller is killed before the fifth and before the eleventh launch.")
    world = story.stage.world
    story.deploy(2)
    launches = 0

    def fault(_number: int, name: str, _chance: object) -> Fault | None:
        nonlocal launches
        launches += name == "launch"
        return Fault.KILLED_BEFORE if name == "launch" and launches in {5, 11} else None

    world.fault = fault
    for _ in range(2):
        with pytest.raises(ControllerKilled):
            story.run(60)
        story.tell("the controller is killed, and started again")
    world.fault = None
    assert story.settle() is Phase.CONVERGED
    story.compare("turns_killed")
    assert lasts(story, 2)["db-proxy"] < firsts(story, 2)["web"]
    assert (story.failed, [stage.astray() for stage in story.stages]) == (0, ["", ""])
