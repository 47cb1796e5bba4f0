"""How far a new lock of Debian packages moves from the old one."""

import os
from pathlib import Path

import pytest
from debian_upstream import SECURITY, SUITE, UPDATES, Locking, Upstream
from guarded_folder import Watched, guarded

from repave.model.lock import Lock
from repave.pinners.debian import answers
from repave.ports.errors import Invalid, Unreachable
from repave.ports.pinner import Refresh

OLD = {
    "base-files 12": "Essential: yes",
    "app 1.0": "Depends: libapp (>= 1.0), libother",
    "libapp 1.0": "Source: application",
    "libapp-dev 1.0": "Source: application\nDepends: libapp (= 1.0)",
    "libother 1.0": "",
    "tool 1.0": "",
}
NEW = {
    "base-files 12": "Essential: yes",
    "app 2.0": "Depends: libapp (>= 2.0), libother",
    "libapp 2.0": "Source: application",
    "libapp-dev 2.0": "Source: application\nDepends: libapp (= 2.0)",
    "libother 2.0": "",
    "tool 2.0": "Depends: libapp (>= 2.0)",
}
ALL_OLD = {"app": "1.0", "libapp": "1.0", "libother": "1.0"}


@pytest.fixture
def locked(upstream: Upstream, locking: Locking) -> Locking:
    """A project that locked ``app`` when everything was old."""
    upstream.publish(SUITE, OLD)
    assert locking.versions("app") == ALL_OLD
    return locking


def test_promise_10_a_lock_stays_when_the_archive_moves_on(upstream: Upstream, locked: Locking) -> None:
    """Both versions are listed: the locked ones stay, byte for byte, until an upgrade is asked for."""
    before = locked.lock
    upstream.publish(SUITE, {**OLD, **NEW})
    locked.run("app")
    assert locked.lock == before
    assert locked.versions("app", refresh=Refresh.UPGRADE) == {"app": "2.0", "libapp": "2.0", "libother": "2.0"}


def test_promise_14_a_lock_stays_when_the_archive_forgets_it(upstream: Upstream, locked: Locking) -> None:
    """No index lists the versions and their files are deleted: the vault has them."""
    before = locked.run("app")
    for package in before.values():
        file = upstream.root / "pool/main" / package.name[0] / package.filename
        assert locked.vault.add(file) == package.sha256
        if package.name != "base-files":
            upstream.remove(package.name, package.version)
    upstream.publish(SUITE, NEW)
    assert locked.run("app") == before
    assert locked.versions("app", refresh=Refresh.NAMED, named=("libother",)) == {**ALL_OLD, "libother": "2.0"}


def test_a_pin_that_nobody_can_deliver_is_refused(upstream: Upstream, locked: Locking) -> None:
    """Neither index, vault nor origin has it: it is named, and not quietly replaced."""
    upstream.remove("libother", "1.0")
    upstream.publish(SUITE, {**NEW, **OLD})
    with pytest.raises(Invalid, match=r"libother 1\.0 is locked, but no index lists it any more") as refused:
        locked.run("app")
    assert "--upgrade-package libother` moves it to 2.0" in refused.value.hint
    assert locked.versions("app", refresh=Refresh.NAMED, named=("libother",)) == {**ALL_OLD, "libother": "2.0"}


def test_a_pin_is_brought_from_its_origin_while_that_still_has_it(upstream: Upstream, locked: Locking) -> None:
    """An index that no longer lists a file whose file is still there is enough."""
    upstream.publish(SUITE, NEW)
    assert locked.versions("app") == ALL_OLD
    assert locked.vault.has(locked.run("app")["libapp"].sha256)


def test_what_the_recipe_adds_moves_only_what_it_must(upstream: Upstream, locked: Locking) -> None:
    """A new package that needs a newer library moves that library, and not the rest."""
    upstream.publish(SUITE, {**OLD, **NEW, "tool 1.0": ""})
    upstream.publish(SUITE, {name: fields for name, fields in {**OLD, **NEW}.items() if name != "tool 1.0"})
    assert locked.versions("app", "tool") == {"app": "1.0", "libapp": "2.0", "libother": "1.0", "tool": "2.0"}


def test_a_new_package_comes_in_the_version_of_its_locked_source(upstream: Upstream, locked: Locking) -> None:
    """A development package for a kept library moves nothing, as long as the archive still lists the old one."""
    upstream.publish(SUITE, {**OLD, **NEW})
    assert locked.versions("app", "libapp-dev") == {**ALL_OLD, "libapp-dev": "1.0"}


