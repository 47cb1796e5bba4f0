"""Vaults that several have: what one gave, another has, and believes in nothing but its sha256."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from threading import Event

import httpx
import pytest
from guarded_folder import guarded, nobody_listens
from oci_registry import PASSWORD, USER, open_registry, password_registry

from repave.model.names import Digest
from repave.ports.errors import Corrupt, Denied, Gone
from repave.ports.logins import Login
from repave.ports.progress import Silent
from repave.ports.shared_vault import SharedFile, SharedLock, SharedVault
from repave.ports.vault import Fetch
from repave.registries.download import Download
from repave.registries.lines import Lines
from repave.registries.measuring import Wanted
from repave.registries.oci.pushing import RegistryWriter
from repave.registries.oci.session import Session
from repave.registries.shared.folder import FolderVault
from repave.registries.shared.places import shared_places
from repave.registries.shared.repository import RepositoryVault
from repave.registries.vault import FileVault

CONTENTS = (b"one" * 100_000, b"two", b"")
TEXT = "version = 2\n"

Shared = tuple[str, SharedVault]
"""As the file names it, and the vault."""


class Known:
    """The registry's own password."""

    def login(self, address: str) -> Login | None:
        """For whatever is asked."""
        del address
        return Login(username=USER, password=PASSWORD)


def a_lock(folder: Path) -> SharedLock:
    """Three files on this disk."""
    folder.mkdir(exist_ok=True)
    files = []
    for number, content in enumerate(CONTENTS):
        path = folder / str(number)
        path.write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        files.append(SharedFile(sha256=sha256, size_bytes=len(content), path=path, name=f"file {number}"))
    return SharedLock(
        digest=Digest(f"sha256:{hashlib.sha256(TEXT.encode()).hexdigest()}"), text=TEXT, files=tuple(files)
    )


def wanted(lock: SharedLock, url: str = "") -> list[Fetch]:
    """How another project asks for its files."""
    return [Fetch(url=url, sha256=file.sha256, size_bytes=file.size_bytes, name=file.name) for file in lock.files]


def elsewhere(folder: Path, *shared: str) -> FileVault:
    """Another project's vault that knows of the shared ones."""
    places = shared_places(shared, folder=folder)

    def stand_ins(file: Wanted) -> tuple[str, ...]:
        return (*places(file), *((file.url,) if file.url else ()))

    return FileVault(folder / "vault", line=lambda: Lines(logins=Known(), stand_ins=stand_ins))


@pytest.fixture(params=["folder", "registry", "registry with a password"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shared]:
    """Each kind there is."""
    if request.param == "folder":
        yield str(tmp_path / "shared"), FolderVault(tmp_path / "shared")
        return
    running: Callable[[Path], AbstractContextManager[str]] = open_registry
    if request.param != "registry":
        running = password_registry
    with ExitStack() as stack:
        host = stack.enter_context(running(tmp_path / "registry"))
        session = Session(logins=Known())
        stack.callback(session.close)
        place = f"oci://{host}/vault/shop"
        yield place, RepositoryVault(place, distribution=RegistryWriter(session))


@pytest.mark.real
def test_what_one_gave_another_has(shared: Shared, tmp_path: Path) -> None:
    """With no origin at all; giving it again sends nothing."""
    place, vault = shared
    lock = a_lock(tmp_path / "own")
    assert vault.missing(lock.files) == {file.sha256 for file in lock.files}
    vault.keep(lock, progress=Silent())
    assert vault.missing(lock.files) == frozenset()
    vault.keep(lock, progress=Silent())
    other = elsewhere(tmp_path / "other", place)
    other.fetch(wanted(lock), progress=Silent())
    assert [other.path(file.sha256).read_bytes() for file in lock.files] == list(CONTENTS)


@pytest.mark.real
def test_what_a_shared_vault_lacks_comes_from_the_origin(shared: Shared, tmp_path: Path) -> None:
    """An empty one delays nothing but a question."""
    place, _ = shared
    lock = a_lock(tmp_path / "origin")
    with guarded(tmp_path / "origin", password=None) as origin:
        other = elsewhere(tmp_path / "other", place)
        other.fetch(wanted(lock, f"{origin.address}/0")[:1], progress=Silent())
    assert other.has(lock.files[0].sha256)
    with pytest.raises(Gone, match="file 1"):
        other.fetch(wanted(lock)[1:2], progress=Silent())


def test_what_was_changed_in_a_shared_folder_is_not_taken(tmp_path: Path) -> None:
    """The origin's file is; without an origin the change is told."""
    lock = a_lock(tmp_path / "own")
    FolderVault(tmp_path / "shared").keep(lock, progress=Silent())
    first = lock.files[0]
    place = tmp_path / "shared" / "sha256" / first.sha256[:2] / first.sha256
    place.chmod(0o600)
    place.write_bytes(b"?" + place.read_bytes()[1:])
    other = elsewhere(tmp_path / "other", str(tmp_path / "shared"))
    with pytest.raises(Corrupt, match="file 0"):
        other.fetch(wanted(lock)[:1], progress=Silent())
    assert not other.has(first.sha256)
    with guarded(tmp_path / "own", password=None) as origin:
        with_origin = elsewhere(tmp_path / "third", str(tmp_path / "shared"))
        with_origin.fetch(wanted(lock, f"{origin.address}/0")[:1], progress=Silent())
    assert with_origin.path(first.sha256).read_bytes() == CONTENTS[0]


def test_a_file_of_the_application_without_any_shared_vault_is_told_as_such(tmp_path: Path) -> None:
    """It has no address."""
    lock = a_lock(tmp_path / "own")
    with pytest.raises(Gone, match="file of the application") as refused:
        elsewhere(tmp_path / "other").fetch(wanted(lock)[:1], progress=Silent())
    assert "shared" in refused.value.hint


def test_a_host_that_was_not_reached_is_not_asked_again_for_the_next_file(tmp_path: Path) -> None:
    """Many files do not wait for a dead shared vault one after the other; the last address is asked all the same."""
    lock = a_lock(tmp_path / "own")
    dead = nobody_listens()
    with guarded(tmp_path / "own", password=None) as origin, Lines(stand_ins=lambda file: (dead, file.url)) as line:
        asked: list[str] = []

        class Recorded:
            """The line, and what was asked of it."""

            def addresses(self, file: Wanted) -> tuple[str, ...]:
                """Where to ask."""
                return line.addresses(file)

            def get(self, address: str, headers: dict[str, str]) -> AbstractContextManager[httpx.Response]:
                """Ask."""
                asked.append(address)
                return line.get(address, headers)

        file = wanted(lock, f"{origin.address}/0")[0]
        with Silent().task("") as task, (tmp_path / "target").open("w+b") as target:
            known = {dead.removeprefix("http://")}
            Download(file, line=Recorded(), task=task, stop=Event(), unreachable=known).write(target)
    assert asked == [f"{origin.address}/0"]


def test_a_shared_folder_that_may_not_be_written_says_so(tmp_path: Path) -> None:
    """Those who only read need no more."""
    with pytest.raises(Denied, match="cannot be written"):
        FolderVault(Path("/sys/kernel/a-shared-vault")).keep(a_lock(tmp_path / "own"), progress=Silent())
