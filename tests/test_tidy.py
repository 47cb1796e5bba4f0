"""House rules that a machine can hold: sizes, names, banned calls with what to use instead."""

import ast
import re
from collections.abc import Iterator
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


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def relative(path: Path) -> str:
    """As a person writes it."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", ALL_PYTHON, ids=relative)
def test_files_and_functions_stay_small(path: Path) -> None:
    """A file that grows past the wall holds two concepts; a function past it, two jobs."""
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= FILE_LINES, f"{relative(path)} has {lines} lines: which concept wants a file of its own?"
    for function in functions(path):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        assert length <= FUNCTION_LINES, f"{relative(path)}: {function.name} has {length} lines"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_functions_take_few_parameters(path: Path) -> None:
    """More than six things at once want a word of their own."""
    for function in functions(path):
        taken = [a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
        counted = [name for name in taken if name not in {"self", "cls"}]
        if relative(path).startswith("src/repave/cli/") and function.decorator_list:
            continue  # a verb's options are its parameters
        if function.name == "run" and "timeout_seconds" in counted:
            continue  # the commands port mirrors what the operating system takes
        assert len(counted) <= PARAMETERS, f"{relative(path)}: {function.name} takes {len(counted)}: {counted}"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_modules_are_named_for_concepts(path: Path) -> None:
    """A drawer collects what nobody placed."""
    assert path.stem not in DRAWERS, f"{relative(path)} is a drawer: name it for its concept"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_banned_calls_have_a_better_way(path: Path) -> None:
    """Time, programs and code come in through ports, or not at all."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = name_of(node.func)
        for banned, better in BANNED_CALLS.items():
            if relative(path) == CLOCK or (name != banned and not name.endswith(f".{banned}")):
                continue
            raise AssertionError(f"{relative(path)}:{node.lineno} calls {name}: use {better}")
        shell = any(keyword.arg == "shell" for keyword in node.keywords)
        assert not shell, f"{relative(path)}:{node.lineno} names a shell: give an argument list"
        printing = name == "print" and "/cli/" not in relative(path)
        assert not printing, f"{relative(path)}:{node.lineno} prints: only the command line does"


def test_broad_excepts_stand_in_the_outermost_loops_only() -> None:
    """Who catches everything hides something."""
    broad = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                named = "" if node.type is None else name_of(node.type)
                reraises = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
                if (
                    named in {"", "Exception", "BaseException"}
                    and not isinstance(node.type, ast.Tuple)
                    and not reraises
                ):
                    broad.append(f"{relative(path)}:{node.lineno}")
    assert len(broad) <= BROAD_EXCEPTS, f"broad excepts: {broad}"


@pytest.mark.parametrize("path", ALL_PYTHON, ids=relative)
def test_nothing_is_left_half_done(path: Path) -> None:
    """What cannot be finished is left out, and every silenced check has its reason."""
    if path.name == "test_tidy.py":
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        place = f"{relative(path)}:{number}"
        assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line), f"{place} is not finished"
        assert not re.search(r"NotImplementedError|pytest\.(skip|xfail)|mark\.(skip|xfail)", line), f"{place} is a stub"
        if "# noqa" in line:
            assert re.search(r"# noqa: [A-Z0-9, ]+ - \w", line), f"{place} silences a check without a reason"
        if "# type: ignore" in line:
            assert re.search(r"# type: ignore\[[a-z, -]+\] ?# ?\w", line), f"{place} silences a type without a reason"


def test_every_room_says_what_belongs_there() -> None:
    """The folder list is the architecture."""
    rooms = sorted(path for path in (ROOT / "src" / "repave").rglob("__init__.py"))
    for room in rooms:
        assert ast.get_docstring(ast.parse(room.read_text(encoding="utf-8"))), f"{relative(room)} says nothing"


def test_every_test_says_what_it_proves() -> None:
    """A test's docstring is one sentence of behaviour."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for function in functions(path):
            if function.name.startswith("test_"):
                assert ast.get_docstring(function), f"{relative(path)}: {function.name} does not say what it proves"
