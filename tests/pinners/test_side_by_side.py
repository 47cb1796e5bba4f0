"""Both resolutions at the same time answer what one after the other would."""

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest
from debian_upstream import SUITE, Locking, Upstream
from guarded_folder import Watched, never_answers
from pypi_index import PypiWorld

from repave.jobs.commands import LocalCommands
from repave.model.lock import Lock, LockedImage
from repave.model.names import Digest, ImageName
from repave.model.recipe import Image, ImageKind
from repave.pinners.pypi import PypiPinner
from repave.pinners.side_by_side import SideBySide
from repave.ports.errors import Invalid
from repave.ports.pinner import PinRequest, Refresh
from repave.ports.progress import Silent

DEBS = {"base-files 12": "Essential: yes", "python3 3.11.2-1": "Depends: libc6", "libc6 2.36-9": ""}
WEB = ImageName("web")


@dataclass
class Both:
    """Locks one image of Debian packages and wheels again and again."""

    locking: Locking
    index: str
    lock: Lock = field(default_factory=Lock)
    watched: Watched = field(default_factory=Watched)
    """What apt runs by."""

    def pin(self, *packages: str, python: tuple[str, ...] = ("app",), refresh: Refresh = Refresh.KEEP) -> list[str]:
        """Lock, keep the lock, and answer names of Debian packages and file names of wheels."""
        request = self.request(*packages, python=python, refresh=refresh)
        self.lock = self.locked(request)
        wheels = [package.filename for package in self.lock.packages if package.filename.endswith(".whl")]
        return [f"{package.name} {package.version}" for package in self.lock.packages if package.suite] + wheels

    def request(
        self, *packages: str, python: tuple[str, ...] = ("app",), refresh: Refresh = Refresh.KEEP
    ) -> PinRequest:
        """What is asked of the pinners."""
        image = Image(name=WEB, kind=ImageKind.CONTAINER, base=self.locking.base(), packages=packages, python=python)
        return PinRequest(image=image, folder=self.locking.folder, previous=self.lock, refresh=refresh)

    def locked(self, request: PinRequest) -> Lock:
        """The lock of one image."""
        pins = self.pinner().pin(request, progress=Silent())
        image = request.image
        named = LockedImage(name=image.name, kind=image.kind, base=image.base, recipe=Digest(f"sha256:{'0' * 64}"))
        return Lock(images=(named,), packages=pins.packages)

    def pinner(self) -> SideBySide:
        """A new one, as each run of the command has."""
        beside = LocalCommands()
        self.locking.commands = self.watched
        return SideBySide(debian=self.locking.pinner(), pypi=self.wheels(beside), stop=beside.end)

    def wheels(self, commands: LocalCommands) -> PypiPinner:
        """The one of the two that pins wheels."""
        return PypiPinner(self.locking.folder / "pypi", commands=commands, vault=self.locking.vault, index=self.index)


@pytest.fixture
def both(upstream: Upstream, locking: Locking, tmp_path: Path) -> Both:
    """An archive with a Python, and an index with wheels for that one and the next."""
    upstream.publish(SUITE, DEBS)
    index = PypiWorld(root=tmp_path)
    for python in ("cp311-cp311", "cp313-cp313"):
        index.wheel("app", "1.0", tag=f"{python}-manylinux_2_17_x86_64")
    return Both(locking=locking, index=(tmp_path / "index").as_uri())


ON_BOOKWORM = [
    "base-files 12",
    "libc6 2.36-9",
    "python3 3.11.2-1",
    "app-1.0-cp311-cp311-manylinux_2_17_x86_64.whl",
]
ON_TRIXIE = [
    "base-files 12",
    "libc6 2.41-1",
    "python3 3.13.5-1",
    "app-1.0-cp313-cp313-manylinux_2_17_x86_64.whl",
]


def test_the_lock_is_that_of_one_after_the_other(both: Both) -> None:
    """Entry for entry, from nothing and over a lock."""
    request = both.request("python3")
    debs = both.locking.pinner().pin(request, progress=Silent()).packages
    after = PinRequest(image=request.image, folder=request.folder, previous=Lock(), refresh=Refresh.KEEP, pinned=debs)
    wheels = both.wheels(LocalCommands()).pin(after, progress=Silent()).packages
    assert both.pin("python3") == ON_BOOKWORM
    assert both.lock.packages == (*debs, *wheels)
    assert both.pin("python3") == ON_BOOKWORM


def test_wheels_are_for_the_python_that_apt_takes_whatever_was_foreseen(upstream: Upstream, both: Both) -> None:
    """An upgrade foresees the locked one and finds another: uv is asked again."""
    assert both.pin("python3") == ON_BOOKWORM
    upstream.publish(SUITE, {**DEBS, "python3 3.13.5-1": "Depends: libc6 (>= 2.41)", "libc6 2.41-1": ""})
    assert both.pin("python3") == ON_BOOKWORM
    assert both.pin("python3", refresh=Refresh.UPGRADE) == ON_TRIXIE


def test_a_failure_for_a_python_that_is_not_taken_is_none(upstream: Upstream, both: Both) -> None:
    """The index has no more wheels for the one that was foreseen."""
    both.pin("python3", python=())
    upstream.publish(SUITE, {**DEBS, "python3 3.13.5-1": "Depends: libc6 (>= 2.41)", "libc6 2.41-1": ""})
    for wheel in Path(both.index.removeprefix("file://")).rglob("*cp311*"):
        wheel.unlink()
    assert both.pin("python3", refresh=Refresh.UPGRADE) == ON_TRIXIE


def test_what_the_recipe_lacks_is_told_as_ever(both: Both) -> None:
    """A Python that only the archive has; a wheel that is nowhere; a package that is nowhere goes first."""
    with pytest.raises(Invalid, match="python3 is not among its Debian packages"):
        both.pin()
    with pytest.raises(Invalid, match="nowhere"):
        both.pin("python3", python=("nowhere",))
    with pytest.raises(Invalid, match="the package python4 of web is in none of the suites"):
        both.pin("python4", python=("nowhere",))
    with pytest.raises(Invalid, match="'Python' of web is no name of a Debian package"):
        both.pin("Python")


def test_nobody_waits_for_an_index_once_the_archive_has_refused(both: Both) -> None:
    """Uv would ask a server that never answers for minutes; it is ended, and the archive's reason is told."""
    with never_answers() as both.index, pytest.raises(Invalid, match="python4"):
        both.pin("python4")
    assert not list((both.locking.folder / "pypi").glob("run-*"))


def test_ctrl_c_ends_both(both: Both) -> None:
    """Also the one that runs beside."""
    asked = Event()

    def interrupt(arguments: Sequence[str]) -> None:
        if "install" in arguments and not asked.is_set():
            asked.set()
            os.kill(os.getpid(), signal.SIGINT)

    both.watched.during = interrupt
    with never_answers() as both.index, pytest.raises(KeyboardInterrupt):
        both.pin("python3")
    assert not list((both.locking.folder / "pypi").glob("run-*"))
