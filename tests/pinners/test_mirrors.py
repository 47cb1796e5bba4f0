"""Mirrors are asked in order; a dead one costs a short wait, once, and is told."""

from pathlib import Path

import pytest
from debian_upstream import SECURITY, SUITE, Locking, Upstream
from guarded_folder import Watched, guarded, nobody_listens, takes_no_connection

from repave.advisories.debian_security import DebianSecurityAdvisories
from repave.advisories.kept_changelogs import KeptChangelogs
from repave.model.origins import Origin, Origins
from repave.pinners.mirrors import Mirrors
from repave.ports.errors import Unreachable
from repave.ports.progress import Silent

CANONICAL = "http://archive.example/all"
LAST = "http://last.example"


def reached(mirrors: Mirrors, *places: str) -> str:
    """Which of the places answers, when all that are asked do."""
    return mirrors.first_reached(places, lambda place: place, addresses=lambda place: (place,))


def test_a_mirror_that_takes_no_connection_is_not_asked_again(tmp_path: Path) -> None:
    """Neither by one that is silent nor by one that refuses is anybody held up a second time."""
    mirrors = Mirrors(connect_seconds=0.2)
    refusing = nobody_listens()
    with takes_no_connection() as silent:
        assert reached(mirrors, silent, refusing, LAST) == LAST
        assert mirrors.remarks == (
            f"a mirror was passed over: {silent} was not reached: timed out",
            f"a mirror was passed over: {refusing} was not reached: Connection refused",
        )
    with guarded(tmp_path, password=None) as awake:
        assert reached(mirrors, awake.address, LAST) == awake.address
        assert reached(mirrors, refusing, awake.address, LAST) == awake.address
    assert len(mirrors.remarks) == 2


def test_a_mirror_that_fails_when_it_is_asked_is_not_asked_again(tmp_path: Path) -> None:
    """It takes connections, and answers with trouble."""
    mirrors, asked = Mirrors(), list[str]()

    def ask(place: str) -> str:
        asked.append(place)
        if place != LAST:
            raise Unreachable("the server answered 503")
        return place

    with guarded(tmp_path, password=None) as troubled:
        for _ in range(2):
            places = (troubled.address, LAST)
            assert mirrors.first_reached(places, ask, addresses=lambda place: (place,)) == LAST
        assert asked == [troubled.address, LAST, LAST]


def test_the_last_is_asked_whatever_is_known_of_it() -> None:
    """It was passed over while another was at hand."""
    mirrors, dead = Mirrors(), nobody_listens()
    assert reached(mirrors, dead, LAST) == LAST
    assert reached(mirrors, dead) == dead


def test_behind_a_proxy_only_the_proxy_can_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection of ours would be let out, except to what the proxy is not for."""
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    dead = nobody_listens()
    assert reached(Mirrors(), dead, LAST) == dead
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert reached(Mirrors(), dead, LAST) == LAST


def test_a_folder_is_asked_as_it_is(tmp_path: Path) -> None:
    """There is no connection to be made."""
    assert reached(Mirrors(), tmp_path.as_uri(), LAST) == tmp_path.as_uri()


def test_a_lock_and_a_scan_tell_which_mirror_was_passed_over(upstream: Upstream, locking: Locking) -> None:
    """Apt is never sent to it."""
    upstream.publish(SUITE, {"base-files 12": "Essential: yes", "app 1.0": ""})
    upstream.publish(SECURITY, {"app 1.1": ""})
    locking.mirror, dead = CANONICAL, nobody_listens()
    locking.commands = commands = Watched()
    with guarded(upstream.root, password=None) as server:
        locking.origins = Origins(declared=(Origin(address=CANONICAL, mirrors=(dead, server.address)),))
        assert locking.versions("app") == {"app": "1.0"}
        changelogs = KeptChangelogs(locking.folder / "changelogs")
        advisories = DebianSecurityAdvisories(archive=locking.archive(), vault=locking.vault, changelogs=changelogs)
        (finding,), (status,) = advisories.examine(locking.lock, progress=Silent())
    assert locking.remarks == (f"a mirror was passed over: {dead} was not reached: Connection refused",)
    assert (finding.fixed_version, status.remarks) == ("1.1", locking.remarks)
    assert commands.arguments.count("update") == 2


def test_an_archive_that_cannot_be_reached_is_asked_once(locking: Locking) -> None:
    """Its indexes were just asked for: asking for newer ones costs the same wait again, for nothing."""
    locking.mirror = nobody_listens()
    locking.commands = commands = Watched()
    with pytest.raises(Unreachable):
        locking.run("app")
    assert commands.arguments.count("update") == 1
