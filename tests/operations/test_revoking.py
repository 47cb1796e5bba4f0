"""What is revoked is started nowhere, is retired where it runs, and is closed by observation."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cosign_program import PASSPHRASE, pair
from simulated_shop import FILE, Shop

from repave.model.revocation import Revocation
from repave.operations.errors import Refused
from repave.operations.explaining import explain_fleet
from repave.operations.revoking.standings import Standing, State, standings
from repave.operations.rollback import release_to_return_to
from repave.operations.status import fleet_statuses

SIGNING = 'signing: {key: "file:release.key", passphrase: "env:PASSPHRASE", verify: [ours.pub, theirs.pub]}\n'
OURS, THEIRS = pair("ours.pub"), pair("theirs.pub")


def released(shop: Shop, *texts: str) -> None:
    """One release per text of the application."""
    for text in texts:
        shop.change_application(text)
        shop.bake()


def standing(shop: Shop) -> Standing:
    """Of the last revocation."""
    return standings(shop.store)[-1]


def retire(shop: Shop, name: str = "test") -> None:
    """As the verb does it."""
    shop.converge(shop.keys(name), watcher=lambda _plan, _seen: None)


def test_what_is_revoked_gives_way_to_the_last_good_release(shop: Shop) -> None:
    """The wanted release goes back, its instances are replaced, and the revocation closes when none is left."""
    released(shop, "one\n", "two\n")
    shop.deploy("test", 1)
    shop.deploy("test", 2)
    revocation = shop.revoking.revoke("r2", "it loses orders")
    assert standing(shop).state is State.OPEN
    assert len(standing(shop).running) == 3
    retire(shop)
    assert fleet_statuses(shop.store)[0].releases == {"r1": 3}
    told = standing(shop)
    assert (told.state, told.running) == (State.CLOSED, ())
    assert told.closed_at is not None
    assert told.closed_at > revocation.at
    messages = [event.message for event in shop.store.events(shop.keys("test")[0])]
    assert "revoked: it loses orders (release r2)" in messages


def test_without_a_good_release_what_runs_goes_on_serving(shop: Shop) -> None:
    """Capacity is not broken for it, and why nothing happens is said; a good release ends it."""
    released(shop, "one\n")
    shop.deploy("test")
    shop.revoking.revoke("r1", "it loses orders")
    retire(shop)
    (status,) = fleet_statuses(shop.store)
    assert (status.releases, status.phase) == ({"r1": 3}, "stopped")
    assert status.revoked == "it loses orders (release r1)"
    (wait,) = explain_fleet(shop.store, shop.keys("test")[0]).waits
    assert "no good release is known here" in wait.sentence
    assert "repave patch" in wait.remedy
    assert standing(shop).state is State.OPEN
    released(shop, "two\n")
    assert shop.deploy("test").as_asked
    assert standing(shop).state is State.CLOSED


def test_a_revoked_release_is_neither_deployed_nor_returned_to(shop: Shop) -> None:
    """With the reason, and with what makes a good one."""
    released(shop, "one\n", "two\n")
    shop.deploy("test", 1)
    shop.deploy("test", 2)
    shop.revoking.revoke("r1", "it loses orders")
    with pytest.raises(Refused, match=r"r1 is revoked \(web\): it loses orders \(release r1\)"):
        shop.deploy("test", 1)
    with pytest.raises(Refused, match="no release but r2 was ever healthy"):
        release_to_return_to(shop.project, shop.environment("test"), shop.store, None)


def test_a_package_is_revoked_with_all_that_holds_it_now_and_later(shop: Shop) -> None:
    """By its lock; a release that is baked from the same versions afterwards is refused as well."""
    released(shop, "one\n")
    shop.deploy("test")
    shop.pinner.archive["openssl"] = "3.0.21"
    shop.revoking.revoke("openssl==3.0.20", "CVE-2026-1")
    assert standing(shop).subject == "openssl=3.0.20"
    assert len(standing(shop).running) == 3
    released(shop, "two\n")
    with pytest.raises(Refused, match=r"r2 is revoked \(web\): CVE-2026-1 \(package openssl=3.0.20\)"):
        shop.deploy("test", 2)
    assert len(standing(shop).artifacts) == 2


def test_what_is_undone_may_run_again(shop: Shop) -> None:
    """With a reason of its own; the list keeps both."""
    released(shop, "one\n")
    shop.revoking.revoke("r1", "it loses orders")
    shop.revoking.undo("r1", "it was the network")
    told = standing(shop)
    assert (told.state, told.reason, told.undone_reason) == (State.UNDONE, "it loses orders", "it was the network")
    assert shop.deploy("test").as_asked
    with pytest.raises(Refused, match="r1 is not revoked"):
        shop.revoking.undo("r1", "again")


def test_the_same_revoked_twice_is_one(shop: Shop) -> None:
    """It is asked again after an interruption."""
    released(shop, "one\n")
    first, second = shop.revoking.revoke("r1", "it loses orders"), shop.revoking.revoke("r1", "as I said")
    assert (second.number, second.reason) == (first.number, "it loses orders")


@pytest.mark.parametrize(
    ("named", "reason", "words"),
    [
        ("r1", " ", "needs its reason"),
        ("r9", "bad", "there is no release r9"),
        ("0123456789abcdef", "bad", "nothing that was baked is named 0123456789abcdef"),
        ("keys/none.pub", "bad", r"`keys/none.pub` names nothing that can be revoked: expected a digest, a release"),
    ],
)
def test_what_cannot_be_revoked_is_refused(shop: Shop, named: str, reason: str, words: str) -> None:
    """With what can be named."""
    released(shop, "one\n")
    with pytest.raises(Refused, match=words):
        shop.revoking.revoke(named, reason)
    assert shop.store.revocations() == ()


def test_what_no_release_holds_is_revoked_beforehand(shop: Shop) -> None:
    """Before anyone locks it: nothing is covered yet, and it is closed until something is."""
    released(shop, "one\n")
    assert shop.revoking.revoke("xz-utils=5.6.1", "CVE-2024-3094").artifacts == ()
    assert standing(shop).state is State.CLOSED
    assert shop.deploy("test").as_asked


def test_a_fleet_that_was_not_seen_since_keeps_a_revocation_open(shop: Shop) -> None:
    """Closed is said by an observation made after it."""
    released(shop, "one\n", "two\n")
    shop.deploy("test", 1)
    shop.deploy("test", 2)
    shop.clock.sleep(60)
    shop.revoking.revoke("r1", "it loses orders")
    assert (standing(shop).state, standing(shop).waits) == (State.OPEN, ("test/web was not looked at since",))
    shop.deploy("test", 2)
    assert standing(shop).state is State.CLOSED


@pytest.fixture
def signing_shop(tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    """Bakes by our key, trusts theirs too; further keys sign what is there."""
    made = Shop(tmp_path / "shop", FILE + SIGNING)
    made.variables["PASSPHRASE"] = PASSPHRASE
    for each in (OURS, THEIRS):
        (made.folder / each.name).write_text(each.trusted.pem, encoding="ascii")

    def signed(*keys: object) -> Shop:
        for key in keys:
            (made.folder / "release.key").write_text(key.pem(passphrase=PASSPHRASE), encoding="ascii")  # type: ignore[attr-defined] # a Pair
            made.bake()
        return made

    made.lock()
    yield signed
    made.close()


def revoke_ours(shop: Shop) -> Revocation:
    """Our key was stolen."""
    return shop.revoking.revoke("ours.pub", "it was stolen")


def test_a_key_is_revoked_with_what_it_alone_signed(signing_shop: Callable[..., Shop]) -> None:
    """Nothing of it is deployed, although the file still trusts the key."""
    shop = signing_shop(OURS)
    assert len(revoke_ours(shop).artifacts) == 1
    with pytest.raises(Refused, match=r"it was stolen \(key ours.pub\)"):
        shop.deploy("test")


def test_what_another_trusted_key_signed_too_is_not_revoked_with_a_key(signing_shop: Callable[..., Shop]) -> None:
    """Somebody who is trusted still stands for it."""
    shop = signing_shop(OURS, THEIRS)
    assert revoke_ours(shop).artifacts == ()
    assert shop.deploy("test").as_asked