def test_what_the_recipe_drops_leaves_the_lock(upstream: Upstream, locked: Locking) -> None:
    """Nothing stays for having been there."""
    upstream.publish(SUITE, {**OLD, **NEW})
    assert locked.versions("libother") == {"libother": "1.0"}


def test_named_packages_move_with_what_they_force(upstream: Upstream, locked: Locking) -> None:
    """Also packages that are named twice, or are of another ecosystem, which are left to its pinner."""
    upstream.publish(SUITE, {**OLD, **NEW})
    named = ("app", "flask", "app")
    recipe_knows = locked.run("app", refresh=Refresh.NAMED, named=named, python=("flask",))
    assert {name: package.version for name, package in recipe_knows.items() if name != "base-files"} == {
        "app": "2.0",
        "libapp": "2.0",
        "libother": "1.0",
    }


def test_a_named_package_that_nothing_has_locked_is_refused(locked: Locking) -> None:
    """With the nearest name that is."""
    with pytest.raises(Invalid, match="libaap cannot be upgraded") as refused:
        locked.run("app", refresh=Refresh.NAMED, named=("libaap",))
    assert "libapp" in refused.value.hint


def test_security_moves_only_repairs_and_what_they_force(upstream: Upstream, locked: Locking) -> None:
    """Newer versions of other suites do not move, nor does a package whose repair is older than its lock."""
    locked.suites = (SUITE, UPDATES, SECURITY)
    upstream.publish(SUITE, {**OLD, **NEW, "helper 2.0": ""})
    upstream.publish(UPDATES, {"app 1.5": "Depends: libapp (>= 1.0), libother"})
    upstream.publish(
        SECURITY,
        {
            "libapp 1.0+deb12u1": "Source: application\nDepends: helper (>= 2.0)",
            "libapp-dev 1.0+deb12u1": "Source: application\nDepends: libapp (= 1.0+deb12u1)",
            "libother 0.9+deb12u9": "",
            "tool 1.0+deb12u1": "",
        },
    )
    found = locked.run("app", refresh=Refresh.SECURITY)
    assert {name: package.version for name, package in found.items()} == {
        "base-files": "12",
        "app": "1.0",
        "libapp": "1.0+deb12u1",
        "libother": "1.0",
        "helper": "2.0",
    }
    assert found["libapp"].suite == SECURITY


def test_a_repair_forces_a_locked_package_along(upstream: Upstream, locked: Locking) -> None:
    """What a repair depends on in a newer version, or breaks in the old one, moves with it."""
    locked.suites = (SUITE, SECURITY)
    upstream.publish(SUITE, {**OLD, "app 1.9": "Depends: libapp, libother", "libother 2.0": "", "libapp 2.0": ""})
    repair = {"libapp 1.0+deb12u1": "Depends: libother (>= 2.0)\nBreaks: app (<< 1.5)"}
    upstream.publish(SECURITY, repair)
    assert locked.versions("app", refresh=Refresh.SECURITY) == {
        "app": "1.9",
        "libapp": "1.0+deb12u1",
        "libother": "2.0",
    }


def test_security_with_nothing_to_repair_changes_nothing(upstream: Upstream, locked: Locking) -> None:
    """The lock is the same, whatever the other suites have."""
    before = locked.run("app")
    locked.suites = (SUITE, SECURITY)
    upstream.publish(SUITE, {**OLD, **NEW})
    upstream.publish(SECURITY, {"tool 1.0+deb12u1": ""})
    assert locked.run("app", refresh=Refresh.SECURITY) == before


def test_security_without_a_security_suite_is_refused(locked: Locking) -> None:
    """The hint is the line to be written."""
    with pytest.raises(Invalid, match="web draws from no security suite") as refused:
        locked.run("app", refresh=Refresh.SECURITY)
    assert "suites: [bookworm, bookworm-security]" in refused.value.hint


def test_repairs_of_others_leave_an_image_without_a_security_suite_as_it_is(
    upstream: Upstream, locked: Locking
) -> None:
    """Its wheels may be repaired all the same; where there is a suite, its repairs are taken."""
    before = locked.run("app")
    upstream.publish(SUITE, {**OLD, **NEW})
    assert locked.run("app", refresh=Refresh.REPAIRS) == before
    locked.suites = (SUITE, SECURITY)
    upstream.publish(SECURITY, {"libapp 1.0+deb12u1": ""})
    assert locked.versions("app", refresh=Refresh.REPAIRS)["libapp"] == "1.0+deb12u1"


