"""Intent, and what became of it: every verb that changes what a fleet runs goes through here."""

from dataclasses import dataclass
from datetime import datetime

from repave.config.order import ahead_of
from repave.config.policies import size_for
from repave.model.event import Event
from repave.model.names import FleetKey
from repave.model.project import Environment, Project
from repave.model.release import Release, Revision
from repave.model.target import Target
from repave.operations.converge import Converge, Settled, Watcher
from repave.operations.deployable import require_deployable
from repave.operations.errors import Refused
from repave.operations.keys import fleets_of
from repave.operations.releases import newest_release, revision_asked, title
from repave.planner.wishes import without_old_pause
from repave.ports.clock import Clock
from repave.ports.intent import Aim
from repave.ports.store import Store

DEPLOYED, ROLLED_BACK, STOPPED, UNFINISHED = "deployed", "rolled back", "stopped", "not finished"
OVERTAKEN, PAUSED = "overtaken", "paused"


@dataclass(frozen=True, kw_only=True)
class FleetResult:
    """What became of one fleet."""

    environment: str
    fleet: str
    result: str
    """``deployed``, ``rolled back``, ``stopped``, ``not finished`` within the time given; or by another's word
    ``overtaken`` or ``paused``."""

    asked: str
    release: str
    """What the fleet runs, or is to run, now."""

    reason: str
    """Why it did not end as asked; empty when it did."""

    endpoint: str
    serving: int
    size: int


@dataclass(frozen=True, kw_only=True)
class DeployResult:
    """What became of one environment."""

    environment: str
    release: str
    fleets: tuple[FleetResult, ...]
    seconds: float

    @property
    def as_asked(self) -> bool:
        """Whether every fleet carries what was asked."""
        return all(fleet.result == DEPLOYED for fleet in self.fleets)

    @property
    def failed(self) -> bool:
        """Whether every fleet came to an end, and one to a bad end of its own."""
        results = {fleet.result for fleet in self.fleets}
        return UNFINISHED not in results and bool(results & {ROLLED_BACK, STOPPED})


class Deploying:
    """Moves environments of one project to releases."""

    def __init__(
        self,
        *,
        project: Project,
        store: Store,
        clock: Clock,
        converge: Converge,
    ) -> None:
        self._project = project
        self._store = store
        self._clock = clock
        self._converge = converge

    def choose(self, environment: Environment) -> Release:
        """The newest release, unless it failed here before: a retry of that is for a person to name.

        Raises Refused, or a bad release that was rolled back would come again with the next plain deploy.
        """
        release = newest_release(self._store)
        for key in fleets_of(self._project, environment):
            target = self._store.target(key)
            revision = revision_asked(self._project, key, release, self._store)
            if target and target.release != release.number and _failed_here(target, revision):
                raise Refused(
                    f"{release} failed in {environment.name} before, which went back to {title(target.release)}",
                    hint=f"mend, `repave lock`, `repave bake`; or try it again: --release {release}",
                )
        return release

    def wanted(self, environment: Environment) -> Release | None:
        """What the environment is to run by the last word given; None when it was never deployed."""
        for key in fleets_of(self._project, environment):
            if target := self._store.target(key):
                return self._store.release(target.release)
        return None

    def begin(self, environment: Environment, release: Release, reason: str) -> tuple[FleetKey, ...]:
        """Write down what is wanted, for every fleet of the environment; nothing is started by this. Raises Refused."""
        keys = fleets_of(self._project, environment)
        found = [target for key in keys if (target := self._store.target(key))]
        if any(without_old_pause(target, self._clock.now()).paused for target in found):
            raise Refused(f"{environment.name} is paused", hint=f"`repave resume {environment.name}`")
        revisions = self.revisions(environment, release)
        # Who comes first is told first: a controller that looks meanwhile must not take the old wish for the new one.
        for key in sorted(keys, key=lambda key: len(ahead_of(key.fleet, self._project.fleets))):
            now, revision = self._clock.now(), revisions[key]
            with self._store.together():
                self._store.add_revision(key, revision)
                before = self._store.target(key)
                size = size_for(environment, key.fleet, before.size if before else None)
                aim = Aim(revision=revision.id, release=release.number, size=size, reason=reason)
                target = self._store.aim(key, aim, now)
                if before is None or before.generation != target.generation:
                    self._store.record([_wanted(key, release, revision, aim, now)])
        return keys

    def revisions(self, environment: Environment, release: Release) -> dict[FleetKey, Revision]:
        """What each fleet of the environment is to run of the release. Raises UnknownName, NotInRelease, Refused."""
        require_deployable(self._project, environment, self._store)
        keys = fleets_of(self._project, environment)
        return {key: revision_asked(self._project, key, release, self._store) for key in keys}

    def finish(self, environment: Environment, release: Release, watcher: Watcher) -> DeployResult:
        """Act until nothing is left to do, and say what became of it. May be called again after any end."""
        began = self._clock.now()
        settled = self._converge(fleets_of(self._project, environment), watcher=watcher)
        seconds = (self._clock.now() - began).total_seconds()
        fleets = tuple(_result(one, release) for one in settled)
        return DeployResult(environment=environment.name, release=str(release), fleets=fleets, seconds=seconds)


def _wanted(key: FleetKey, release: Release, revision: Revision, aim: Aim, at: datetime) -> Event:
    details = {
        "release": release.number,
        "image": revision.image,
        "artifact": revision.artifact,
        "revision": revision.id,
        "size": aim.size,
        "reason": aim.reason,
    }
    message = f"{release} is wanted, {aim.size} instances: {aim.reason}"
    return Event(at=at, fleet=key, kind="deploy", message=message, details=details)


def _result(settled: Settled, asked: Release) -> FleetResult:
    return FleetResult(
        environment=settled.fleet.environment,
        fleet=settled.fleet.fleet,
        result=_in_a_word(settled, asked),
        asked=str(asked),
        release=title(settled.release),
        reason=settled.reason,
        endpoint=settled.endpoint,
        serving=settled.serving,
        size=settled.size,
    )


def _in_a_word(settled: Settled, asked: Release) -> str:
    if settled.reached and settled.release == asked.number:
        return DEPLOYED
    if settled.rolled_back:
        return ROLLED_BACK
    if settled.overtaken:
        return OVERTAKEN
    if settled.paused:
        return PAUSED
    return UNFINISHED if settled.timed_out else STOPPED


def _failed_here(target: Target, revision: Revision) -> bool:
    proven = any(proof.revision == revision.id for proof in target.proven)
    return not proven and any(failure.revision == revision.id for failure in target.failures)
