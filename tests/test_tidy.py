"""House rules that a machine can hold: sizes, names, banned calls with what to use instead.

A rule is one test over all files, which names every place that breaks it.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
ALL_PYTHON = sorted(path for folder in ("src", "tests", "benchmarks", "demo") for path in (ROOT / folder).rglob("*.py"))

FILE_LINES = 600
FUNCTION_LINES = 70
PARAMETERS = 6
DRAWERS = {"utils", "util", "common", "helpers", "helper", "misc", "shared", "core", "base", "stuff"}
BROAD_EXCEPTS = 2

BANNED_CALLS = {
    "os.system": "the commands port",
    "os.popen": "the commands port",
    "subprocess.getoutput": "the commands port",
    "datetime.now": "the clock port",
    "datetime.utcnow": "the clock port",
    "time.time": "the clock port",
    "time.sleep": "the clock port",
    "pickle.loads": "a pydantic model",
    "yaml.load": "repave.config",
    "eval": "nothing: it is never needed",
    "exec": "nothing: it is never needed",
    "tarfile.open.extractall": "an extraction that checks each member",
}
CLOCK = "src/repave/jobs/clock.py"
SLEEPERS = {"time.sleep", "time.time"}


def name_of(node: ast.expr) -> str:
    """The dotted name of what is called, as far as it is one."""
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


@cache
def text(path: Path) -> str:
    """A file's words."""
    return path.read_text(encoding="utf-8")


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """A file as Python reads it, flat."""
    return tuple(ast.walk(ast.parse(text(path))))


@pytest.fixture(scope="module", autouse=True)
def read_once() -> Iterator[None]:
    """What was read for one rule is there for the next, and fills no memory after the last."""
    yield
    nodes.cache_clear()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a file."""
    return (node for node in nodes(path) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def relative(path: Path) -> str:
    """As a person writes it."""
    return path.relative_to(ROOT).as_posix()


def says(path: Path) -> bool:
    """Whether a file has a first line that says what it is."""
    module = nodes(path)[0]
    return isinstance(module, ast.Module) and bool(ast.get_docstring(module))


def test_files_and_functions_stay_small() -> None:
    """A file that grows past the wall holds two concepts; a function past it, two jobs."""
    long = [f"{relative(path)}: {len(text(path).splitlines())} lines" for path in ALL_PYTHON if too_long(path)]
    for path in ALL_PYTHON:
        for function in functions(path):
            length = (function.end_lineno or function.lineno) - function.lineno + 1
            if length > FUNCTION_LINES:
                long.append(f"{relative(path)}: {function.name} has {length} lines")
    assert not long, "which concept wants a place of its own?"


def too_long(path: Path) -> bool:
    """Whether a file is past the wall."""
    return len(text(path).splitlines()) > FILE_LINES


def test_functions_take_few_parameters() -> None:
    """More than six things at once want a word of their own."""
    taking = [
        f"{relative(path)}: {function.name} takes {counted}"
        for path in SOURCES
        for function in functions(path)
        if len(counted := parameters(path, function)) > PARAMETERS
    ]
    assert not taking


def parameters(path: Path, function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """What a function takes, as far as it counts."""
    taken = [a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    if relative(path).startswith("src/repave/cli/") and function.decorator_list:
        return []  # a verb's options are its parameters
    if function.name == "run" and "timeout_seconds" in taken:
        return []  # the commands port mirrors what the operating system takes
    return [name for name in taken if name not in {"self", "cls"}]


def test_modules_are_named_for_concepts() -> None:
    """A drawer collects what nobody placed."""
    drawers = [relative(path) for path in SOURCES if path.stem in DRAWERS]
    assert not drawers, "name each for its concept"


def test_banned_calls_have_a_better_way() -> None:
    """Time, programs and code come in through ports, or not at all."""
    calls = [(path, node) for path in SOURCES for node in nodes(path) if isinstance(node, ast.Call)]
    banned = [
        f"{relative(path)}:{node.lineno}: {better}"
        for path, node in calls
        for better in better_ways(relative(path), node)
    ]
    assert calls
    assert not banned


def better_ways(path: str, call: ast.Call) -> Iterator[str]:
    """What to do instead of a call; nothing, where it may stand."""
    name = name_of(call.func)
    for banned, better in BANNED_CALLS.items():
        if path != CLOCK and (name == banned or name.endswith(f".{banned}")):
            yield f"calls {name}: use {better}"
    if any(keyword.arg == "shell" for keyword in call.keywords):
        yield "names a shell: give an argument list"
    if name == "print" and "/cli/" not in path:
        yield "prints: only the command line does"


def test_broad_excepts_stand_in_the_outermost_loops_only() -> None:
    """Who catches everything hides something."""
    broad = [
        f"{relative(path)}:{node.lineno}"
        for path in SOURCES
        for node in nodes(path)
        if isinstance(node, ast.ExceptHandler) and catches_all(node)
    ]
    assert len(broad) <= BROAD_EXCEPTS, f"broad excepts: {broad}"


def catches_all(handler: ast.ExceptHandler) -> bool:
    """Whether it takes any error and does not raise it again."""
    named = "" if handler.type is None else name_of(handler.type)
    reraises = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(handler))
    return named in {"", "Exception", "BaseException"} and not isinstance(handler.type, ast.Tuple) and not reraises


def test_nothing_is_left_half_done() -> None:
    """What cannot be finished is left out, and every silenced check has its reason."""
    unfinished = [
        f"{relative(path)}:{number} {trouble}"
        for path in ALL_PYTHON
        if path.name != "test_tidy.py"
        for number, line in enumerate(text(path).splitlines(), 1)
        if (trouble := half_done(line))
    ]
    assert not unfinished


def half_done(line: str) -> str:
    """What is unfinished in a line; empty when nothing is."""
    if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
        return "is not finished"
    if re.search(r"NotImplementedError|pytest\.(skip|xfail)|mark\.(skip|xfail)", line):
        return "is a stub"
    if "# noqa" in line and not re.search(r"# noqa: [A-Z0-9, ]+ - \w", line):
        return "silences a check without a reason"
    if "# type: ignore" in line and not re.search(r"# type: ignore\[[a-z, -]+\] ?# ?\w", line):
        return "silences a type without a reason"
    return ""


def test_every_room_says_what_belongs_there() -> None:
    """The folder list is the architecture."""
    silent = [relative(room) for room in sorted((ROOT / "src" / "repave").rglob("__init__.py")) if not says(room)]
    assert not silent


def test_every_test_says_what_it_proves() -> None:
    """A test's docstring is one sentence of behaviour."""
    silent = [
        f"{relative(path)}: {function.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for function in functions(path)
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert not silent