def test_a_second_image_takes_the_versions_of_the_first(upstream: Upstream, locked: Locking) -> None:
    """What two images share is one version, unless that cannot be met."""
    upstream.publish(SUITE, {**OLD, **NEW})
    worker = locked.run("libother", image="worker")
    assert (worker["libother"].version, worker["libother"].images) == ("1.0", ("worker",))
    assert locked.run("tool", image="cron")["tool"].version == "2.0"


def test_a_moved_mirror_is_written_into_the_lock(upstream: Upstream, locked: Locking) -> None:
    """The same files from another address: only the origin changes."""
    before = locked.run("app")
    moved = upstream.root.with_name("moved")
    upstream.root.rename(moved)
    locked.mirror = moved.as_uri()
    after = locked.run("app")
    assert {name: package.sha256 for name, package in after.items()} == {
        name: package.sha256 for name, package in before.items()
    }
    assert all(package.origin.startswith(f"{locked.mirror}/") for package in after.values())


def test_a_lock_soon_after_another_reads_the_same_indexes(upstream: Upstream, locking: Locking) -> None:
    """Apt asks the archive once a minute, in whatever process; an upgrade asks at once."""
    upstream.publish(SUITE, {**OLD, "plugin 1.0": ""})
    # By HTTP: of an archive that is a folder apt copies nothing.
    with guarded(upstream.root, password=None) as server:
        locking.mirror = server.address
        assert "plugin" not in locking.versions("app")
        locking.fresh_seconds = 3600.0
        upstream.publish(SUITE, {**OLD, **NEW, "plugin 2.0": ""})
        assert locking.versions("app", "plugin")["plugin"] == "1.0"
        assert locking.versions("app", "plugin", refresh=Refresh.UPGRADE)["plugin"] == "2.0"


def test_what_was_published_within_the_minute_is_found(upstream: Upstream, locking: Locking) -> None:
    """When the indexes at hand cannot answer, newer ones are read before anything is refused."""
    upstream.publish(SUITE, OLD)
    with guarded(upstream.root, password=None) as server:
        locking.mirror = server.address
        locking.run("app")
        locking.fresh_seconds = 3600.0
        upstream.publish(SUITE, {**OLD, "plugin 1.0": ""})
        assert locking.versions("app", "plugin")["plugin"] == "1.0"
        with pytest.raises(Invalid, match="nowhere"):
            locking.run("app", "nowhere")


def test_what_apt_has_resolved_is_not_worked_out_again(upstream: Upstream, locking: Locking) -> None:
    """The same question over the same indexes, whoever asks; any other, and one whose answer is damaged, is asked."""
    upstream.publish(SUITE, OLD)
    locking.commands = watched = Watched()

    def versions(*packages: str) -> tuple[dict[str, str], int]:
        """Of a lock that is made as if there were none yet, and how much apt was asked for it."""
        locking.lock, before = Lock(), watched.arguments.count("--print-uris")
        return locking.versions(*packages), watched.arguments.count("--print-uris") - before

    assert [versions("app") for _ in range(2)] == [(ALL_OLD, 1), (ALL_OLD, 0)]
    assert versions("app", "tool") == ({**ALL_OLD, "tool": "1.0"}, 1)
    (answers,) = (locking.folder / "apt cache").glob("*/views/*/answers")
    for kept in answers.iterdir():
        kept.write_bytes(kept.read_bytes()[:-9])
    assert versions("app") == (ALL_OLD, 1)
    upstream.publish(SUITE, NEW)
    assert [versions("app") for _ in range(2)] == [
        ({"app": "2.0", "libapp": "2.0", "libother": "2.0"}, asked) for asked in (1, 0)
    ]


def test_answers_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest stay."""
    monkeypatch.setattr(answers, "MOST", 2)
    kept = answers.Answers(tmp_path / "answers")
    for number in range(4):
        kept.keep(f"{number}", f"answer {number}")
        os.utime(tmp_path / "answers" / f"{number}", (number, number))
    assert [kept.find(f"{number}") for number in range(4)] == [None, None, "answer 2", "answer 3"]


def test_lists_that_are_removed_meanwhile_are_not_taken_for_empty_ones(upstream: Upstream, locking: Locking) -> None:
    """Another run's `gc --caches`: no package is said to be nowhere; afterwards they are brought again."""
    upstream.publish(SUITE, OLD)
    archive = locking.archive()
    index = archive.index(locking.base(), (SUITE,))
    assert archive.cached_bytes() > 0
    archive.clear_cache()
    assert archive.cached_bytes() == 0
    with pytest.raises(Unreachable, match="were removed while they were read"):
        index.entries(["app"])
    assert locking.versions("app") == ALL_OLD
