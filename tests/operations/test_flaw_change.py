"""Which flaws a change closes and opens, and that unknown is never told as none."""

from dataclasses import dataclass, replace

import pytest
from invented import InventedAdvisories
from simulated_shop import QUIET

from repave.cli.flaw_changes import show
from repave.cli.screen import Screen
from repave.model.finding import Finding, SourceStatus
from repave.model.lock import Ecosystem, Layer, Lock, LockedPackage
from repave.model.names import ImageName
from repave.operations.flaw_change import FlawChange, flaw_change
from repave.ports.progress import Progress

SOURCE = InventedAdvisories(repairs={"openssl": ("2", ("CVE-2026-1", "CVE-2026-2")), "zlib": ("1", ("CVE-2026-3",))})


def lock(**versions: str) -> Lock:
    """Of packages in these versions."""
    return Lock(packages=tuple(package(name, version) for name, version in versions.items()))


def package(name: str, version: str) -> LockedPackage:
    """A Debian package."""
    return LockedPackage(
        ecosystem=Ecosystem.DEB,
        name=name,
        version=version,
        sha256="a" * 64,
        size_bytes=1,
        origin=f"http://archive/{name}.deb",
        filename=f"{name}.deb",
        layer=Layer.BASE,
        images=(ImageName("web"),),
        source=name,
        source_version=version,
    )


OLD, NEW = lock(openssl="1", zlib="1"), lock(openssl="2", zlib="2")


@dataclass
class FailingFor:
    """A source that cannot be read for one lock, and can for others."""

    lock: Lock

    def examine(self, lock: Lock, *, progress: Progress) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        """As the invented one, but for that lock."""
        source = replace(SOURCE, problem="no answer") if lock == self.lock else SOURCE
        return source.examine(lock, progress=progress)


def test_what_only_one_of_both_locks_has_is_closed_or_opened() -> None:
    """An update of one package, and one of another that is worse."""
    change = flaw_change(OLD, NEW, (SOURCE,), QUIET)
    assert (change.closed, change.opened) == (("CVE-2026-1", "CVE-2026-2"), ("CVE-2026-3",))
    assert change.unknown == ()


def test_nobody_is_asked_about_one_and_the_same_lock() -> None:
    """It closes nothing and opens nothing, whatever can be read."""
    assert flaw_change(OLD, OLD, (FailingFor(OLD),), QUIET) == FlawChange(closed=(), opened=(), unknown=(), unjudged=())


def test_unknown_of_the_new_lock_is_never_called_closed() -> None:
    """What is not found where nothing could be read may be there."""
    change = flaw_change(OLD, NEW, (FailingFor(NEW),), QUIET)
    assert (change.closed, change.opened) == (None, ())
    assert [source.problem for source in change.unknown] == ["no answer"]


def test_unknown_of_the_old_lock_is_never_called_opened() -> None:
    """What is found may have been there before."""
    change = flaw_change(OLD, NEW, (FailingFor(OLD),), QUIET)
    assert (change.closed, change.opened) == ((), None)


def test_what_no_source_covers_is_said() -> None:
    """Of either lock, once."""
    change = flaw_change(lock(), replace(NEW, packages=(replace(NEW.packages[0], ecosystem=Ecosystem.NPM),)), (), QUIET)
    assert change.unjudged == ("1 npm package is not judged: no source of advisories that was read covers it",)


@pytest.mark.parametrize(
    ("failing", "words"),
    [
        (lock(), ["closes 2 CVEs: CVE-2026-1, CVE-2026-2", "opens 1 CVE: CVE-2026-3"]),
        (NEW, ["which flaws it closes is unknown", "opens no flaw as far as could be judged"]),
        (OLD, ["closes no flaw as far as could be judged", "which flaws it opens is unknown"]),
    ],
)
def test_it_is_told_in_words(failing: Lock, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """For people; who could not be read is named."""
    show(flaw_change(OLD, NEW, (FailingFor(failing),), QUIET), Screen())
    said = capsys.readouterr()
    assert said.out.splitlines() == words
    assert ("warning: invented cannot be relied on: no answer" in said.err) == (failing in (OLD, NEW))
