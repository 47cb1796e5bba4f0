"""Carrying a vault elsewhere, bringing it in, reading it again."""

import hashlib
import io
import os
import subprocess
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented import content_of
from simulated_shop import QUIET, Shop

from repave.model.names import ImageName
from repave.operations.errors import Refused
from repave.operations.placing import PREFIX
from repave.operations.vaults.checking import CORRUPT, MISSING, Flaw, Verifying
from repave.operations.vaults.exporting import Exported, export
from repave.operations.vaults.importing import Imported, import_archive
from repave.operations.vaults.listing import list_locks
from repave.operations.vaults.needs import chosen_lock, kept_locks, needs
from repave.operations.vaults.sharing import pull, push
from repave.ports.errors import Corrupt, Gone, WorldError
from repave.registries.lines import Lines
from repave.registries.shared.folder import FolderVault
from repave.registries.shared.places import shared_places
from repave.registries.vault import FileVault

OPENSSL = hashlib.sha256(content_of("openssl", "3.0.20")).hexdigest()


def exported(shop: Shop, path: Path, release: str | None = None) -> Exported:
    """As the verb does it."""
    return export(chosen_lock(shop.store, shop.locked.present(), release), None, path, shop.vault, QUIET)


def brought_in(path: Path, folder: Path) -> tuple[Imported, FileVault]:
    """Into an empty vault."""
    vault = FileVault(folder)
    return import_archive(path, vault, QUIET), vault


def verifying(shop: Shop) -> Verifying:
    """As the verb makes it."""
    return Verifying(vault=shop.vault, locks=kept_locks(shop.store, shop.locked.present()), folder=shop.folder)


def damage(shop: Shop, sha256: str) -> None:
    """Change a kept file."""
    place = shop.vault.path(sha256)
    place.chmod(0o600)
    place.write_bytes(b"?" + place.read_bytes()[1:])


@pytest.mark.parametrize("name", ["shop.tar", "carried"])
def test_what_was_exported_is_imported_elsewhere(shop: Shop, tmp_path: Path, name: str) -> None:
    """An old release's whole lock, from an archive or a folder, into a vault that had nothing."""
    shop.lock()
    shop.bake()
    shop.pinner.archive["openssl"] = "3.0.22"
    done = exported(shop, tmp_path / name, "r1")
    came, vault = brought_in(tmp_path / name, tmp_path / "elsewhere")
    assert came.locks == (done.lock,) == (shop.store.releases()[0].lock,)
    assert (came.files, came.missing) == (3, ())
    for need in needs(kept_locks(shop.store, None)):
        vault.verify(need.sha256)
    assert import_archive(tmp_path / name, vault, QUIET).present == 3


def test_the_same_lock_gives_the_same_archive(shop: Shop, tmp_path: Path) -> None:
    """Byte for byte, whatever the umask and the hour."""
    shop.lock()
    first = exported(shop, tmp_path / "1.tar")
    before = os.umask(0o077)
    try:
        assert exported(shop, tmp_path / "2.tar").sha256 == first.sha256
    finally:
        os.umask(before)
    assert hashlib.sha256((tmp_path / "1.tar").read_bytes()).hexdigest() == first.sha256


def test_others_read_it(shop: Shop, tmp_path: Path) -> None:
    """`tar` unpacks it, `sha256sum` finds every file as it must be."""
    shop.lock()
    exported(shop, tmp_path / "shop.tar")
    subprocess.run(("tar", "-xf", "shop.tar"), cwd=tmp_path, check=True)
    subprocess.run(("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"), cwd=tmp_path, check=True)
    named = {line.split()[1] for line in (tmp_path / "SHA256SUMS").read_text(encoding="utf-8").splitlines()}
    assert {path.relative_to(tmp_path).as_posix() for path in (tmp_path / "sha256").rglob("*/*")} < named


def test_one_image_is_exported_alone(shop: Shop, tmp_path: Path) -> None:
    """And one that the lock does not have is refused with those it has."""
    shop.lock()
    named = chosen_lock(shop.store, shop.locked.present(), None)
    assert export(named, ImageName("web"), tmp_path / "web.tar", shop.vault, QUIET).files == 3
    with pytest.raises(Refused, match="no image api") as refused:
        export(named, ImageName("api"), tmp_path / "api.tar", shop.vault, QUIET)
    assert "web" in refused.value.hint


@pytest.mark.parametrize("harm", [lambda shop: shop.vault.remove(OPENSSL), lambda shop: damage(shop, OPENSSL)])
def test_nothing_is_exported_from_a_vault_that_is_not_whole(
    shop: Shop, tmp_path: Path, harm: Callable[[Shop], None]
) -> None:
    """A missing or damaged file is named, and nothing is left."""
    shop.lock()
    harm(shop)
    with pytest.raises((Gone, Corrupt), match=OPENSSL):
        exported(shop, tmp_path / "shop.tar")
    assert not [path for path in tmp_path.iterdir() if "shop.tar" in path.name]


