"""A shop whose lock changes people look at: a real remote, and a forge that answers."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from forge import REPOSITORY, TOKEN, Forge, forge
from git_origin import GitOrigin
from kept_fresh import CVE, SMALL, appears, locked, once, runs
from simulated_shop import Shop

from repave.forges.branches import Branches
from repave.forges.github import GitHub
from repave.forges.reviews import ForgeReviews
from repave.jobs.commands import LocalCommands
from repave.model.watch import Kind, Rule
from repave.operations.watching.passed import Passed
from repave.operations.watching.reviewing import Reviewing

WEEK = timedelta(days=7).total_seconds()


class Reviewed:
    """The shop, its repository, and who is asked."""

    def __init__(self, shop: Shop, hub: Forge) -> None:
        self.shop = shop
        self.hub = hub
        self.work = GitOrigin(folder=shop.folder)
        self.work.git("init", "--quiet", "--initial-branch=main")
        self.work.git("remote", "add", "origin", hub.origin.url)
        self.work.git("add", "repave.lock", "app")
        self.work.git("commit", "--quiet", "--message", "the shop")
        self.work.git("push", "--quiet", "origin", "main")
        branches = Branches(
            shop.folder, remote="origin", author="repave <r@example.org>", commands=LocalCommands(), environment={}
        )
        requests = GitHub(f"{hub.address}/github", repository=REPOSITORY, into="main", token=lambda: TOKEN)
        self._reviewing = Reviewing(
            project=shop.project,
            folder=shop.folder,
            reviews=ForgeReviews(requests, branches=branches, into="main"),
            store=shop.store,
            clock=shop.clock,
        )

    def once(self) -> Passed:
        """One pass."""
        return once(self.shop, reviewing=self._reviewing)

    def rules(self) -> list[Rule]:
        """What waits after a pass."""
        return [wait.rule for wait in self.once().plan.waits]

    def titles(self) -> list[tuple[str, str]]:
        """Of all merge requests, with their states."""
        return [(one.title, one.state) for one in self.hub.requests]


@pytest.fixture
def reviewed(tmp_path: Path) -> Iterator[Reviewed]:
    """It runs r1 in prod, and has had this week's updates."""
    shop = Shop(tmp_path / "shop", SMALL)
    with forge(tmp_path / "shop.git") as hub:
        shop.lock()
        shop.bake()
        shop.deploy("prod")
        made = Reviewed(shop, hub)
        made.once()
        yield made
    shop.close()


def test_a_repair_is_proposed_once_and_goes_down_the_pipeline_once_it_is_merged(reviewed: Reviewed) -> None:
    """The folder's lock stays as it is; what the merge request says is what a person needs to judge it."""
    shop, hub = reviewed.shop, reviewed.hub
    appears(shop)
    passed = reviewed.once()
    (moved,) = passed.moved
    assert (moved.taken, moved.review and moved.review.number, passed.release) == (False, 1, None)
    assert [wait.rule for wait in passed.plan.waits] == [Rule.REVIEW]
    assert locked(shop)["openssl"] == "3.0.20"
    assert reviewed.work.git("status", "--porcelain", "--untracked-files=no") == ""
    (request,) = hub.requests
    assert request.title == f"Repair {CVE}"
    assert "| `openssl` | 3.0.20 | 3.0.22 | web |" in request.text
    assert f"- closes: {CVE}\n- opens: none that is known\n" in request.text
    assert re.search(r"\| prod \| web \| 1 \| (at most|about) 1 \|\n", request.text)
    assert reviewed.rules() == [Rule.REVIEW]
    shop.pinner.archive["zlib"] = "1.2.1"
    shop.advisories.repairs["zlib"] = ("1.2.1", ("CVE-2026-2",))
    reviewed.once()
    assert reviewed.titles() == [(f"Repair {CVE}, CVE-2026-2", "open")]
    hub.merge(request)
    behind = reviewed.once()
    assert behind.trouble is not None
    assert "repave.lock of this folder is not that of main of origin" in behind.trouble.message
    reviewed.work.git("pull", "--quiet", "origin", "main")
    passed = reviewed.once()
    assert ([result.as_asked for result in passed.results], passed.plan.carry) == ([True], ())
    assert runs(shop, "prod") == {2}
    reviewed.work.git("revert", "--no-edit", "HEAD")
    reviewed.work.git("push", "--quiet", "origin", "main")
    assert reviewed.once().trouble is None
    assert [state for _, state in reviewed.titles()] == ["merged", "open"]


def test_updates_wait_for_people_and_for_repairs_and_what_is_closed_does_not_come_again(reviewed: Reviewed) -> None:
    """One merge request a week; a forge that does not answer holds lock changes alone."""
    shop, hub = reviewed.shop, reviewed.hub
    shop.pinner.archive["zlib"] = "1.3"
    shop.clock.sleep(WEEK)
    hub.trouble = (502, {}, b"")
    away = reviewed.once()
    assert (away.moved, away.trouble is not None) == ((), True)
    hub.trouble = None
    assert reviewed.rules() == [Rule.REVIEW]
    shop.pinner.archive["zlib"] = "1.4"
    assert reviewed.rules() == [Rule.REVIEW]
    assert reviewed.titles() == [("Update 1 package", "open")]
    hub.requests[0].state = "closed"
    assert reviewed.rules() == [Rule.WEEK]
    shop.clock.sleep(WEEK)
    appears(shop)
    passed = reviewed.once()
    assert [moved.kind for moved in passed.moved] == [Kind.REPAIRS]
    hub.requests[1].state = "closed"
    assert Rule.CLOSED in reviewed.rules()
    assert [state for _, state in reviewed.titles()] == ["closed", "closed", "open"]
