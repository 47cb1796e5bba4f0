"""The story: acts that each happen to real fleets, played by whoever is cast."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from demo.casts import Cast
from demo.shop import FLEET, Shop
from demo.timeline import Act, Span, spans
from demo.visitors import Visitors

ENVIRONMENT = "test"
ROLLED_BACK = 4
"""The exit code of a deployment that was stopped and rolled back."""

LOOK_SECONDS = 0.1
"""How often it is asked whether the fleet is healed."""

QUIET_SECONDS = 1.0
"""What the quiet parts last at the least, to compare the others with."""


class Story:
    """What happens, in order; ``acts`` is what came of it."""

    def __init__(self, *, cast: Cast, shop: Shop, tell: Callable[[str], None]) -> None:
        self.cast = cast
        self.shop = shop
        self.tell = tell
        self.acts: list[Act] = []
        self.versions: dict[str, str] = {}
        """OpenSSL as the page shows it, by release."""

        self.cves: Sequence[str] = ()
        self.endpoint = ""

    def begin(self) -> None:
        """As found: a fleet that was made from the frozen suite, and never touched since."""
        self.tell("locking the shop from the frozen suite alone")
        self.shop.run("lock")
        self.tell("baking it")
        self.shop.run("bake")
        self.tell(f"deploying {self.cast.instances} in three zones")
        self.endpoint = self.shop.run("deploy", ENVIRONMENT)["fleets"][0]["endpoint"]
        self.note_version()

    def perform(self, load: Visitors, *, requests: int) -> None:
        """Everything that happens under load, and then until enough was asked."""
        self._act("quiet", "Quiet", self.quiet)
        self._act("patch", "A fix appears: repave patch", self.patch)
        self._act("broken release", "A broken release is deployed", self.broken_release)
        keeper = self.shop.watch(ENVIRONMENT)
        try:
            self._act("killed", "One instance's process is killed", self.killed_instance)
            if self.cast.stops_zone:
                self._act("stopped zone", "A whole zone stops", self.stopped_zone)
            self._act("quiet", "Quiet again", lambda: self.quiet_until(load, requests))
        finally:
            keeper.terminate()
            keeper.wait(timeout=60)

    def quiet(self) -> str:
        """A moment to compare with."""
        time.sleep(QUIET_SECONDS)
        everybody = self.cast.instances.capitalize()
        return f"{everybody} serve {self.versions_now()['openssl']}, and nobody has touched them."

    def patch(self) -> str:
        """The mission in one command."""
        self.shop.admit_repairs()
        answer = self.shop.run("patch")
        self.cves = tuple(answer["cves_closed"])
        before = self.versions_now_of_first()
        after = self.note_version()
        packages = len(answer["packages_changed"])
        return (
            f"Re-locked, baked and rolled out: {len(self.cves)} CVEs closed in {packages} packages; "
            f"{before} became {after}. No living instance holds them any more."
        )

    def broken_release(self) -> str:
        """It starts, and is never well; it must not stay."""
        self.shop.break_application()
        self.shop.run("lock")
        self.shop.run("bake")
        answer = self.shop.run("deploy", ENVIRONMENT, expect=ROLLED_BACK)
        self.shop.mend_application()
        return f"Stopped and rolled back by itself: {answer['fleets'][0]['reason']}."

    def killed_instance(self) -> str:
        """SIGKILL from outside."""
        victim = self.shop.serving()[0]
        killed = self.cast.kill(victim)
        healed = self.wait_until(lambda serving: victim["slot"] not in {instance["slot"] for instance in serving})
        replacement = max(healed, key=lambda instance: int(instance["slot"].rsplit("-", 1)[1]))
        plural = "" if killed == 1 else "es"
        return f"{killed} process{plural} of {victim['slot']} killed; {replacement['slot']} took its place."

    def stopped_zone(self) -> str:
        """All of zone b at once, and no launches there until it is back."""
        switch = self.shop.folder / ".repave" / "local" / "zones" / "b.stopped"
        switch.parent.mkdir(parents=True, exist_ok=True)
        switch.touch()
        victims = [instance for instance in self.shop.serving() if instance["zone"] == "b"]
        for victim in victims:
            self.cast.kill(victim)
        self.wait_until(lambda serving: all(instance["zone"] != "b" for instance in serving))
        switch.unlink()
        return f"{len(victims)} instances of zone b died at once; their replacements serve in the other zones."

    def quiet_until(self, load: Visitors, requests: int) -> str:
        """Until enough was asked for the numbers to mean something."""
        least = time.monotonic() + QUIET_SECONDS
        load.wait_for(requests)
        time.sleep(max(0.0, least - time.monotonic()))
        return "All serve."

    def wait_until(self, holds: Callable[[list[Mapping[str, Any]]], bool]) -> list[Mapping[str, Any]]:
        """Until all serve and ``holds``; answers them."""
        deadline = time.monotonic() + self.cast.heal_seconds
        while time.monotonic() < deadline:
            serving = self.shop.serving()
            if len(serving) == self.cast.size and holds(serving):
                return serving
            time.sleep(LOOK_SECONDS)
        explained = self.shop.run("explain", ENVIRONMENT)
        raise RuntimeError(f"not healed within {self.cast.heal_seconds:g} s: {explained}")

    def versions_now(self) -> Mapping[str, str]:
        """What the page says of itself."""
        answer: Mapping[str, str] = httpx.get(f"{self.endpoint}/version", timeout=10).json()
        return answer

    def versions_now_of_first(self) -> str:
        """OpenSSL of the release the story began with."""
        return next(iter(self.versions.values()))

    def served(self) -> list[Span]:
        """When which instance served, by what repave has written down."""
        with self.shop.open_store() as store:
            return spans(store.events(FLEET, limit=100_000), store.lifetimes(FLEET), end=self.acts[-1].ends)

    def note_version(self) -> str:
        """Remember which OpenSSL this release has."""
        said = self.versions_now()
        self.versions[said["release"]] = said["openssl"]
        return said["openssl"]

    def _act(self, name: str, title: str, perform: Callable[[], str]) -> None:
        self.tell(title)
        begins = time.time()
        told = perform()
        self.acts.append(Act(name=name, title=title, begins=begins, ends=time.time(), told=told))
        self.tell(f"  {told}")
