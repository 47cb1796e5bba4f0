"""Releases through the pipeline of a shop: real store, signatures and controller over a simulated world."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from personal_keys import person, private_key
from simulated_shop import FILE, QUIET, Shop

from repave.config.policies import revision_for
from repave.model.evidence import Approval, Checked, Entry, Failed, Record, RolledBack
from repave.model.names import Digest, ReleaseNumber, RevisionId
from repave.model.pipeline import Held, Rule
from repave.operations.converge import unwatched
from repave.operations.errors import Refused
from repave.operations.promoting.keeping import keep
from repave.operations.promoting.standings import standing_of
from repave.operations.promoting.words import words_of_approval
from repave.operations.rollback import release_to_return_to, was_healthy
from repave.simulation.world import Behaviour

STORIES = Path(__file__).parent / "stories"
HOUR = 3600.0
NAMES = ("ana", "bob", "eve")


def text(keys: Path, *, test: str = "soak: 1h", prod: str = "approvals: 1") -> str:
    """The shop's file, with gates, and three people."""
    people = "".join(f"  {name}: {{keys: [{person(keys, name).keys[0]}]}}\n" for name in NAMES)
    small = FILE.replace("{size: 3}", "{size: 1}").replace("{size: 4}", "{size: 1}")
    return (
        small.replace("config: {GREETING: hello}", f"gates: {{{test}}}").replace(
            'config: {TOKEN: {secret: "env:TOKEN"}}', f"gates: {{{prod}}}"
        )
        + f"people:\n{people}"
    )


Opened = Callable[..., Shop]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Shops with gates."""
    made: list[Shop] = []

    def shop(**gates: str) -> Shop:
        made.append(Shop(tmp_path / "shop", text(tmp_path, **gates)))
        return made[-1]

    yield shop
    for one in made:
        one.close()


def released(shop: Shop, word: str) -> ReleaseNumber:
    """One more release."""
    shop.change_application(f"print({word!r})\n")
    return shop.bake().release.number


def approve(shop: Shop, number: int, *names: str) -> None:
    """For prod."""
    release = shop.store.release(ReleaseNumber(number))
    for name in names:
        shop.speaking.approve(release, shop.environment("prod"), "tried by hand", private_key(shop.folder.parent, name))


def waits(shop: Shop, environment: str = "prod") -> list[tuple[int, Rule]]:
    """What holds each release before an environment, once all was let in that may."""
    return [(one.release, one.rule) for one in shop.promote().plan.held if one.environment == environment]


def runs(shop: Shop, environment: str) -> int | None:
    """What is wanted of it."""
    target = shop.store.target(shop.keys(environment)[0])
    return target.release if target else None


def kept(shop: Shop, kind: type[Record]) -> list[Record]:
    """Of the evidence."""
    return [one for one in shop.store.evidence() if isinstance(one, kind)]


def revision(shop: Shop, environment: str, number: int) -> RevisionId:
    """What of the web fleet would run there."""
    release = shop.store.release(ReleaseNumber(number))
    return revision_for(shop.project, shop.environment(environment).name, shop.keys(environment)[0].fleet, release).id


def test_a_release_goes_as_far_as_the_gates_hold_and_on_when_they_open(opened: Opened) -> None:
    """Test at once, prod after an hour's health and two words: nobody knows who wrote it."""
    shop = opened()
    released(shop, "one")
    assert waits(shop) == [(1, Rule.SOAK)]
    assert (runs(shop, "test"), runs(shop, "prod")) == (1, None)
    shop.clock.sleep(HOUR)
    assert waits(shop) == [(1, Rule.APPROVALS)]
    approve(shop, 1, "ana")
    assert waits(shop) == [(1, Rule.APPROVALS)]
    approve(shop, 1, "bob")
    assert waits(shop) == []
    assert runs(shop, "prod") == 1
    assert [(one.environment, one.release) for one in kept(shop, Entry) if isinstance(one, Entry)] == [
        ("test", 1),
        ("prod", 1),
    ]


