"""Months of a fleet's life in the simulated world, all kinds of faults on: how many hold, and how fast they pass.

Each seed is 30 days of 60 instances in 3 zones; every fourth has two controllers over one store. A seed that breaks an
invariant is named, with the command that plays it again.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from figures import Figure, at_most, report, told

from repave.simulation.theatre import month
from repave.wiring.simulating import played

DAYS_A_YEAR = 365.25
PORTION = 4
"""Seeds that a process takes at a time."""


@dataclass(frozen=True, kw_only=True)
class Month:
    """What came of one seed."""

    seed: int
    rivals: bool
    faults: Counter[str]
    decisions: int
    steps: int
    broken: tuple[str, ...]
    seconds: float
    """Of processor time."""


def play(seed: int) -> Month:
    """One seed."""
    script = month(seed)
    begun = time.process_time()
    theatre = played(script)
    return Month(
        seed=seed,
        rivals=script.controllers > 1,
        faults=Counter(episode.kind for episode in theatre.episodes),
        decisions=theatre.watch.thoughts,
        steps=theatre.watch.effects,
        broken=tuple(map(str, theatre.watch.broken)),
        seconds=time.process_time() - begun,
    )


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100, metavar="N", help="how many [default: 100]")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the first of them [default: 0]")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.seeds)
    begun = time.perf_counter()
    months = list(_played(seeds))
    report("simulation", figures(months, time.perf_counter() - begun), given.json)
    return 1 if any(each.broken for each in months) else 0


def _played(seeds: range) -> Iterator[Month]:
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        for number, each in enumerate(processes.map(play, seeds, chunksize=PORTION), 1):
            for words in each.broken[:3]:
                say(f"seed {each.seed} broke {words}")
            if each.broken:
                controllers = month(each.seed).controllers
                say(f"again: repave simulate --seed {each.seed} --instances 60 --days 30 --controllers {controllers}")
            if number % 50 == 0:
                say(f"{number} of {len(seeds)} months")
            yield each


def figures(months: list[Month], seconds: float) -> list[Figure]:
    """What is told of them."""
    days = len(months) * month(0).days
    faults = sum((each.faults for each in months), Counter[str]())
    return [
        told("seeds", len(months), ""),
        told("of them with two controllers at once", sum(each.rivals for each in months), ""),
        told("simulated years", days / DAYS_A_YEAR, ""),
        told("faults", faults.total(), ""),
        told("kinds of faults that came to pass", len(faults), ""),
        told("decisions", sum(each.decisions for each in months), ""),
        told("steps that changed something", sum(each.steps for each in months), ""),
        at_most("seeds with a broken invariant", sum(bool(each.broken) for each in months), "", 0),
        told("simulated days per second", days / seconds, ""),
        told("processor time of one month", sum(each.seconds for each in months) / len(months), "s"),
    ]


def say(words: str) -> None:
    """Tell a person how it goes."""
    print(f"simulation: {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
