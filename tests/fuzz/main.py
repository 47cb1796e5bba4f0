"""``scripts/fuzz``: the readers that get strangers' bytes, tried with bytes that nobody wrote.

A crash is whatever a reader raises that is not its own error, what takes longer than one input may, and memory beyond
what is stated. The input is kept in ``.fuzz/TARGET`` and tried again by ``scripts/fuzz TARGET FILE``.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from fuzz_targets import TARGETS, Target, target_of

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = ROOT / ".fuzz"
REGRESSIONS = Path(__file__).resolve().parent / "inputs"

SECONDS = 600
SECONDS_PER_INPUT = 20
"""Inputs have a few KiB and take a few milliseconds; a busy machine takes its time."""

MEMORY_MB = 512
"""At most, of one process: Python, the fuzzer, its corpus and what a reader holds."""

GROWTH_MB = 256
"""From when all seeds were read once to the end; the fuzzer's own corpus and the readers' bounded caches are in it."""

PROGRESS_SECONDS = 30

PULSE = re.compile(r"^#(\d+)\s+(\w+)\s+.*?cov: (\d+).*rss: (\d+)Mb", re.ASCII)
FINAL = re.compile(r"^stat::(\w+):\s+(\d+)", re.ASCII)
ARTIFACT = re.compile(r"Test unit written to (\S+)", re.ASCII)


@dataclass(kw_only=True)
class Run:
    """One target's, as its fuzzer tells it."""

    target: Target
    executions: int = 0
    coverage: int = 0
    first_mb: int = 0
    peak_mb: int = 0
    last: list[str] = field(default_factory=list)
    kept: str = ""
    exit_code: int | None = None

    def hear(self, line: str) -> None:
        """A line that the fuzzer printed."""
        if pulse := PULSE.match(line):
            self.executions, self.coverage = int(pulse[1]), int(pulse[3])
            self.peak_mb = max(self.peak_mb, int(pulse[4]))
            if pulse[2] == "INITED":
                self.first_mb = int(pulse[4])
        elif final := FINAL.match(line):
            if final[1] == "number_of_executed_units":
                self.executions = int(final[2])
            elif final[1] == "peak_rss_mb":
                self.peak_mb = int(final[2])
        elif found := ARTIFACT.search(line):
            self.kept = found[1]
        self.last = [*self.last[-60:], line]

    @property
    def trouble(self) -> str:
        """What went wrong; empty when nothing did."""
        if self.exit_code:
            return f"crashed: {self.kept or 'before any input'}"
        if self.peak_mb > MEMORY_MB:
            return f"took {self.peak_mb} MB of memory; {MEMORY_MB} are allowed"
        if self.first_mb and self.peak_mb - self.first_mb > GROWTH_MB:
            return f"grew by {self.peak_mb - self.first_mb} MB; {GROWTH_MB} are allowed"
        return ""


def fuzz(run: Run, seconds: int) -> Run:
    """One target, in a process of its own."""
    folder = KEPT / run.target.name
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    known = REGRESSIONS / run.target.name
    for seed in (*run.target.seeds(), *(path.read_bytes() for path in sorted(known.glob("*")))):
        (corpus / sha256(seed).hexdigest()).write_bytes(seed)
    options = (
        f"-max_total_time={seconds}",
        f"-timeout={SECONDS_PER_INPUT}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-max_len={run.target.largest_bytes}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
    )
    # Whatever ends this process ends its fuzzers too.
    bound = ("setpriv", "--pdeathsig", "KILL", sys.executable)
    fuzzer = [*bound, str(Path(__file__).with_name("fuzzer.py")), run.target.name, str(corpus), *options]
    with subprocess.Popen(
        fuzzer,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests/support")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            run.hear(line.rstrip())
    run.exit_code = process.returncode
    return run


def tell_progress(runs: Sequence[Run], over: threading.Event) -> None:
    """A line for each target that is under way, now and then."""
    began = time.monotonic()
    while not over.wait(PROGRESS_SECONDS):
        for run in runs:
            if run.exit_code is None and run.executions:
                told = f"{run.executions:,} inputs, {run.coverage} branches, {run.peak_mb} MB"
                print(f"{time.monotonic() - began:5.0f} s  {run.target.name:<10} {told}", file=sys.stderr)


def fuzz_all(targets: Iterable[Target], seconds: int, rest: int, jobs: int) -> int:
    """Each for so long, those that not every project meets for ``rest`` seconds; the exit code."""
    runs = [Run(target=target) for target in targets]
    over = threading.Event()
    teller = threading.Thread(target=tell_progress, args=(runs, over), daemon=True)
    teller.start()
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda run: fuzz(run, seconds if run.target.everywhere else rest), runs))
    over.set()
    print(f"{'target':<10} {'inputs':>12} {'branches':>9} {'peak MB':>8} {'grown MB':>9}")
    for run in runs:
        grown = run.peak_mb - run.first_mb
        print(
            f"{run.target.name:<10} {run.executions:>12,} {run.coverage:>9} {run.peak_mb:>8} {grown:>9}  {run.trouble}"
        )
    for run in runs:
        if run.trouble:
            print(f"\nerror: {run.target.name} {run.trouble}\n", *run.last, sep="\n  ", file=sys.stderr)
            if run.kept:
                print(f"\n  hint: scripts/fuzz {run.target.name} {run.kept}", file=sys.stderr)
    return 1 if any(run.trouble for run in runs) else 0


def replay(target: Target, path: Path) -> int:
    """One input again, without the fuzzer: what it raises is shown as Python shows it."""
    began = time.monotonic()
    target.run(path.read_bytes())
    print(f"{target.name} takes {path} in {time.monotonic() - began:.3f} s: no crash", file=sys.stderr)
    return 0


def main() -> int:
    """Read the command line."""
    names = [target.name for target in TARGETS]
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__.partition("\n\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(names)}; all when none is named")
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"for each target ({SECONDS})")
    parser.add_argument("--rest", type=int, help="for each whose bytes not every project meets (as --seconds)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at once (one for each processor)")
    parser.add_argument("--fresh", action="store_true", help="forget what earlier runs found worth keeping")
    asked = parser.parse_args()
    words: list[str] = asked.targets
    unknown = [word for word in words if word not in names]
    if len(words) == 2 and unknown == words[1:] and Path(words[1]).is_file():
        return replay(target_of(words[0]), Path(words[1]))
    if unknown:
        parser.error(f"there is no target and no file {unknown[0]}; targets are {', '.join(names)}")
    if find_spec("atheris") is None:
        parser.error(
            "atheris, which fuzzes, comes for Linux on x86-64 and Python 3.11 to 3.13; a file can be tried anywhere"
        )
    if asked.fresh:
        shutil.rmtree(KEPT, ignore_errors=True)
    return fuzz_all(
        (target_of(name) for name in words or names), asked.seconds, asked.rest or asked.seconds, asked.jobs
    )


sys.exit(main())
