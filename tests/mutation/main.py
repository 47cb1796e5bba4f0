"""``scripts/mutants``: the planner with one thing changed in each copy, and whether its tests notice.

mutmut makes the mutants and runs them, in a copy of the checkout. A mutant meets the quick tests of the planner first;
only those that survive meet the stories of the simulated world, which are slower.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.utils.format_utils import get_mutant_name

ROOT = Path(__file__).resolve().parent.parent.parent
PLANNER = Path("src/repave/planner")
COPY = ROOT / ".mutants" / "copy"
LOG = ROOT / ".mutants" / "log"
LAST_LINES = 20
"""Of what mutmut says, when it stops."""

MUTMUT = Path(sys.executable).with_name("mutmut")

QUICK = ("tests/planner",)
STORIES = ("tests/simulation/test_*stories.py", "tests/simulation/test_guarded_healing.py")

LEAST_SHARE = 0.85
"""Of the mutants tried, at least. What may survive, and why: docs/explanation/mutants.md."""

NOTICED = {"killed", "timeout", "suspicious", "segfault", "caught by type check"}
"""What mutmut calls a mutant that did not pass all tests in its time."""

NICENESS = 15
"""Hours of work are to disturb nobody at the same machine."""

SETTINGS = """\
[mutmut]
source_paths=
    src
only_mutate=
    {modules}
pytest_add_cli_args_test_selection=
    {tests}
timeout_multiplier=4
timeout_constant=10
track_dependencies=false
use_git_change_detection=false
"""


def modules_of(named: Sequence[str]) -> dict[str, Path]:
    """The planner's modules by their names (``healing``, ``check/ledger``): those named, or below a room named, or all.

    Raises SystemExit for a name that is none.
    """
    paths = sorted(path.relative_to(ROOT) for path in (ROOT / PLANNER).rglob("*.py") if path.stem != "__init__")
    every = {path.relative_to(PLANNER).with_suffix("").as_posix(): path for path in paths}
    rooms = {name.rpartition("/")[0] for name in every} - {""}
    for name in named:
        if name not in every and name not in rooms:
            near = get_close_matches(name, [*every, *rooms], n=1)
            hint = f" Did you mean {near[0]}?" if near else f" There are {', '.join(every)}."
            sys.exit(f"error: the planner has no module {name}.{hint}")
    return {
        name: path for name, path in every.items() if not named or name in named or name.rpartition("/")[0] in named
    }


def mutants_of(path: Path) -> list[str]:
    """The names of a module's mutants, as mutmut counts them, but for those that merely write a text in another way."""
    made = mutate_file_contents(str(path), (ROOT / path).read_text(encoding="utf-8"))
    bodies = {
        node.name: without_texts(node) for node in ast.walk(ast.parse(made.code)) if isinstance(node, ast.FunctionDef)
    }
    return [
        get_mutant_name(path, name)
        for name in made.mutant_names
        if bodies[name] != bodies[f"{name.rpartition('__mutmut_')[0]}__mutmut_orig"]
    ]


def without_texts(function: ast.FunctionDef) -> list[str]:
    """What a function does, whatever the texts for people are: those with a space in them."""
    for node in ast.walk(function):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            node.value = " "
    return [ast.dump(statement) for statement in (function.args, *function.body)]


def sample_of(modules: dict[str, Path], size: int, seed: int) -> dict[str, str]:
    """At most so many mutants of each module, chosen by the seed: their modules by their names."""
    chosen = {}
    for module, path in modules.items():
        names = mutants_of(path)
        chance = random.Random(f"{seed} {module}")  # noqa: S311 - a sample, no secret
        chosen.update(dict.fromkeys(sorted(chance.sample(names, min(size, len(names)))), module))
    return chosen


def copy_checkout() -> None:
    """What git does not ignore, as it is now, in a folder where mutmut may write."""
    shutil.rmtree(COPY, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "src", "tests", "pyproject.toml"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in listed.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, COPY / name)


