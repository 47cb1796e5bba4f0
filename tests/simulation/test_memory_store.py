"""The store in memory does what the store over a database does, whatever is asked of the two."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from kept_store import new_store

from repave.model.exposure import Flaw
from repave.model.finding import Severity
from repave.model.names import RevisionId, SlotId
from repave.model.outcome import Outcome, Result
from repave.model.plan import Launch, Phase, Plan, Retarget
from repave.model.release import Revision
from repave.model.revocation import Revocation, RevokedKind
from repave.model.scaling import Leaning, Resize, SizeHistory
from repave.model.target import FailureKind, Heal
from repave.ports.errors import WorldError
from repave.ports.intent import Aim
from repave.ports.store import Store
from repave.simulation.memory.store import MemoryStore
from repave.simulation.sketch import Sketch
from repave.simulation.stage import Stage

SKETCH = Sketch()
STAGE = Stage()
REVISIONS = tuple(STAGE.want(release, 3) for release in (1, 2, 3))
DEEDS = 60
SOMETIMES = ("aim", "pause", "bootable", "revoke", "undo", "expose")


class Twins:
    """Two stores that are asked the same."""

    def __init__(self, one: Store, other: Store) -> None:
        self.stores = (one, other)

    def both(self, ask: Callable[[Store], object]) -> object:
        """The same question to both has the same answer, or is refused alike."""
        first, second = (self._answer(store, ask) for store in self.stores)
        assert first == second
        return first

    @staticmethod
    def _answer(store: Store, ask: Callable[[Store], object]) -> object:
        try:
            return ask(store)
        except WorldError as refused:
            return type(refused)


def some_plan(chance: Random, generation: int, number: int, order: str | None) -> Plan:
    """A plan with whatever a plan may hold."""
    revision = chance.choice(REVISIONS)
    at = SKETCH.now + timedelta(minutes=number * 40)
    launch = Launch(slot=SlotId(order or f"web-{number}"), revision=revision.id, zone=STAGE.policy.zones[0], reason="")
    failure = replace(SKETCH.failed(number, chance.choice(list(FailureKind))), at=at, revision=revision.id)
    made = Plan(
        fleet=STAGE.fleet,
        parent=generation,
        at=at,
        phase=Phase.ROLLING,
        summary="",
        steps=(launch,),
        next_slot=number + 1,
    )
    return chance.choice(
        (
            made,
            replace(made, failures=(failure,)),
            replace(made, heals=(Heal(slot=SlotId(f"web-{number}"), at=at),)),
            replace(made, closed=(launch.slot,)),
            replace(made, proven=revision.id),
            replace(made, stop="2 in a row failed"),
            replace(made, resize=Resize(size=chance.randint(1, 9), reason="cpu is 90% of 60%")),
            replace(made, size_history=SizeHistory(resized_at=chance.choice((None, at)), reason="cpu")),
            replace(made, size_history=SizeHistory(leaning=Leaning(since=at, size=chance.randint(1, 9)))),
            replace(made, retarget=Retarget(revision=revision.id, release=revision.release, reason="bad")),
            replace(made, parent=generation - 1),
        )
    )


def some_outcome(chance: Random, number: int, order: str) -> Outcome:
    """What may come of a launch."""
    revision: Revision = chance.choice(REVISIONS)
    launch = Launch(slot=SlotId(order), revision=revision.id, zone=STAGE.policy.zones[0], reason="")
    at = SKETCH.now + timedelta(minutes=number * 40 + 1)
    return Outcome(step=launch, result=chance.choice(list(Result)), at=at, detail="said so")


@pytest.mark.parametrize("seed", range(6))
def test_the_twins_agree(seed: int, tmp_path: Path) -> None:
    """Aims, pauses, commits, outcomes, withdrawals, revocations and forgetting, in any order, leave the same target."""
    chance = Random(seed)  # noqa: S311 - a test must be repeatable
    database = new_store(tmp_path / "store.db")
    twins = Twins(database, MemoryStore())
    for revision in REVISIONS:
        twins.both(lambda store, revision=revision: store.add_revision(STAGE.fleet, revision))  # type: ignore[misc] # mypy cannot infer a lambda with a default
    for number in range(1, DEEDS):
        do_something(twins, chance, number)
        twins.both(lambda store: store.target(STAGE.fleet))
        twins.both(lambda store: store.fleets())
        twins.both(lambda store: store.revocations())
    database.close()


def do_something(twins: Twins, chance: Random, number: int) -> None:
    """One deed, to both."""
    at = SKETCH.now + timedelta(minutes=number * 40)
    target = twins.stores[0].target(STAGE.fleet)
    wanted = chance.choice(REVISIONS)
    deed = (
        "aim"
        if target is None
        else chance.choice(
            ("aim", "pause", "bootable", "revoke", "undo", "expose", *["commit"] * 5, *["settle"] * 3, "end")
        )
    )
    order = str(chance.choice(target.orders).slot) if target and target.orders else None
    match deed:
        case "aim":
            aim = Aim(revision=wanted.id, release=wanted.release, size=chance.randint(1, 3), reason="deploy")
            twins.both(lambda store: store.aim(STAGE.fleet, aim, at))
        case "pause":
            paused = chance.random() < 0.5
            twins.both(lambda store: store.pause(STAGE.fleet, at, paused=paused))
        case "bootable":
            lost = [revision.id for revision in REVISIONS if chance.random() < 0.5]
            twins.both(lambda store: store.unbootable(STAGE.fleet, lost))
        case "revoke":
            revocation = Revocation(
                kind=RevokedKind.ARTIFACT, subject=wanted.artifact, reason="bad", at=at, artifacts=(wanted.artifact,)
            )
            twins.both(lambda store: store.revoke(revocation))
        case "expose":
            severity, name = chance.choice((Severity.HIGH, Severity.CRITICAL)), f"CVE-2026-{chance.randint(1, 4)}"
            flaw = Flaw(advisory=name, severity=severity, published_at=at - timedelta(days=chance.randint(0, 9)))
            whole = chance.random() < 0.3
            twins.both(lambda store: store.expose(wanted.artifact, [flaw], whole=whole))
        case "undo":
            undone = chance.randint(1, 9)
            twins.both(lambda store: store.undo_revocation(undone, reason="a false alarm", at=at))
        case "commit":
            again = order if chance.random() < 0.5 else None
            plan = some_plan(chance, target.generation if target else 1, number, again)
            twins.both(lambda store: store.commit(plan))
        case "settle":
            outcome = some_outcome(chance, number, order or f"web-{number}")
            twins.both(lambda store: store.settle(STAGE.fleet, [outcome]))
        case _:
            if chance.random() < 0.2:
                twins.both(lambda store: store.forget(STAGE.fleet))


def test_the_twins_refuse_alike(tmp_path: Path) -> None:
    """What was never kept is gone, in memory as in the database."""
    database = new_store(tmp_path / "store.db")
    twins = Twins(database, MemoryStore())
    assert isinstance(twins.both(lambda store: store.revision(STAGE.fleet, RevisionId("never"))), type)
    assert isinstance(twins.both(lambda store: store.pause(STAGE.fleet, SKETCH.now, paused=True)), type)
    assert twins.both(lambda store: store.target(STAGE.fleet)) is None
    database.close()


@pytest.mark.parametrize("seed", range(3))
def test_the_twins_remember_alike(seed: int, tmp_path: Path) -> None:
    """Lifetimes and leases follow from the same sights."""
    chance = Random(seed)  # noqa: S311 - a test must be repeatable
    database = new_store(tmp_path / "store.db")
    twins = Twins(database, MemoryStore())
    for number in range(30):
        moment = replace(SKETCH, now=SKETCH.now + timedelta(seconds=number))
        lines = [
            f"{slot} new a {chance.choice(('serving', 'checking', 'starting', 'stopped', 'unknown'))} 1 99"
            for slot in range(1, 6)
            if chance.random() < 0.7
        ]
        seen = moment.see(*lines)
        if chance.random() < 0.2:
            seen = replace(seen, machines=replace(seen.machines, incomplete="a page is missing"))
        twins.both(lambda store, seen=seen: store.see(seen))  # type: ignore[misc] # mypy cannot infer a lambda with a default
        twins.both(lambda store: store.lifetimes(STAGE.fleet))
        twins.both(lambda store: store.lifetimes(living=True))
        holder, seconds = chance.choice("ab"), chance.choice((0.5, 3.0))
        twins.both(lambda store, m=moment, h=holder, s=seconds: store.acquire("web", h, at=m.now, seconds=s))  # type: ignore[misc] # as above
        twins.both(lambda store, m=moment: store.lease("web", m.now))  # type: ignore[misc] # as above
    database.close()
