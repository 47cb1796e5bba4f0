"""One pass: from what is new to what runs, as far as ranges, reviews and gates let it."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Protocol

from repave.model.errors import RepaveError
from repave.model.lock import Lock
from repave.model.names import EnvironmentName
from repave.model.pipeline import Enter, Held, PipelinePlan
from repave.model.project import Project
from repave.model.release import Release
from repave.model.watch import FreshnessPlan, Kind, Proposed, Relock
from repave.operations.deploy import DeployResult
from repave.operations.flaw_change import FlawChange, flaw_change
from repave.operations.locking import Asked
from repave.operations.promoting.walking import walk
from repave.operations.releases import title
from repave.operations.scan import flaws_of
from repave.operations.watching.deciding import Deciding, Hands
from repave.operations.watching.learning import Learned
from repave.operations.watching.passed import Moved, Passed
from repave.operations.watching.proposals import keep
from repave.planner.freshness.planning import is_to_be_kept
from repave.ports.advisories import Advisories
from repave.ports.pinner import Refresh
from repave.ports.progress import Progress


class Deeds(Protocol):
    """What a pass has done by whoever shows it: each may be done again after any end."""

    def progress(self) -> AbstractContextManager[Progress]:
        """For the work of one block."""
        ...

    def bake(self, lock: Lock, progress: Progress) -> Release:
        """A release of the present lock."""
        ...

    def look(self) -> None:
        """See environments whose health gates hang on."""
        ...

    def carry(self, enter: Enter) -> DeployResult:
        """Let a release in, and follow it to its end."""
        ...

    def finish(self, environment: EnvironmentName) -> DeployResult:
        """Follow what is wanted to its end."""
        ...


class Watching:
    """Keeps one project fresh."""

    def __init__(
        self,
        *,
        project: Project,
        hands: Hands,
        advisories: Iterable[Advisories],
    ) -> None:
        self._project = project
        self._hands = hands
        self._advisories = tuple(advisories)

    def once(self, deeds: Deeds) -> Passed:
        """One pass. May be killed at any point: the next goes on with what it finds."""
        return _Pass(self._project, self._hands, self._advisories, deeds).perform()

    def plan(self, progress: Progress) -> FreshnessPlan:
        """What a pass would begin with; nothing is done."""
        deciding = Deciding(self._project, self._hands, self._advisories)
        deciding.ask_people()
        if deciding.trouble:
            raise deciding.trouble
        return deciding.decide(progress)[1]


@dataclass
class _Pass:
    project: Project
    hands: Hands
    advisories: tuple[Advisories, ...]
    deeds: Deeds
    moved: tuple[Moved, ...] = ()
    results: tuple[DeployResult, ...] = ()
    deciding: Deciding = field(init=False)

    def __post_init__(self) -> None:
        self.deciding = Deciding(self.project, self.hands, self.advisories)

    def perform(self) -> Passed:
        with self.deeds.progress() as progress:
            self.hands.locking.go_on()
            learned, made = self._relock_all(progress)
            release = self.deeds.bake(learned.lock, progress) if made.bake else None
            _, made = self.deciding.decide(progress)
        held = self._carry(made)
        with self.deeds.progress() as progress:
            _, made = self.deciding.decide(progress)
        return Passed(
            plan=made, moved=self.moved, release=release, results=self.results, held=held, trouble=self.deciding.trouble
        )

    def _relock_all(self, progress: Progress) -> tuple[Learned, FreshnessPlan]:
        """Repairs, then updates, each once at most: what is new meanwhile is for the next pass."""
        self.deciding.ask_people()
        learned, made = self.deciding.decide(progress)
        while made.relock and made.relock.kind not in {one.kind for one in self.moved} and not self.deciding.trouble:
            try:
                moved = self._take(learned, made.relock, self._moved(learned, made.relock, progress), progress)
                self.moved = (*self.moved, moved)
            except RepaveError as trouble:
                self.deciding.trouble = trouble
            self.deciding.tried = True
            learned, made = self.deciding.decide(progress)
        return learned, made

    def _moved(self, learned: Learned, relock: Relock, progress: Progress) -> Moved:
        asks = self.hands.reviewing is not None
        if relock.kind is Kind.REPAIRS:
            present = learned.known.locks[learned.known.present]
            cure, had = self.hands.patching.cure(learned.diagnosis, progress), learned.diagnosis.report.standing
            return Moved(
                kind=relock.kind,
                proposal=cure.proposal,
                closed=cure.closed,
                opened=tuple(flaw for flaw in flaws_of(cure.remaining) if flaw not in flaws_of(had)),
                unknown=tuple(dict.fromkeys((*(present.unknown if asks else ()), *cure.hidden))),
                cure=cure,
                asks=asks,
            )
        asked = Asked(refresh=Refresh.UPGRADE, images=relock.images)
        proposal = self.hands.locking.propose(asked, progress)
        change = flaw_change(learned.lock, proposal.lock, self.advisories, progress)
        return Moved(
            kind=relock.kind,
            proposal=proposal,
            closed=change.closed or (),
            opened=change.opened or (),
            unknown=_unknown(change),
            asks=asks,
        )

    def _take(self, learned: Learned, relock: Relock, moved: Moved, progress: Progress) -> Moved:
        """The record first: whoever finds the lock written, or merged, must know whose doing it is."""
        proposal = moved.proposal
        untouched = relock.kind is Kind.UPDATES and not proposal.changed
        moves = moved.taken or (moved.asks and proposal.changed)
        now, policy = self.hands.clock.now(), self.project.freshness
        if untouched or (moves and is_to_be_kept(learned.known, relock.kind, proposal.digest, policy, now)):
            proposed = Proposed(
                kind=relock.kind,
                base=learned.known.present,
                lock=proposal.digest,
                fleets=relock.fleets,
                at=now,
            )
            keep(self.hands.store, proposed, moved.closed)
        if moved.taken:
            self.hands.locking.write(proposal, progress)
        if self.hands.reviewing is None or not proposal.changed:
            return moved
        known = self.deciding.reviews.get(moved.kind)
        review = self.hands.reviewing.propose(moved, known, progress)
        self.deciding.reviews[moved.kind] = review
        return replace(moved, review=review)

    def _carry(self, made: FreshnessPlan) -> tuple[Held, ...]:
        """Finish what was begun, each for itself, then let in what may enter; the first that does not arrive ends it.

        A release that did not arrive where it was begun goes nowhere else.
        """
        self.results = tuple(map(self.deeds.finish, made.finish))
        stuck = {result.release for result in self.results if not result.as_asked}
        fresher = {(one.environment, one.release) for one in made.carry if title(one.release) not in stuck}
        if not fresher:
            return ()
        way = self._way()

        def on_it(one: Enter | Held) -> bool:
            """Whether it makes something fresher, or is the way to what it makes fresher."""
            passes = one.environment not in way.running and one.release in {release for _, release in fresher}
            return passes or (one.environment, one.release) in fresher

        def planned() -> PipelinePlan:
            self.deeds.look()
            with self.deeds.progress() as progress:
                whole = self.hands.promoting.plan(progress, without=way.left_out)
            return replace(whole, entering=tuple(filter(on_it, whole.entering)), held=tuple(filter(on_it, whole.held)))

        walked = walk(planned, self.deeds.carry)
        self.results = (*self.results, *walked.results)
        return walked.plan.held

    def _way(self) -> "_Way":
        """Where nothing runs nothing is started, unless it stands with gates before where something does."""
        running = frozenset(key.environment for key in self.hands.store.fleets() if key.project == self.project.name)
        order = self.project.pipeline
        if any(environment.gates.declared for environment in self.project.environments.values()):
            last = max((order.index(name) for name in order if name in running), default=-1)
            return _Way(running=running, left_out=frozenset(order[last + 1 :]))
        return _Way(running=running, left_out=frozenset(order) - running)


@dataclass(frozen=True, kw_only=True)
class _Way:
    """Of releases through the pipeline."""

    running: frozenset[EnvironmentName]
    left_out: frozenset[EnvironmentName]


def _unknown(change: FlawChange) -> tuple[str, ...]:
    return tuple(f"{source.name}: {source.problem}" for source in change.unknown)