def test_an_approval_that_its_person_did_not_sign_counts_for_nothing(opened: Opened) -> None:
    """Who writes into the database has no more eyes than before."""
    shop = opened(test="soak: 1s")
    released(shop, "one")
    shop.promote()
    shop.clock.sleep(HOUR)
    approve(shop, 1, "ana")
    (said,) = (one for one in kept(shop, Approval) if isinstance(one, Approval))
    for forged in (
        replace(said, person=shop.project.people[1].name),
        replace(said, person=shop.project.people[1].name, signature=""),
        replace(said, reason="all is well"),
    ):
        shop.store.keep_evidence(forged)
    release = shop.store.release(ReleaseNumber(1))
    words = {words_of_approval(shop.project.name, said, replace(release, source=one)) for one in ("here", "there")}
    assert len(words) == 2
    assert waits(shop) == [(1, Rule.APPROVALS)]
    approve(shop, 1, "eve")
    assert waits(shop) == []


def test_a_failure_before_it_breaks_the_soak(opened: Opened) -> None:
    """An instance that dies within the hour begins it anew."""
    shop = opened(prod='window: "Mon-Sun 00:00-23:59 UTC"')
    released(shop, "one")
    shop.promote()
    shop.clock.sleep(HOUR / 2)
    died = shop.world.living(shop.keys("test")[0])[0]
    shop.world.kill(died.id)
    assert waits(shop) == [(1, Rule.SOAK)]
    shop.clock.sleep(HOUR / 2)
    assert waits(shop) == [(1, Rule.SOAK)]
    shop.clock.sleep(HOUR / 2)
    assert waits(shop) == []


@pytest.mark.parametrize(("later", "breaks"), [(0.9, False), (60.0, True)])
def test_what_a_balancer_rounds_breaks_no_good_health(opened: Opened, later: float, *, breaks: bool) -> None:
    """It says since when by whole seconds; one that came back to it says so by more than that."""
    shop = opened()
    released(shop, "one")
    shop.promote()
    key = shop.keys("test")[0]
    began = standing_of(shop.project, key.environment, shop.store, shop.clock.now()).well_since
    (served_from,) = {one.served_from for one in shop.store.lifetimes(key, living=True)}
    seen = shop.store.last_seen(key)
    assert began is not None
    assert served_from is not None
    assert seen is not None
    since = served_from + timedelta(seconds=later)
    backends = tuple(replace(backend, since=since) for backend in seen.traffic.backends)
    now = seen.at + timedelta(seconds=100)
    machines, traffic = replace(seen.machines, at=now), replace(seen.traffic, at=now, backends=backends)
    shop.store.see(replace(seen, machines=machines, traffic=traffic))
    found = standing_of(shop.project, key.environment, shop.store, now).well_since
    assert found == (since if breaks else began)


def test_a_release_that_fails_is_remembered_and_needs_new_words(opened: Opened) -> None:
    """It comes again when a person names it, and only after people agree anew."""
    shop = opened(test="soak: 1s")
    released(shop, "one")
    approve(shop, 1, "ana", "bob")
    shop.promote()
    shop.clock.sleep(10)
    shop.promote()
    released(shop, "two")
    approve(shop, 2, "ana", "bob")
    shop.promote()
    shop.clock.sleep(10)
    shop.world.behaviours[revision(shop, "prod", 2)] = Behaviour(never_healthy=True)
    walked = shop.promote()
    assert not walked.results[-1].as_asked
    assert [one.environment for one in kept(shop, Failed) if isinstance(one, Failed)] == ["prod"]
    assert (runs(shop, "prod"), waits(shop)) == (1, [(2, Rule.FAILED)])
    release, prod = shop.store.release(ReleaseNumber(2)), shop.environment("prod")
    shop.clock.sleep(60)
    asked = shop.promoting.word(prod, release)
    with pytest.raises(Refused, match="0 of 2 people have agreed") as told:
        shop.promoting.admit(prod, release, QUIET, asked)
    assert told.value.hint == "`repave approve r2 prod --reason ...`"


def test_a_rollback_by_a_person_holds_until_somebody_names_the_release(opened: Opened) -> None:
    """Promotion does not undo it by the next minute; going back asks no gate."""
    shop = opened(test="soak: 1s", prod='window: "Mon-Sun 00:00-23:59 UTC"')
    for word in ("one", "two"):
        released(shop, word)
        shop.promote()
        shop.clock.sleep(10)
        shop.promote()
    prod = shop.environment("prod")
    back = release_to_return_to(shop.project, prod, shop.store, None)
    assert shop.promoting.held(prod, back, QUIET) is None
    shop.promoting.went_back(prod.name, back.number)
    shop.deploy("prod", back.number)
    assert (runs(shop, "prod"), waits(shop)) == (1, [(2, Rule.ROLLED_BACK)])
    shop.clock.sleep(1)
    two = shop.store.release(ReleaseNumber(2))
    assert shop.promoting.held(prod, two, QUIET) is None
    released(shop, "three")
    shop.promote()
    shop.clock.sleep(10)
    assert waits(shop) == []
    assert runs(shop, "prod") == 3


