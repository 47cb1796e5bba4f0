"""A shop that is kept fresh by hand: the deeds of a pass, and what is seen after it."""

from contextlib import AbstractContextManager, nullcontext

from simulated_shop import FILE, QUIET, Shop

from repave.model.lock import Lock
from repave.model.names import EnvironmentName
from repave.model.pipeline import Enter
from repave.model.release import Release
from repave.operations.converge import unwatched
from repave.operations.deploy import DeployResult
from repave.operations.watching.deciding import Hands
from repave.operations.watching.passed import Passed
from repave.operations.watching.passing import Watching
from repave.operations.watching.reviewing import Reviewing
from repave.ports.progress import Progress

CVE = "CVE-2026-1234"
SMALL = (
    FILE.replace("{size: 3}", "{size: 1}")
    .replace("{size: 4}", "{size: 1}")
    .replace("port: 8080", "port: 8080\n    drain: 1s")
)
"""Ticks of a controller that waits are what these tests spend their time on."""


class Killed(BaseException):
    """The process is gone."""


class ByHand:
    """The deeds of a pass in a shop, one of which may be the last."""

    def __init__(self, shop: Shop, killed_before: str = "") -> None:
        self._shop = shop
        self._promoting = shop.promoting
        self._killed_before = killed_before

    def _perform(self, deed: str) -> None:
        if deed == self._killed_before:
            raise Killed

    def progress(self) -> AbstractContextManager[Progress]:
        """Nobody looks."""
        return nullcontext(QUIET)

    def bake(self, lock: Lock, progress: Progress) -> Release:
        """The shop bakes what is in its folder."""
        del lock, progress
        self._perform("bake")
        return self._shop.bake().release

    def look(self) -> None:
        """As the verb does it."""
        for name in self._shop.promoting.watched():
            if all(self._shop.store.target(key) for key in self._shop.keys(name)):
                self._shop.converge(self._shop.keys(name), watcher=unwatched)

    def carry(self, enter: Enter) -> DeployResult:
        """As the verb does it."""
        self._perform(f"carry {enter.environment}")
        self._shop.promoting.entered(enter)
        environment, release = self._shop.environment(enter.environment), self._shop.store.release(enter.release)
        self._shop.publish(release, enter.environment)
        self._shop.deploying.begin(environment, release, "watch")
        self._perform(f"finish {enter.environment}")
        result = self._shop.deploying.finish(environment, release, unwatched)
        self._shop.promoting.learn()
        return result

    def finish(self, environment: EnvironmentName) -> DeployResult:
        """As the verb does it."""
        where = self._shop.environment(environment)
        release = self._shop.deploying.wanted(where)
        assert release is not None
        return self._shop.deploying.finish(where, release, unwatched)


def once(shop: Shop, killed_before: str = "", reviewing: Reviewing | None = None) -> Passed:
    """One pass; people look at lock changes where that is said."""
    hands = Hands(
        locking=shop.locking,
        patching=shop.patching,
        promoting=shop.promoting,
        store=shop.store,
        clock=shop.clock,
        reviewing=reviewing,
    )
    watching = Watching(project=shop.project, hands=hands, advisories=(shop.advisories,))
    return watching.once(ByHand(shop, killed_before))


def runs(shop: Shop, environment: str) -> set[int]:
    """The releases of its living instances."""
    keys = shop.keys(environment)
    return {one.release for key in keys for one in shop.store.lifetimes(key, living=True)}


def locked(shop: Shop) -> dict[str, str]:
    """Versions by package."""
    lock = shop.locked.present()
    assert lock is not None
    return {package.name: package.version for package in lock.packages}


def appears(shop: Shop) -> None:
    """An advisory, and its repair."""
    shop.pinner.archive["openssl"] = "3.0.22"
    shop.advisories.repairs["openssl"] = ("3.0.22", (CVE,))
