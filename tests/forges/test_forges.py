"""Lock changes for people to look at: real git over a real remote, and a server that answers as both forges do."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from forge import REPOSITORY, TOKEN, Forge, Request, forge
from git_origin import GitOrigin

from repave.forges.branches import Branches
from repave.forges.github import GitHub
from repave.forges.gitlab import GitLab
from repave.forges.reviews import ForgeReviews
from repave.forges.session import MOST_BYTES
from repave.jobs.commands import LocalCommands
from repave.model.names import Digest
from repave.model.review import Standing
from repave.ports.errors import Conflict, Denied, Gone, Invalid, Throttled, Unreachable, WorldError
from repave.ports.reviews import Change

OLD = b"old lock\n"
BRANCH = "repave/repairs"
CHANGE = Change(
    branch=BRANCH,
    files={"repave.lock": b"new lock\n", "app/package-lock.json": b"{}\n"},
    before={"repave.lock": OLD},
    lock=Digest("sha256:" + "1" * 64),
    title="Repair CVE-2026-1234",
    text="It closes `CVE-2026-1234`.",
    at=datetime(2026, 3, 4, 12, tzinfo=UTC),
)
KINDS: dict[str, type[GitHub] | type[GitLab]] = {"github": GitHub, "gitlab": GitLab}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Forge]:
    """Whose main branch has a project with a lock, in a folder of the repository."""
    with forge(tmp_path / "shop.git") as started:
        clone(started, tmp_path / "first").commit({"shop/repave.lock": OLD, "README": b"read me\n"})
        GitOrigin(folder=tmp_path / "first").git("push", "--quiet", "origin", "HEAD:main")
        yield started


def clone(hub: Forge, folder: Path) -> GitOrigin:
    """A working copy."""
    folder.mkdir()
    made = GitOrigin(folder=folder)
    made.git("clone", "--quiet", hub.origin.url, ".")
    return made


def reviews(hub: Forge, folder: Path, kind: str = "github", shown: str = TOKEN) -> ForgeReviews:
    """Of the project in a clone."""
    branches = Branches(
        folder / "shop",
        remote="origin",
        author="repave <repave@example.org>",
        commands=LocalCommands(),
        environment={},
    )
    requests = KINDS[kind](f"{hub.address}/{kind}", repository=REPOSITORY, into="main", token=lambda: shown)
    return ForgeReviews(requests, branches=branches, into="main")


@pytest.mark.parametrize("kind", KINDS)
def test_one_merge_request_follows_what_is_proposed(hub: Forge, tmp_path: Path, kind: str) -> None:
    """It is opened once, says the same words once, and new ones in place of the old; closed, another may be opened."""
    work = clone(hub, tmp_path / "work")
    (work.folder / "README").write_text("being edited\n", encoding="utf-8")
    work.git("add", "README")
    before = (work.git("status", "--porcelain"), work.git("for-each-ref", "refs/heads"), work.git("diff", "--cached"))
    asked = reviews(hub, work.folder, kind)
    assert asked.newest(BRANCH) is None
    first = asked.propose(CHANGE)
    assert (first.number, first.standing, first.lock) == (1, Standing.OPEN, CHANGE.lock)
    head = hub.origin.git("rev-parse", BRANCH)
    assert asked.propose(CHANGE) == first
    assert hub.origin.git("rev-parse", BRANCH) == head
    other = replace(CHANGE, lock=Digest("sha256:" + "2" * 64), title="Repair more", files={"repave.lock": b"newer\n"})
    hub.requests.append(replace(hub.requests[0], number=2, forked=True, text="a stranger's"))
    second = asked.propose(other)
    assert (second.number, second.lock, hub.requests[0].title) == (1, other.lock, "Repair more")
    assert hub.requests[1].text == "a stranger's"
    assert hub.origin.git("show", f"{BRANCH}:shop/repave.lock") == "newer"
    assert hub.origin.git("log", "--format=%an <%ae>", f"main..{BRANCH}") == "repave <repave@example.org>"
    assert hub.origin.git("diff", "--name-only", "main", BRANCH) == "shop/repave.lock"
    after = (work.git("status", "--porcelain"), work.git("for-each-ref", "refs/heads"), work.git("diff", "--cached"))
    assert after == before
    for state, standing in (("closed", Standing.CLOSED), ("merged", Standing.MERGED)):
        hub.requests[0].state = state
        found = asked.newest(BRANCH)
        assert found is not None
        assert found.standing is standing
    assert asked.propose(CHANGE).number == 3
    hub.hidden = 1
    assert asked.propose(other).number == 3
    asked.close()


def test_a_change_stands_on_what_others_see_and_takes_nobodys_commits_away(hub: Forge, tmp_path: Path) -> None:
    """Each is refused with what can be done, and nothing is opened."""
    work = clone(hub, tmp_path / "work")
    asked = reviews(hub, work.folder)
    with pytest.raises(Conflict, match=r"repave\.lock of this folder is not that of main of origin") as behind:
        asked.propose(replace(CHANGE, before={"repave.lock": b"older\n"}))
    assert "`git pull`" in behind.value.hint
    work.commit({"shop/mine.txt": b"mine\n"})
    work.git("push", "--quiet", "origin", f"HEAD:{BRANCH}")
    with pytest.raises(Conflict, match="somebody has put commits on repave/repairs of origin"):
        asked.propose(CHANGE)
    work.git("push", "--quiet", "origin", f":{BRANCH}")
    asked.propose(CHANGE)
    work.git("fetch", "--quiet", "origin", BRANCH)
    work.git("checkout", "--quiet", "FETCH_HEAD")
    work.git("commit", "--quiet", "--amend", "--no-edit")
    work.git("push", "--quiet", "--force", "origin", f"HEAD:{BRANCH}")
    with pytest.raises(Conflict, match="somebody has put commits on repave/repairs of origin"):
        asked.propose(replace(CHANGE, lock=Digest("sha256:" + "2" * 64)))
    hub.requests.clear()
    lost = ForgeReviews(
        GitHub(hub.address, repository=REPOSITORY, into="trunk", token=lambda: TOKEN),
        branches=Branches(
            work.folder / "shop", remote="origin", author="a <a@b>", commands=LocalCommands(), environment={}
        ),
        into="trunk",
    )
    with pytest.raises(Conflict, match="origin has no branch trunk"):
        lost.propose(CHANGE)
    work.git("remote", "set-url", "origin", str(tmp_path / "gone.git"))
    with pytest.raises(Unreachable, match="git ls-remote with origin failed"):
        asked.propose(CHANGE)
    assert hub.requests == []


SSH = """#!/bin/sh
echo "$@" >> "$0.log"
for last; do :; done
exec sh -c "$last"
"""
"""The other machine is this one."""


def test_nothing_else_moves_whatever_git_is_configured_to_do(hub: Forge, tmp_path: Path) -> None:
    """Neither in the folder nor at the remote; the ssh that is configured is used, and asks nobody."""
    work = clone(hub, tmp_path / "work")
    clone(hub, tmp_path / "other").commit({"README": b"newer\n"})
    GitOrigin(folder=tmp_path / "other").git("push", "--quiet", "origin", "HEAD:main")
    ssh = tmp_path / "ssh"
    ssh.write_text(SSH, encoding="utf-8")
    ssh.chmod(0o755)
    work.git("config", "core.sshCommand", f"{ssh} -i key")
    work.git("remote", "set-url", "origin", f"ssh://forge.example{hub.origin.folder}")
    work.git("config", "push.followTags", "true")
    work.git("tag", "--annotate", "--message", "mine", "mine")
    kept = ("for-each-ref", "refs/heads", "refs/tags", "refs/remotes/origin/main")
    before = work.git(*kept)
    reviews(hub, work.folder).propose(CHANGE)
    assert work.git(*kept) == before
    assert hub.origin.git("for-each-ref", "--format=%(refname)") == f"refs/heads/main\nrefs/heads/{BRANCH}"
    asked = Path(f"{ssh}.log").read_text(encoding="utf-8").splitlines()
    assert [one.startswith("-i key -oBatchMode=yes ") for one in asked] == [True] * 4
    assert "git-receive-pack" in asked[-1]


REFUSALS: list[tuple[int, dict[str, str], bytes, type[WorldError], str]] = [
    (403, {}, b'{"message": "Resource not accessible"}', Denied, r"answered 403 \(Resource not accessible\)"),
    (403, {"X-RateLimit-Remaining": "0"}, b"{}", Throttled, "answered 403"),
    (429, {"Retry-After": "7"}, b"", Throttled, "answered 429"),
    (404, {}, b'{"message": "Not Found"}', Gone, "answered 404"),
    (502, {}, b"<html>", Unreachable, "answered 502"),
    (301, {"Location": "/elsewhere"}, b"", Invalid, "answered 301"),
    (200, {}, b"<html>", Invalid, "the answer is no JSON"),
    (200, {}, b" " * MOST_BYTES + b"[]", Invalid, "the answer is longer than 4194304 bytes"),
    (200, {}, b'{"message": "a proxy\'s"}', Invalid, "the answer is not as this API has them"),
    (200, {}, b'[{"number": 7}]', Invalid, "the answer is not as this API has them"),
]


def test_a_refusal_is_told_with_what_can_be_done_and_never_the_token(hub: Forge, tmp_path: Path) -> None:
    """By what the status means; each is one question."""
    work = clone(hub, tmp_path / "work").folder
    for asked in (reviews(hub, work, kind) for kind in KINDS):
        for status, headers, body, error, told in REFUSALS:
            hub.trouble = (status, headers, body)
            with pytest.raises(error, match=told) as refused:
                asked.newest(BRANCH)
            assert refused.value.hint
            assert ("`review.repository`" in refused.value.hint) is (status in {301, 404})
            assert TOKEN not in f"{refused.value.message}{refused.value.hint}"
        asked.close()
    hub.trouble = None
    for kind in KINDS:
        with pytest.raises(Denied, match="requests of repave/repairs: the server answered 401"):
            reviews(hub, tmp_path / "work", kind, shown="wrong").newest(BRANCH)
        with pytest.raises(Invalid, match="the token is empty, or has characters that no token has") as unfit:
            reviews(hub, tmp_path / "work", kind, shown="se cret\n").newest(BRANCH)
        assert "cret" not in unfit.value.message
    nowhere = GitHub("http://127.0.0.1:9", repository=REPOSITORY, into="main", token=lambda: TOKEN)
    with pytest.raises(Unreachable, match="could not look for pull requests"):
        nowhere.newest(BRANCH)


def test_a_merge_request_that_is_refused_for_another_reason_says_so(hub: Forge, tmp_path: Path) -> None:
    """GitHub has one status for all that is wrong with one."""
    asked = reviews(hub, clone(hub, tmp_path / "work").folder)
    taken = Request(number=1, source=BRANCH, target="main", title="", text="")
    hub.requests.append(taken)
    hub.hidden = 2
    with pytest.raises(Invalid, match="a merge request of repave/repairs into main is refused, and none is open"):
        asked.propose(CHANGE)
