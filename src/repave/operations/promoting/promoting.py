"""Who is let in: the pipeline's decisions, kept as they are carried out.

What decides is handed in to be made when it is needed: where no gate is declared, nothing is gathered and weighed.
"""

from collections.abc import Callable, Container
from datetime import datetime
from typing import TYPE_CHECKING

from repave.model.evidence import Checked, Entry, Failed, Record, Request, RolledBack, Soaked
from repave.model.gates import Gates
from repave.model.names import EnvironmentName, ReleaseNumber
from repave.model.pipeline import Enter, Held, PipelinePlan
from repave.model.project import Environment, Project
from repave.model.release import Release
from repave.operations.errors import Refused
from repave.operations.promoting.keeping import keep
from repave.operations.promoting.lessons import failures
from repave.operations.promoting.stages import pipeline_of
from repave.operations.promoting.standings import standing_of
from repave.ports.clock import Clock
from repave.ports.progress import Progress
from repave.ports.store import Store

if TYPE_CHECKING:
    from repave.operations.promoting.deciding import Deciding


class Promoting:
    """The pipeline of one project."""

    def __init__(self, *, project: Project, store: Store, clock: Clock, deciding: Callable[[], "Deciding"]) -> None:
        self._project = project
        self._store = store
        self._clock = clock
        self._deciding = deciding
        self._pipeline = pipeline_of(project)
        self._known: int | None = None
        """How many records there were at the last decision; None before there is one."""

    def plan(self, progress: Progress, *, without: Container[EnvironmentName] = ()) -> PipelinePlan:
        """Who may enter now, and what holds the others. Keeps the soaks that have ended well.

        ``without``: environments that are passed by, as if the pipeline had none of the name.
        """
        now = self._clock.now()
        self._take_stock()
        self._keep_soaks(now)
        return self._deciding().plan(now, progress, without=without)

    def held(
        self, environment: Environment, release: Release, progress: Progress, asked: Request | None = None
    ) -> Held | None:
        """What holds the release before the environment, also once a person has asked for it; None when it may enter.

        What the environment wants already, or has carried before, is no news there: going back asks no gate. Nor does
        an environment without gates, after one without checks, a soak or metrics.
        """
        now = self._clock.now()
        self._take_stock()
        standing = standing_of(self._project, environment.name, self._store, now)
        if release.number == standing.release or release.number in standing.proven or not self._gated(environment):
            return None
        self._keep_soaks(now)
        return self._deciding().held(environment.name, release, asked, now, progress)

    def admit(
        self, environment: Environment, release: Release, progress: Progress, asked: Request | None = None
    ) -> None:
        """Raise Refused, with the rule that holds the release and what can be done, unless it may enter.

        What a person asked is kept once it is granted.
        """
        held = self.held(environment, release, progress, asked)
        if held is not None:
            ends = f", until {held.until:%Y-%m-%d %H:%M} UTC" if held.until else ""
            raise Refused(
                f"{release} may not enter {environment.name} yet: {held.detail} (rule {held.rule}{ends})",
                hint=held.remedy or f"`repave promote {environment.name}` then",
            )
        if asked is not None:
            keep(self._store, asked)

    def word(self, environment: Environment, release: Release, emergency: str = "") -> Request:
        """That a person names the release for the environment, in an emergency with the reason."""
        return Request(environment=environment.name, release=release.number, at=self._clock.now(), emergency=emergency)

    def confirm(self, enter: Enter) -> None:
        """Raise Refused where something has happened since the last decision that it did not know of.

        That is: another release entered, a person went back, or this one failed. To be asked within the transaction
        that lets it in.
        """
        self.learn()
        later = () if self._known is None else self._store.evidence()[self._known :]
        if any(_overtakes(record, enter) for record in later):
            raise Refused(
                f"{enter.environment} has moved on since r{enter.release} was let in",
                hint=f"`repave status {enter.environment}` shows what it is to run; the same command decides anew",
            )

    def entered(self, enter: Enter) -> None:
        """It is let in, from now on; kept where it is not what is wanted there already.

        Raises Refused where it does not ``confirm``.
        """
        self.confirm(enter)
        self._keep_entry(enter)

    def _keep_entry(self, enter: Enter) -> None:
        now = self._clock.now()
        if standing_of(self._project, enter.environment, self._store, now).release == enter.release:
            return
        keep(
            self._store,
            Entry(
                environment=enter.environment,
                release=enter.release,
                at=now,
                skipped=enter.skipped,
                emergency=enter.emergency,
            ),
        )

    def _take_stock(self) -> None:
        """What comes after this, the decision did not know."""
        self.learn()
        self._known = len(self._store.evidence())

    def learn(self) -> None:
        """What failed since is remembered, and holds the release from here on; also what nobody waited for."""
        kept = set(self._store.evidence())
        for failed in failures(self._project, self._store):
            if failed not in kept:
                keep(self._store, failed)

    def went_back(self, environment: EnvironmentName, release: ReleaseNumber) -> None:
        """A person went back to a release: it is let in, and nothing else that is baked by now enters by itself."""
        newest = self._store.releases()[-1].number
        keep(self._store, RolledBack(environment=environment, release=newest, at=self._clock.now()))
        self._keep_entry(Enter(environment=environment, release=release, skipped=()))

    def watched(self) -> tuple[EnvironmentName, ...]:
        """In pipeline order, the environments whose health gates hang on: they are to be looked at before a plan."""
        return tuple(stage.environment for stage in self._pipeline if _hangs_on_health(stage.gates))

    def _gated(self, environment: Environment) -> bool:
        index = self._project.pipeline.index(environment.name)
        before = self._pipeline[index - 1].gates if index else None
        return environment.gates.declared or bool(before and _hangs_on_health(before))

    def _keep_soaks(self, now: datetime) -> None:
        """Once for each unbroken time."""
        kept = {(one.environment, one.release, one.since) for one in self._store.evidence() if isinstance(one, Soaked)}
        for stage in self._pipeline:
            standing = standing_of(self._project, stage.environment, self._store, now)
            number, since, seen = standing.release, standing.well_since, standing.seen_at
            if not stage.gates.soak_seconds or number is None or since is None or seen is None:
                continue
            long_enough = (seen - since).total_seconds() >= stage.gates.soak_seconds
            if long_enough and (stage.environment, number, since) not in kept:
                soaked = Soaked(environment=stage.environment, release=number, since=since, at=seen)
                keep(self._store, soaked)


def _hangs_on_health(gates: Gates) -> bool:
    """Whether what leaves the environment depends on how it did there."""
    return bool(gates.checks or gates.soak_seconds or gates.metrics)


def _overtakes(record: Record, enter: Enter) -> bool:
    """Whether a decision that had known of this would have been another."""
    match record:
        case Entry(environment=enter.environment):
            return record.release != enter.release
        case RolledBack(environment=enter.environment):
            return record.release >= enter.release
        case Failed(environment=enter.environment) | Checked(passed=False):
            return record.release == enter.release
        case _:
            return False