def try_all(mutants: Sequence[str], modules: Iterable[Path], tests: Sequence[str], jobs: int) -> set[str]:
    """Those of the mutants that none of the tests noticed."""
    found = [path.relative_to(ROOT).as_posix() for pattern in tests for path in sorted(ROOT.glob(pattern))]
    settings = SETTINGS.format(modules="\n    ".join(map(str, modules)), tests="\n    ".join(found))
    (COPY / "setup.cfg").write_text(settings, encoding="utf-8")
    with LOG.open("w", encoding="utf-8") as log:
        tried = subprocess.run(
            [MUTMUT, "run", "--max-children", str(jobs), *mutants],
            cwd=COPY,
            env={**os.environ, "HYPOTHESIS_PROFILE": "quick", "PYTHONUNBUFFERED": "1"},
            stdout=None if sys.stdout.isatty() else log,  # mutmut draws its progress: nothing for a file or a pipe
            check=False,
        )
    if tried.returncode != 0:
        last = [] if sys.stdout.isatty() else LOG.read_text(encoding="utf-8").splitlines()[-LAST_LINES:]
        print("\n".join(last), file=sys.stderr)
        sys.exit("error: mutmut stopped. The tests must pass on the code as it is, before it is changed.")
    listed = ask("results", "--all", "true").splitlines()
    verdicts = dict(line.strip().split(": ", 1) for line in listed if ": " in line)
    return {name for name in mutants if verdicts[name] not in NOTICED}


def ask(*arguments: str) -> str:
    """What mutmut says."""
    said = subprocess.run([MUTMUT, *arguments], cwd=COPY, check=True, capture_output=True, text=True)
    return said.stdout


def tell(chosen: dict[str, str], survivors: set[str]) -> float:
    """Print each survivor's change and each module's share; give the share of all."""
    for name in sorted(survivors):
        print(f"\n{ask('show', name).strip()}")
    tried = Counter(chosen.values())
    alive = Counter(chosen[name] for name in survivors)
    print(f"\n{'module':28} tried  killed  share")
    for module, count in sorted(tried.items()):
        killed = count - alive[module]
        print(f"{module:28} {count:5}  {killed:6}  {killed / count:5.0%}")
    share = 1 - len(survivors) / len(chosen)
    print(f"{'all':28} {len(chosen):5}  {len(chosen) - len(survivors):6}  {share:5.1%}")
    return share


def main() -> int:
    """Make, try, tell: 0 where enough were killed."""
    parser = argparse.ArgumentParser(prog="scripts/mutants", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="such as healing, strategies/move or check")
    parser.add_argument("--sample", type=int, default=20, metavar="N", help="at most so many of each module (20)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="which ones (1)")
    parser.add_argument("--jobs", type=int, default=2, metavar="J", help="so many at a time (2)")
    asked = parser.parse_args()
    if asked.sample < 1 or asked.jobs < 1:
        parser.error("--sample and --jobs are 1 or more")
    os.nice(NICENESS)
    modules = modules_of(asked.modules)
    chosen = sample_of(modules, asked.sample, asked.seed)
    if not chosen:
        sys.exit("error: there is nothing to change in these modules: name others")
    print(f"{len(chosen)} mutants of {len(modules)} modules, seed {asked.seed}", file=sys.stderr)
    copy_checkout()
    survivors = try_all(list(chosen), modules.values(), QUICK, asked.jobs)
    if survivors:
        print(f"\n{len(survivors)} survive the quick tests; the stories are next", file=sys.stderr)
        survivors = try_all(sorted(survivors), modules.values(), STORIES, asked.jobs)
    share = tell(chosen, survivors)
    if share < LEAST_SHARE:
        print(
            f"error: {share:.1%} killed, {LEAST_SHARE:.0%} wanted: write tests of what the changes above do",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
