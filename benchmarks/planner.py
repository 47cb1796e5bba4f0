"""How long one decision takes: a plan, and its check, over one fleet of many instances and over many fleets.

Three moments of a fleet are planned: in the middle of a roll-out, where everything asks to leave and is refused; when
its surge has come, so that a fifth may leave; and at rest. As the controller plans, the garbage collector is held off.
Each figure is of a process of its own, in processor seconds, for other work of the machine is none of the planner's;
the fastest of several counts.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from figures import Figure, at_most, report, told

from repave.controller.collecting import uncollected
from repave.model.names import (
    EnvironmentName,
    FleetKey,
    FleetName,
    InstanceId,
    ProjectName,
    ReleaseNumber,
    RevisionId,
    SlotId,
    ZoneName,
)
from repave.model.observation import (
    Backend,
    Instance,
    MachineSighting,
    MachineState,
    Observation,
    TrafficSighting,
    TrafficState,
)
from repave.model.policy import FleetPolicy
from repave.model.target import Proof, Target
from repave.planner.check import check
from repave.planner.fleet import plan

SIZES = (1_000, 10_000, 100_000)
FLEETS = 1_000
RUNS = 5

PLAN_SECONDS = 1.0
MEMORY_MEGABYTES = 500.0
GROWTH = 11.0

NOW = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("prod"), fleet=FleetName("web"))
ZONES = tuple(ZoneName(name) for name in "abc")
OLD, NEW = RevisionId("old"), RevisionId("new")
RELEASES = {OLD: ReleaseNumber(1), NEW: ReleaseNumber(2)}
MOMENTS = ("rolling", "relieved", "resting")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one process took."""

    plan_seconds: float
    check_seconds: float
    megabytes: float
    """The peak of the whole process."""

    before_megabytes: float
    """The same before anything was planned: Python, the modules, and what is looked at."""


def moment(size: int, name: str) -> tuple[FleetPolicy, Target, Observation]:
    """A fleet of so many, a third of which runs the new release, and at rest all of it."""
    rolling = name != "resting"
    instances, backends = [], []
    for number in range(size):
        revision = OLD if rolling and number % 3 else NEW
        instance = Instance(
            id=InstanceId(f"i-{number}"),
            slot=SlotId(f"web-{number}"),
            revision=revision,
            release=RELEASES[revision],
            zone=ZONES[number % len(ZONES)],
            state=MachineState.RUNNING,
            started_at=NOW - timedelta(seconds=4000 + (size - number) // 100),
            address="192.0.2.1",
            port=8080,
        )
        instances.append(instance)
        backends.append(Backend(instance=instance.id, state=TrafficState.SERVING, since=NOW - timedelta(minutes=10)))
    observation = Observation(
        fleet=FLEET,
        at=NOW,
        machines=MachineSighting(at=NOW, instances=tuple(instances)),
        traffic=TrafficSighting(at=NOW, backends=tuple(backends)),
    )
    began = NOW - timedelta(minutes=30)
    proven = [Proof(revision=OLD, release=RELEASES[OLD], at=began)]
    proven += [] if rolling else [Proof(revision=NEW, release=RELEASES[NEW], at=NOW - timedelta(minutes=5))]
    target = Target(
        fleet=FLEET,
        generation=7,
        revision=NEW,
        release=RELEASES[NEW],
        size=size * 4 // 5 if name == "relieved" else size,
        since=began,
        next_slot=size + 1,
        proven=tuple(proven),
    )
    return FleetPolicy(fleet=FLEET, zones=ZONES), target, observation


def once(size: int, fleets: int, moment_name: str) -> Measured:
    """Plan and check so many fleets of so many, in this process."""
    policy, target, observation = moment(size, moment_name)
    before = peak_megabytes()
    planned = checked = 0.0
    for _ in range(fleets):
        with uncollected():
            began = time.process_time()
            made = plan(policy, target, observation, NOW)
            decided = time.process_time()
            check(made, policy, target, observation, NOW)
            planned += decided - began
            checked += time.process_time() - decided
    return Measured(plan_seconds=planned, check_seconds=checked, megabytes=peak_megabytes(), before_megabytes=before)


def peak_megabytes() -> float:
    """Of this process, so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def in_processes(size: int, fleets: int, moment_name: str) -> Measured:
    """The fastest of several."""
    arguments = [sys.executable, __file__, "--part", str(size), str(fleets), moment_name]
    runs = []
    for _ in range(RUNS):
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"planning {size} instances ended with {done.returncode}:\n{done.stderr}")
        runs.append(Measured(**json.loads(done.stdout)))
    return min(runs, key=lambda run: run.plan_seconds)


def measure() -> list[Figure]:
    """Both moments of every size, and many fleets."""
    figures: list[Figure] = []
    for name in MOMENTS:
        runs = {size: in_processes(size, 1, name) for size in SIZES}
        for size, run in runs.items():
            words = f"{size:,} instances, {name}"
            plan_figure = f"one plan, {words}"
            figures += [
                at_most(plan_figure, run.plan_seconds, "s", PLAN_SECONDS)
                if size == max(SIZES)
                else told(plan_figure, run.plan_seconds, "s"),
                told(f"its check, {words}", run.check_seconds, "s"),
                at_most(f"peak memory, {words}", run.megabytes, "MB", MEMORY_MEGABYTES),
                told(f"of it before the plan, {words}", run.before_megabytes, "MB"),
            ]
        smaller, larger = SIZES[-2:]
        ratio = runs[larger].plan_seconds / runs[smaller].plan_seconds
        figures.append(at_most(f"{larger:,} to {smaller:,}, {name}", ratio, "x", GROWTH))
        many = in_processes(max(SIZES) // FLEETS, FLEETS, name)
        figures.append(told(f"{FLEETS:,} fleets of {max(SIZES) // FLEETS}, {name}", many.plan_seconds, "s"))
    return figures


def main(arguments: Sequence[str]) -> int:
    """Print the figures; 1 when an aim is missed."""
    parser = argparse.ArgumentParser(description="How long one decision takes, and how that grows.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--part", nargs=3, metavar=("SIZE", "FLEETS", "MOMENT"), help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.part:
        size, fleets, name = asked.part
        print(json.dumps(once(int(size), int(fleets), name).__dict__))
        return 0
    figures = measure()
    report("planner", figures, asked.json)
    return int(any(figure.holds is False for figure in figures))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
