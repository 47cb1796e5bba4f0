"""Mutants: a function with one thing in it changed, put in the place of the real one. What to change, mutmut knows."""

import __future__

import ast
import random
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType

from mutmut.mutation.file_mutation import mutate_file_contents

ORIGINAL = "orig"
"""What mutmut calls the copy of a function in which nothing is changed."""

OF_A_METHOD = "ǁ"
"""What it writes between a class and its method."""

AROUND = 2
"""So many lines are shown around a change."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One change of one function."""

    module: str
    """Where the function is, as it is imported."""

    function: str
    """Its name in there: ``plan``, ``Budget.answer``."""

    number: int
    """Which of the changes of this function it is."""

    before: str
    """The function's source, but for comments."""

    after: str

    def __str__(self) -> str:
        """What was changed, and how."""
        lines = unified_diff(self.before.splitlines(), self.after.splitlines(), n=AROUND, lineterm="")
        return "\n".join([f"{self.module}.{self.function}, change {self.number}", *list(lines)[2:]])

    def real(self) -> FunctionType:
        """The function that is changed."""
        found: object = import_module(self.module)
        for name in self.function.split("."):
            found = getattr(found, name)
        function: object = getattr(found, "__func__", found)
        assert isinstance(function, FunctionType), f"{self.module}.{self.function} is no function"
        return function

    @property
    def code(self) -> CodeType:
        """The real one's, by which it is known who calls it."""
        return self.real().__code__

    def take_over(self) -> None:
        """From now on, whoever calls the function in this process gets the mutant, wherever it was imported to."""
        real, made = self.real(), dict[str, FunctionType]()
        flags = __future__.annotations.compiler_flag  # what is imported for the type checker alone is not there
        code = compile(self.after, self.module, "exec", flags, dont_inherit=True)
        exec(code, real.__globals__, made)  # noqa: S102 - the project's own code, but for one thing
        [mutant] = made.values()
        real.__code__, real.__defaults__, real.__kwdefaults__ = (
            mutant.__code__,
            mutant.__defaults__,
            mutant.__kwdefaults__,
        )


def mutants_of(module: str, path: Path) -> list[Mutant]:
    """All mutants of a module, but for those that merely write a text in another way."""
    made = ast.parse(mutate_file_contents(str(path), path.read_text(encoding="utf-8")).code)
    copies = [node for node in ast.walk(made) if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name]
    originals = {_key(node): node for node in copies if node.name.endswith(f"_{ORIGINAL}")}
    found = []
    for node in copies:
        original, number = originals[_key(node)], node.name.rpartition("_")[2]
        if number != ORIGINAL and _deeds(node) != _deeds(original):
            function, before, after = _function(node), _source(original), _source(node)
            mutant = Mutant(module=module, function=function, number=int(number), before=before, after=after)
            found.append(mutant)
    return found


def sample_of(mutants: Sequence[Mutant], size: int, seed: str) -> list[Mutant]:
    """At most so many of them, chosen by the seed."""
    chance = random.Random(seed)  # noqa: S311 - a sample, no secret
    return chance.sample(mutants, min(size, len(mutants)))


def _key(node: ast.FunctionDef) -> str:
    return node.name.rpartition("__mutmut_")[0]


def _function(node: ast.FunctionDef) -> str:
    """``x_plan`` is a function's key, ``xǁBudgetǁanswer`` a method's."""
    return _key(node).removeprefix(f"x{OF_A_METHOD}").removeprefix("x_").replace(OF_A_METHOD, ".")


def _source(node: ast.FunctionDef) -> str:
    named = ast.parse(ast.unparse(node)).body[0]
    assert isinstance(named, ast.FunctionDef)
    named.name, named.decorator_list = _function(node).rpartition(".")[2], []
    return ast.unparse(named)


def _deeds(function: ast.FunctionDef) -> list[str]:
    """What a function does, whatever its texts for people are: those with a space in them."""
    copy = ast.parse(ast.unparse(function)).body[0]
    assert isinstance(copy, ast.FunctionDef)
    for node in ast.walk(copy):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            node.value = " "
    return [ast.dump(statement) for statement in (copy.args, *copy.body)]
