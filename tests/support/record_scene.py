"""A shop with a story worth checking, and the keys that sign its record."""

from dataclasses import dataclass, field
from pathlib import Path

from cosign_program import Pair, ed25519_pair
from simulated_shop import QUIET, Shop

from repave.attestations.signatures.keys import Judge
from repave.config.policies import revision_for
from repave.model.names import SlotId
from repave.operations.pause import pause
from repave.operations.recording.exporting import ExportedRecord, Exporting
from repave.operations.recording.keeping import Keeping, RecordKeys
from repave.operations.recording.verifying import Verdict, verify_bundle
from repave.operations.wishes import Wishing, instance_named
from repave.ports.signatures import TrustedKey
from repave.simulation.world import Behaviour


@dataclass(kw_only=True)
class RecordScene:
    """Signs with ``key``; another may take its place."""

    shop: Shop
    key: Pair = field(default_factory=lambda: ed25519_pair("first.pub"))
    trusted: tuple[TrustedKey, ...] = ()

    @property
    def keys(self) -> RecordKeys:
        """As the file would declare them."""
        return RecordKeys(signer=lambda: self.key.signer, trusted=self.trusted, judges=Judge)

    @property
    def keeping(self) -> Keeping:
        """Of the shop's record."""
        shop = self.shop
        return Keeping(project=shop.project.name, history=shop.store, clock=shop.clock, keys=self.keys)

    @property
    def exporting(self) -> Exporting:
        """Of the shop's record."""
        shop = self.shop
        return Exporting(
            project=shop.project.name,
            history=shop.store,
            clock=shop.clock,
            keys=self.keys,
            signed_of=lambda artifact: {"sig": f"signature of {artifact}"},
        )

    def export(self, path: Path) -> ExportedRecord:
        """All of it."""
        return self.exporting.export(path, since=None, until=None, progress=QUIET)

    def check(self, path: Path) -> Verdict:
        """By the public half of the key that signs now."""
        return verify_bundle(path, (self.key.trusted,), Judge, QUIET)


def told(shop: Shop) -> RecordScene:
    """A deploy, a broken release and the way back, a pause, a wish, a revocation; heads between."""
    scene = RecordScene(shop=shop)
    shop.change_application("print('hello')\n")
    shop.bake()
    shop.deploy("test")
    scene.keeping.sign_head()
    shop.change_application("print('broken')\n")
    broken = shop.bake().release
    revision = revision_for(shop.project, shop.environment("test").name, shop.keys("test")[0].fleet, broken)
    shop.world.behaviours[revision.id] = Behaviour(never_healthy=True)
    shop.deploy("test")
    scene.keeping.sign_head()
    for paused in (True, False):
        pause(shop.keys("test"), shop.store, shop.clock, paused=paused, reason="the sale")
    slot = shop.store.lifetimes(shop.keys("test")[0], living=True)[0].slot
    named = instance_named(shop.keys("test"), shop.store, SlotId(slot))
    Wishing(shop.store, shop.clock).replace(named, reason="it is slow")
    shop.revoking.revoke("r2", "it is broken")
    return scene