def test_what_a_killed_export_left_is_no_hindrance(shop: Shop, tmp_path: Path) -> None:
    """It is not taken for the archive, and goes with the next export; an archive that is there stays."""
    shop.lock()
    left = tmp_path / f"{PREFIX}k1ll3d"
    left.mkdir()
    (left / "shop.tar").write_bytes(b"half")
    done = exported(shop, tmp_path / "shop.tar")
    assert not left.exists()
    with pytest.raises(Refused, match="exists already"):
        exported(shop, tmp_path / "shop.tar")
    assert hashlib.sha256((tmp_path / "shop.tar").read_bytes()).hexdigest() == done.sha256


def test_verifying_names_what_is_wrong_and_who_needs_it(shop: Shop) -> None:
    """Missing and damaged, packages and files of the application; then repairs all that can be had."""
    lock = shop.lock()
    shop.bake()
    application = lock.files[0].sha256
    damage(shop, OPENSSL)
    shop.vault.remove(application)
    found = {flaw.sha256: flaw for flaw in verifying(shop).verify(repair=False, progress=QUIET).flaws}
    holders = ("repave.lock", "r1")
    assert found == {
        OPENSSL: Flaw(sha256=OPENSSL, state=CORRUPT, what=("openssl 3.0.20",), locks=holders),
        application: Flaw(sha256=application, state=MISSING, what=("app/app.py",), locks=holders),
    }
    repaired = verifying(shop).verify(repair=True, progress=QUIET)
    assert repaired.whole
    assert len(repaired.flaws) == 2
    assert verifying(shop).verify(repair=False, progress=QUIET).flaws == ()


def test_what_cannot_be_repaired_is_said(shop: Shop) -> None:
    """The origin no longer has it: the reason stands beside it, and the vault is not called whole."""
    shop.lock()
    damage(shop, OPENSSL)
    (shop.folder / "archive" / "openssl_3.0.20.deb").unlink()
    done = verifying(shop).verify(repair=True, progress=QUIET)
    assert (done.whole, done.flaws[0].repaired) == (False, False)
    assert "not at file:" in done.flaws[0].problem


def test_the_list_says_what_each_lock_lacks(shop: Shop) -> None:
    """The present lock and every release's, those that are one by all their names."""
    shop.lock()
    shop.bake()
    shop.change_application("print('other')\n")
    shop.vault.remove(OPENSSL)
    found = {one.names: one.missing for one in list_locks(kept_locks(shop.store, shop.locked.present()), shop.vault)}
    assert found == {("repave.lock",): ("openssl 3.0.20",), ("r1",): ("openssl 3.0.20",)}


def rewritten(path: Path, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]) -> Path:
    """The archive with its members changed."""
    with tarfile.open(path) as archive:
        members = [(info, b"" if (file := archive.extractfile(info)) is None else file.read()) for info in archive]
    change(members)
    hostile = path.with_name("hostile.tar")
    with tarfile.open(hostile, "w") as archive:
        for info, content in members:
            info.size = len(content) if info.isfile() else 0
            archive.addfile(info, io.BytesIO(content))
    return hostile


def _named(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = ""
) -> Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]:
    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        members.insert(1, (info, b"content"))

    return change


HOSTILE = {
    "a way out": _named("../../outside"),
    "an absolute name": _named("/etc/passwd"),
    "a link": _named(f"sha256/{OPENSSL[:2]}/{OPENSSL}", tarfile.SYMTYPE, "/etc/passwd"),
    "a hard link": _named(f"sha256/{OPENSSL[:2]}/{OPENSSL}", tarfile.LNKTYPE, "/etc/passwd"),
    "a device": _named("sha256/null", tarfile.CHRTYPE),
    "a long name": _named("sha256/" + "a" * 300),
    "a file that no lock names": _named(f"sha256/aa/{'a' * 64}"),
    "files before locks": lambda members: members.reverse(),
    "no lock": lambda members: members.clear(),
    "another size": lambda members: members.__setitem__(-1, (members[-1][0], b"x" * 1000)),
    "a lock with other bytes": lambda members: members.__setitem__(0, (members[0][0], members[0][1] + b"#")),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_refused(
    shop: Shop, tmp_path: Path, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]
) -> None:
    """And nothing is written but files that are what their lock says."""
    shop.lock()
    exported(shop, tmp_path / "shop.tar")
    hostile = rewritten(tmp_path / "shop.tar", change)
    before = {path for path in tmp_path.rglob("*") if "elsewhere" not in path.parts}
    with pytest.raises(Refused):
        brought_in(hostile, tmp_path / "elsewhere")
    assert {path for path in tmp_path.rglob("*") if "elsewhere" not in path.parts} == before
    vault = FileVault(tmp_path / "elsewhere")
    for sha256, _ in vault.entries():
        vault.verify(sha256)