def test_only_what_was_healthy_there_goes_back_without_asking(opened: Opened) -> None:
    """Whatever `--to` names: a release that prod never carried waits for its gates."""
    shop = opened(test="soak: 1s", prod='window: "Mon-Sun 00:00-23:59 UTC"')
    prod = shop.environment("prod")
    for word in ("one", "two"):
        released(shop, word)
        shop.promote()
        shop.clock.sleep(10)
    shop.promote()
    released(shop, "three")
    one, three = (release_to_return_to(shop.project, prod, shop.store, f"r{number}") for number in (1, 3))
    assert was_healthy(shop.project, prod, shop.store, one)
    assert not was_healthy(shop.project, prod, shop.store, three)
    with pytest.raises(Refused, match="test has not carried r3"):
        shop.promoting.admit(prod, three, QUIET)


def test_what_was_decided_before_somebody_went_back_is_not_carried_out(opened: Opened) -> None:
    """Publishing takes its time: a rollback, another entry, a failure or a failed check meanwhile is the later word."""
    shop = opened(test="soak: 1s", prod='window: "Mon-Sun 00:00-23:59 UTC"')
    released(shop, "one")
    shop.promote()
    released(shop, "two")
    promoting = shop.promoting
    (enter,) = (one for one in promoting.plan(QUIET).entering if one.environment == "test")
    promoting.confirm(enter)
    now, test = shop.clock.now(), enter.environment
    for record in (
        RolledBack(environment=test, release=enter.release, at=now),
        Entry(environment=test, release=ReleaseNumber(1), at=now - timedelta(days=1)),
        Failed(environment=test, release=enter.release, at=now, detail="it crashed"),
    ):
        promoting.plan(QUIET)
        promoting.confirm(enter)
        keep(shop.store, replace(record, environment=shop.environment("prod").name))
        promoting.confirm(enter)
        keep(shop.store, record)
        with pytest.raises(Refused, match="test has moved on since r2 was let in") as told:
            promoting.confirm(enter)
        assert "`repave status test`" in told.value.hint
    digest = Digest(f"sha256:{'0' * 64}")
    ran = Checked(
        environment=test, release=enter.release, check="a", what=digest, log=digest, at=now, passed=True, detail=""
    )
    promoting.plan(QUIET)
    keep(shop.store, ran)
    promoting.confirm(enter)
    keep(shop.store, replace(ran, passed=False))
    with pytest.raises(Refused, match="test has moved on since r2 was let in"):
        promoting.confirm(enter)
    with pytest.raises(Refused, match="rule failed"):
        promoting.admit(shop.environment("test"), shop.store.release(enter.release), QUIET)


def test_a_source_that_cannot_be_read_is_unknown_and_flaws_past_their_deadline_are_not_let_in(opened: Opened) -> None:
    """Unknown is not clean; a waiver of a person passes one flaw until its day."""
    shop = opened(test="soak: 1s", prod='window: "Mon-Sun 00:00-23:59 UTC"')
    shop.advisories.problem = "no answer"
    released(shop, "one")
    assert waits(shop, "test") == [(1, Rule.FLAWS)]
    shop.advisories.problem = ""
    assert waits(shop, "test") == []
    shop.advisories.repairs["openssl"] = ("3.0.21", ("CVE-2026-1",))
    shop.clock.sleep(10)
    shop.promote()
    released(shop, "two")
    shop.promote()
    assert (runs(shop, "test"), runs(shop, "prod")) == (2, 1)
    shop.clock.sleep(31 * 86400)
    assert waits(shop) == [(2, Rule.FLAWS)]
    until = shop.clock.now() + timedelta(days=7)
    shop.speaking.waive("CVE-2026-1", until, "never loaded", private_key(shop.folder.parent, "ana"))
    assert waits(shop) == []
    assert runs(shop, "prod") == 2


