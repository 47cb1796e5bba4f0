"""``scripts/mutants``: the planner with one thing changed at a time, and whether its tests notice."""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import pytest
from mutants import Mutant, mutants_of, sample_of
from nursery import Nursery, Verdict

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "src"
PLANNER = SOURCE / "repave" / "planner"

TESTS = ("tests/planner",)

LEAST_SHARE = 0.85
"""Of the mutants tried, at least. What may survive, and why: docs/explanation/mutants.md."""

NICENESS = 15
"""Long work is to disturb nobody at the same machine."""

PROGRESS_SECONDS = 30


@dataclass(kw_only=True)
class Report:
    """What is told, line by line as it is known, and at the end."""

    expected: int
    began: float = field(default_factory=time.monotonic)
    told: float = 0.0
    tried: Counter[str] = field(default_factory=Counter)
    alive: Counter[str] = field(default_factory=Counter)

    def hear(self, verdict: Verdict) -> None:
        """One more: a survivor is shown at once."""
        module = short(verdict.mutant.module)
        self.tried[module] += 1
        if not verdict.noticed:
            self.alive[module] += 1
            print(f"\n{verdict.mutant}", flush=True)
        now, tried = time.monotonic(), self.tried.total()
        if now - self.told > PROGRESS_SECONDS:
            self.told = now
            minutes = (now - self.began) / 60 / tried * (self.expected - tried)
            words = f"{tried} of {self.expected} mutants, {self.alive.total()} survive, {minutes:.0f} min left"
            print(words, file=sys.stderr, flush=True)

    def end(self) -> float:
        """Print each module's share, and give the share of all."""
        print(f"\n{'module':28} tried  killed  share")
        for module, count in sorted(self.tried.items()):
            killed = count - self.alive[module]
            print(f"{module:28} {count:5}  {killed:6}  {killed / count:5.0%}")
        count, killed = self.tried.total(), self.tried.total() - self.alive.total()
        print(f"{'all':28} {count:5}  {killed:6}  {killed / count:5.1%}")
        return killed / count


def short(module: str) -> str:
    """``check/ledger`` for ``repave.planner.check.ledger``."""
    return module.removeprefix("repave.planner.").replace(".", "/")


def modules_of(named: Sequence[str]) -> list[Path]:
    """The planner's modules that are named (``healing``, ``check/ledger``), or below a room named; or all.

    Raises SystemExit for a name that is none.
    """
    every = {path.relative_to(PLANNER).with_suffix("").as_posix(): path for path in sorted(PLANNER.rglob("*.py"))}
    rooms = {name.rpartition("/")[0] for name in every} - {""}
    for name in named:
        if name not in every and name not in rooms:
            near = get_close_matches(name, [*every, *rooms], n=1)
            hint = f" Did you mean {near[0]}?" if near else f" There are {', '.join(every)}."
            sys.exit(f"error: the planner has no module {name}.{hint}")
    return [path for name, path in every.items() if not named or name in named or name.rpartition("/")[0] in named]


def made(paths: Sequence[Path], sample: int | None, seed: int) -> list[Mutant]:
    """All mutants, or at most so many of each module; shuffled, so that a run that is broken off was a fair sample."""
    mutants: list[Mutant] = []
    for path in paths:
        parts = path.relative_to(SOURCE).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        every = mutants_of(module, path)
        mutants += every if sample is None else sample_of(every, sample, f"{seed} {short(module)}")
    return sample_of(mutants, len(mutants), f"{seed}")


def main() -> int:
    """Make, try, tell: 0 where enough were killed."""
    parser = argparse.ArgumentParser(prog="scripts/mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="such as healing, strategies/move or check (all)")
    parser.add_argument("--sample", type=int, metavar="N", help="at most so many of each module (all of them)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="which ones (1)")
    parser.add_argument("--jobs", type=int, default=2, metavar="J", help="so many at a time (2)")
    asked = parser.parse_args()
    if (asked.sample is not None and asked.sample < 1) or asked.jobs < 1:
        parser.error("--sample and --jobs are 1 or more")
    os.nice(NICENESS)
    os.chdir(ROOT)
    print("making the mutants", file=sys.stderr)
    mutants = made(modules_of(asked.modules), asked.sample, asked.seed)
    if not mutants:
        sys.exit("error: there is nothing to change in these modules: name others")
    print(f"{len(mutants)} mutants, seed {asked.seed}; first all tests on the code as it is", file=sys.stderr)
    report = Report(expected=len(mutants))
    nursery = Nursery(mutants=mutants, jobs=asked.jobs, tell=report.hear)
    ended = pytest.main(["-q", "--tb=native", "-p", "no:cacheprovider", *TESTS], plugins=[nursery])
    if not report.tried:
        sys.exit(f"error: pytest ended with {ended}: the tests must pass on the code as it is, before it is changed")
    share = report.end()
    if report.tried.total() < len(mutants):
        print(f"error: broken off after {report.tried.total()} of {len(mutants)} mutants", file=sys.stderr)
        return 1
    if share < LEAST_SHARE:
        words = f"error: {share:.1%} killed, {LEAST_SHARE:.0%} wanted: write tests of what the changes above do"
        print(words, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
