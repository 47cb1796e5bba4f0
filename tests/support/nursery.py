"""A nursery: one pytest session that collects once, sees who calls what, and forks a child for each mutant.

A child has its mutant take over and runs the tests that call it, the quick ones and those that noticed its siblings
first, until one fails. Nothing is imported, collected or drawn up anew.
"""

import gc
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import CodeType, FrameType
from typing import NoReturn

import pytest
from mutants import Mutant

SECONDS_PER_SECOND = 10
"""A mutant that makes a test so many times slower, and these seconds more, is noticed by it: it may never end."""

SPARE_SECONDS = 10

MEMORY_BYTES = 2 << 30
"""Of a child's address space: a mutant that collects without end is noticed."""

UNNOTICED, NOTICED, UNFIT = 0, 1, 2
"""How a child ends."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of one mutant."""

    mutant: Mutant
    noticed: bool
    by: str = ""
    """The test that noticed it; empty where none calls it, and where its time or its memory ran out."""


@dataclass(kw_only=True)
class Nursery:
    """A plugin for pytest: in place of a run of the tests, one for each mutant."""

    mutants: Sequence[Mutant]
    jobs: int
    tell: Callable[[Verdict], None]
    """Called with each verdict as it is known."""

    _calls: dict[CodeType, list[pytest.Item]] = field(default_factory=dict)
    _seconds: dict[str, float] = field(default_factory=dict)
    _noticed: Counter[tuple[str, str]] = field(default_factory=Counter)
    _children: dict[int, tuple[Mutant, Sequence[pytest.Item], int]] = field(default_factory=dict)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """All tests once, to see what they call; then the mutants."""
        self._look(session)
        if session.testsfailed:
            return True
        quiet(session)
        gc.freeze()  # or the children would copy all memory to count it
        self._see_no_difference(session)
        for mutant in self.mutants:
            if len(self._children) == self.jobs:
                self.tell(self._hear())
            items = self._tests_of(mutant)
            if items:
                self._bear(session, mutant, items)
            else:
                self.tell(Verdict(mutant=mutant, noticed=False))
        while self._children:
            self.tell(self._hear())
        return True

    def _see_no_difference(self, session: pytest.Session) -> None:
        """A child in which nothing is changed passes: what a mutant fails is its own doing."""
        first = self.mutants[0]
        self._bear(session, replace(first, after=first.before), session.items)
        verdict = self._hear()
        if verdict.noticed:
            pytest.exit(f"{verdict.by or 'a test'} fails a second time, and nothing was changed", returncode=1)

    def _look(self, session: pytest.Session) -> None:
        codes = {mutant.code for mutant in self.mutants}
        for item in session.items:
            called: set[CodeType] = set()

            def look(frame: FrameType, _event: str, _detail: object, called: set[CodeType] = called) -> None:
                called.add(frame.f_code)

            began = time.process_time()
            sys.settrace(look)
            try:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            finally:
                sys.settrace(None)
            self._seconds[item.nodeid] = time.process_time() - began
            for code in called & codes:
                self._calls.setdefault(code, []).append(item)

    def _tests_of(self, mutant: Mutant) -> list[pytest.Item]:
        def promise(item: pytest.Item) -> tuple[int, int, float]:
            of_function = self._noticed[f"{mutant.module}.{mutant.function}", item.nodeid]
            return -of_function, -self._noticed[mutant.module, item.nodeid], self._seconds[item.nodeid]

        return sorted(self._calls.get(mutant.code, ()), key=promise)

    def _bear(self, session: pytest.Session, mutant: Mutant, items: Sequence[pytest.Item]) -> None:
        ear, mouth = os.pipe()
        child = os.fork()
        if not child:
            live(session, mutant, items, mouth, sum(self._seconds[item.nodeid] for item in items))
        os.close(mouth)
        self._children[child] = (mutant, items, ear)

    def _hear(self) -> Verdict:
        """Wait for one child."""
        child, status = os.wait()
        mutant, items, ear = self._children.pop(child)
        with os.fdopen(ear) as said:
            place = said.read()
        code = os.waitstatus_to_exitcode(status)
        if code == UNFIT:
            pytest.exit(f"this change cannot be made: {mutant}", returncode=pytest.ExitCode.INTERNAL_ERROR)
        by = items[int(place)].nodeid if place else ""
        if by:
            self._noticed[f"{mutant.module}.{mutant.function}", by] += 1
            self._noticed[mutant.module, by] += 1
        return Verdict(mutant=mutant, noticed=code != UNNOTICED, by=by)


def quiet(session: pytest.Session) -> None:
    """What fails from now on is meant to, and nobody reads how."""
    plugins = session.config.pluginmanager
    plugins.unregister(plugins.get_plugin("terminalreporter"))


def live(session: pytest.Session, mutant: Mutant, items: Sequence[pytest.Item], mouth: int, seconds: float) -> NoReturn:
    """A child's life: it ends with the first test that fails, and says which."""
    code = UNFIT
    try:
        most = int(seconds * SECONDS_PER_SECOND + SPARE_SECONDS)
        resource.setrlimit(resource.RLIMIT_CPU, (most, most))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        mutant.take_over()
        code = UNNOTICED
        for place, item in enumerate(items):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            if session.testsfailed:
                os.write(mouth, str(place).encode())
                code = NOTICED
                break
    finally:
        os._exit(code)