def test_a_failure_that_nobody_waited_for_is_learnt_and_a_revocation_is_none(opened: Opened) -> None:
    """Whoever's controller went back, and why: the record says it."""
    shop = opened(test="soak: 1s")
    for word in ("one", "two"):
        released(shop, word)
        shop.promote()
    shop.revoking.revoke("r2", "it loses orders")
    shop.converge(shop.keys("test"), watcher=unwatched)
    assert runs(shop, "test") == 1
    shop.promoting.learn()
    assert kept(shop, Failed) == []
    released(shop, "three")
    shop.world.behaviours[revision(shop, "test", 3)] = Behaviour(never_healthy=True)
    shop.deploy("test", 3)
    assert waits(shop, "test")[0] == (3, Rule.FAILED)


def test_a_revoked_release_waits_for_another(opened: Opened) -> None:
    """Whatever else holds."""
    shop = opened(test="soak: 1s")
    released(shop, "one")
    shop.promote()
    shop.revoking.revoke("r1", "it loses orders")
    assert waits(shop) == [(1, Rule.REVOKED)]


def test_words_are_refused_without_a_reason_a_gate_or_a_known_key(opened: Opened, tmp_path: Path) -> None:
    """Nothing is kept of them."""
    shop = opened()
    released(shop, "one")
    release, prod = shop.store.release(ReleaseNumber(1)), shop.environment("prod")
    with pytest.raises(Refused, match="needs a reason"):
        shop.speaking.approve(release, prod, " ", private_key(tmp_path, "ana"))
    with pytest.raises(Refused, match="the reason is no text in UTF-8"):
        shop.speaking.approve(release, prod, "\udcff", private_key(tmp_path, "ana"))
    with pytest.raises(Refused, match="test wants nobody's approval"):
        shop.speaking.approve(release, shop.environment("test"), "good", private_key(tmp_path, "ana"))
    person(tmp_path, "mallory")
    with pytest.raises(Refused, match="no key of anybody under `people`, which names ana, bob, eve"):
        shop.speaking.approve(release, prod, "good", private_key(tmp_path, "mallory"))
    assert shop.store.evidence() == ()


def test_environments_without_gates_take_what_they_are_given(shop: Shop) -> None:
    """Nobody is asked, and no source of advisories either."""
    shop.advisories.problem = "no answer"
    released(shop, "one")
    assert shop.promoting.held(shop.environment("prod"), shop.store.release(ReleaseNumber(1)), QUIET) is None
    assert shop.promote().plan.held == ()
    assert (runs(shop, "test"), runs(shop, "prod")) == (1, 1)


def told(held: Held) -> str:
    """As a person reads it."""
    until = f"; until {held.until:%a %H:%M}" if held.until else ""
    return f"  {held.environment}: r{held.release} waits, {held.rule}: {held.detail}{until}"


def test_a_week_of_the_pipeline_reads_as_it_should(opened: Opened) -> None:
    """From Thursday to Tuesday, with a window, a soak, a holiday and two people."""
    shop = opened(
        test="soak: 2h", prod='approvals: 1, window: "Mon-Fri 09:00-16:00 Europe/Prague", holidays: holidays.txt'
    )
    (shop.folder / "holidays.txt").write_text(
        "2026-01-12 a holiday\n# the next year's are not known\n", encoding="utf-8"
    )
    shop.clock.sleep((datetime(2026, 1, 8, 13, tzinfo=UTC) - shop.clock.now()).total_seconds())
    story: list[str] = []

    def then(words: str, hours: float = 0) -> None:
        shop.clock.sleep(hours * HOUR)
        walked = shop.promote()
        story.append(f"{shop.clock.now():%a %H:%M} {words}")
        entries = [one for one in shop.store.evidence() if isinstance(one, Entry)]
        for entry in entries[len(entries) - len(walked.results) :]:
            passed = "".join(f", passing r{number}" for number in entry.skipped)
            story.append(f"  {entry.environment}: r{entry.release} is in{passed}")
        story.extend(told(held) for held in walked.plan.held)

    released(shop, "one")
    then("r1 is baked")
    approve(shop, 1, "ana", "bob")
    then("ana and bob agree")
    then("two hours later", 2)
    released(shop, "two")
    then("r2 is baked, and prod is closed", 1)
    then("on Friday evening", 24)
    then("on Monday, a holiday", 66)
    approve(shop, 2, "ana", "eve")
    then("ana and eve agree on r2", 1)
    then("on Tuesday", 24)
    assert "\n".join(story) + "\n" == (STORIES / "pipeline.txt").read_text(encoding="utf-8")
