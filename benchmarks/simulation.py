"""Months of a fleet's life in the simulated world, all kinds of faults on: how many hold, and how fast they pass.

Each seed is 30 days of 60 instances in 3 zones, with a strategy, limits, ages, deadlines and a load of its own; every
fourth has two controllers over one store. A seed that breaks an invariant is named, with what plays it again.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from figures import Figure, at_most, report, told

from repave.simulation.months import month
from repave.simulation.theatre import Script
from repave.wiring.simulating import played

DAYS_A_YEAR = 365.25
PORTION = 4
"""Seeds that a process takes at a time."""


@dataclass(frozen=True, kw_only=True)
class Month:
    """What came of one seed."""

    seed: int
    script: Script
    faults: Counter[str]
    decisions: int
    steps: int
    broken: tuple[str, ...]
    seconds: float
    """Of processor time."""


def play(seed: int, controllers: int | None) -> Month:
    """One seed; so many controllers, where it is said."""
    script = month(seed)
    script = script if controllers is None else replace(script, controllers=controllers)
    begun = time.process_time()
    theatre = played(script)
    return Month(
        seed=seed,
        script=script,
        faults=Counter(episode.kind for episode in theatre.episodes),
        decisions=theatre.watch.thoughts,
        steps=theatre.watch.effects,
        broken=tuple(map(str, theatre.watch.broken)),
        seconds=time.process_time() - begun,
    )


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seeds, default=range(100), metavar="FROM..TO", help="[default: 0..99]")
    parser.add_argument("--controllers", type=int, choices=(1, 2), help="in all of them [default: 2 in each fourth]")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    begun = time.perf_counter()
    months = list(_played(given.seeds, given.controllers))
    report("simulation", figures(months, time.perf_counter() - begun), given.json)
    return 1 if any(each.broken for each in months) else 0


def seeds(text: str) -> range:
    """``0..99``, both included. Raises ValueError."""
    first, last = map(int, text.split(".."))
    if not 0 <= first <= last:
        raise ValueError(text)
    return range(first, last + 1)


def _played(chosen: range, controllers: int | None) -> Iterator[Month]:
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        played_months = processes.map(partial(play, controllers=controllers), chosen, chunksize=PORTION)
        for number, each in enumerate(played_months, 1):
            for words in each.broken[:3]:
                say(f"seed {each.seed} broke {words}")
            if each.broken:
                shape = f"--instances {each.script.instances} --days {each.script.days:g}"
                say(
                    f"again: repave simulate --seed {each.seed} {shape} --drawn --controllers {each.script.controllers}"
                )
            if number % 50 == 0:
                say(f"{number} of {len(chosen)} months")
            yield each


def figures(months: list[Month], seconds: float) -> list[Figure]:
    """What is told of them."""
    days = sum(each.script.days for each in months)
    strategies = Counter(each.script.policy.rollout.strategy for each in months)
    faults = sum((each.faults for each in months), Counter[str]())
    return [
        told("seeds", len(months), ""),
        told("of them with two controllers at once", sum(each.script.controllers > 1 for each in months), ""),
        *(told(f"of them {strategy}", number, "") for strategy, number in sorted(strategies.items())),
        told("of them with a size that follows a load", sum(bool(each.script.policy.scale) for each in months), ""),
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