def test_wrong_bytes_of_the_right_size_are_caught(shop: Shop, tmp_path: Path) -> None:
    """The sha256 decides, and nothing of the file is kept."""
    shop.lock()
    exported(shop, tmp_path / "shop.tar")
    hostile = rewritten(
        tmp_path / "shop.tar", lambda members: members.__setitem__(-1, (members[-1][0], bytes(len(members[-1][1]))))
    )
    with pytest.raises(Corrupt, match="nothing of it was kept"):
        brought_in(hostile, tmp_path / "elsewhere")


def test_a_folder_with_a_link_is_refused(shop: Shop, tmp_path: Path) -> None:
    """A link in an exported folder could point anywhere."""
    shop.lock()
    exported(shop, tmp_path / "carried")
    place = tmp_path / "carried" / "sha256" / OPENSSL[:2] / OPENSSL
    place.unlink()
    place.symlink_to("/etc/passwd")
    with pytest.raises(Refused, match="no plain file"):
        brought_in(tmp_path / "carried", tmp_path / "elsewhere")


@given(
    cut=st.integers(min_value=0), flips=st.lists(st.tuples(st.integers(min_value=0), st.integers(1, 255)), max_size=3)
)
def test_a_damaged_archive_gives_whole_files_or_an_error(
    damaged_archive: bytes, tmp_path_factory: pytest.TempPathFactory, cut: int, flips: list[tuple[int, int]]
) -> None:
    """Cut anywhere, changed anywhere: never another kind of failure, never a wrong file."""
    content = bytearray(damaged_archive[: cut % (len(damaged_archive) + 1)] if cut else damaged_archive)
    for place, mask in flips:
        if content:
            content[place % len(content)] ^= mask
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "a.tar").write_bytes(content)
    vault = FileVault(folder / "vault")
    with suppress(Refused, WorldError):
        import_archive(folder / "a.tar", vault, QUIET)
    for sha256, _ in vault.entries():
        vault.verify(sha256)


@pytest.fixture(scope="module")
def damaged_archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An archive that is whole."""
    folder = tmp_path_factory.mktemp("whole")
    shop = Shop(folder / "shop")
    shop.lock()
    exported(shop, folder / "shop.tar")
    shop.close()
    return (folder / "shop.tar").read_bytes()


def test_what_one_pushed_another_pulls_with_nothing_else(shop: Shop, tmp_path: Path) -> None:
    """An old release's lock, its application's files too, from a folder that they share."""
    shop.lock()
    shop.bake()
    named = chosen_lock(shop.store, shop.locked.present(), "r1")
    first, again = (push(named, [FolderVault(tmp_path / "shared")], shop.vault, QUIET)[0] for _ in range(2))
    assert (first.sent, again.sent) == (first.files, 0)
    assert first.files == len(needs((named,)))
    places = shared_places([str(tmp_path / "shared")], folder=tmp_path)
    vault = FileVault(tmp_path / "elsewhere", line=lambda: Lines(stand_ins=places))
    pulled, nothing = pull(named, vault, QUIET), pull(named, vault, QUIET)
    assert (pulled.came, nothing.came) == (pulled.files, 0)
    for need in needs((named,)):
        vault.verify(need.sha256)
    assert (tmp_path / "shared" / "locks" / f"{named.digest.removeprefix('sha256:')}.lock").read_text() == named.text


def test_a_lock_whose_files_are_not_all_here_is_not_pushed(shop: Shop, tmp_path: Path) -> None:
    """Others would take it for whole; the first that lacks is named."""
    shop.lock()
    shop.vault.remove(OPENSSL)
    named = chosen_lock(shop.store, shop.locked.present(), None)
    with pytest.raises(Refused, match="openssl"):
        push(named, [FolderVault(tmp_path / "shared")], shop.vault, QUIET)
    assert not (tmp_path / "shared").exists()


def test_a_file_of_another_revision_is_had_again_from_who_shares(shop: Shop, tmp_path: Path) -> None:
    """The folder holds the application as it is now; the old release's file comes from the shared vault."""
    shop.lock()
    shop.bake()
    push(chosen_lock(shop.store, None, "r1"), [FolderVault(tmp_path / "shared")], shop.vault, QUIET)
    old = hashlib.sha256((shop.folder / "app" / "app.py").read_bytes()).hexdigest()
    (shop.folder / "app" / "app.py").write_text("another\n", encoding="utf-8")
    places = shared_places([str(tmp_path / "shared")], folder=tmp_path)
    vault = FileVault(shop.vault.path(old).parents[2], line=lambda: Lines(stand_ins=places))
    vault.remove(old)
    done = Verifying(vault=vault, locks=kept_locks(shop.store, None), folder=shop.folder).verify(
        repair=True, progress=QUIET
    )
    assert [flaw.repaired for flaw in done.flaws] == [True]
    vault.verify(old)
