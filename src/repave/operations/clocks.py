"""The exposure clock: of each flaw in a fleet, when it was published, could be repaired, was locked out, was gone."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from repave.config.freshness import limits_for
from repave.model.exposure import FixWithin, Flaw
from repave.model.finding import Severity
from repave.model.names import Digest, EnvironmentName, FleetKey
from repave.model.project import Project
from repave.ports.history import Lifetime
from repave.ports.store import Store

RISK = 0.75
"""A flaw is at risk of being overdue when so much of its time is over: a quarter of a month is a week to act in."""


class ClockState(StrEnum):
    """How a flaw stands, what hurries first."""

    OVERDUE = "overdue"
    AT_RISK = "at-risk"
    OPEN = "open"
    CLOSED_LATE = "closed-late"
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True)
class ExposureClock:
    """One flaw in one fleet that ran it."""

    environment: str
    fleet: str
    advisory: str
    severity: Severity
    state: ClockState
    published_at: datetime
    fixable_at: datetime | None
    """When a scan first found that it can be repaired; None: not yet, or from before this was kept."""

    locked_at: datetime | None
    """When the first release that was examined and has not got it was made of its lock, after one that has."""

    first_clean_at: datetime | None
    """When the first instance of such a release was seen to serve here."""

    last_clean_at: datetime | None
    """When the last instance that has it was seen to be gone; None while one lives."""

    due_at: datetime | None
    """By `policy.fix_within`; None for what has no deadline."""

    living: int
    """Instances that have it now."""

    seconds: float
    """From its publication to the last instance clean, or until now."""


def exposure_clocks(
    store: Store, project: Project, environment: EnvironmentName | None, now: datetime
) -> tuple[ExposureClock, ...]:
    """Of every fleet with a target, or of one environment: overdue and at risk first, then what is due first."""
    fleets = (key for key in store.fleets() if environment in {None, key.environment})
    clocks = [
        clock for key in fleets for clock in FleetClocks(store, key, limits_for(project, key).fix_within).clocks(now)
    ]
    order = list(ClockState)
    return tuple(
        sorted(clocks, key=lambda one: (order.index(one.state), one.due_at or now, one.published_at, one.advisory))
    )


class FleetClocks:
    """What ran in one fleet, the releases of its images, and what is known of their flaws."""

    def __init__(self, store: Store, fleet: FleetKey, limits: FixWithin) -> None:
        self._fleet = fleet
        self._limits = limits
        revisions = {revision.id: revision for revision in store.revisions(fleet)}
        self._lives = [
            (lifetime, revisions[lifetime.revision].artifact)
            for lifetime in store.lifetimes(fleet)
            if lifetime.revision in revisions
        ]
        images = {revision.image for revision in revisions.values()}
        self._made = [
            (release.created_at, release.artifacts[image])
            for release in store.releases()
            for image in sorted(images & release.artifacts.keys())
        ]
        artifacts = {artifact for _, artifact in (*self._lives, *self._made)}
        self._flaws = {artifact: {flaw.advisory: flaw for flaw in store.flaws(artifact)} for artifact in artifacts}
        self._whole = frozenset(artifact for artifact in artifacts if store.examined(artifact) is not None)

    def clocks(self, now: datetime) -> Iterator[ExposureClock]:
        """One for each flaw that an instance has, or had after its publication."""
        for advisory in sorted({advisory for _, artifact in self._lives for advisory in self._flaws[artifact]}):
            known = [self._flaws[artifact][advisory] for artifact in self._flaws if self._has(artifact, advisory)]
            flaw = min(known, key=lambda one: one.published_at)
            bearing = [life for life, artifact in self._lives if self._has(artifact, advisory)]
            if any(life.gone_at is None or life.gone_at > flaw.published_at for life in bearing):
                fixable = min((one.fixable_at for one in known if one.fixable_at is not None), default=None)
                yield self._clock(replace(flaw, fixable_at=fixable), bearing, now)

    def _clock(self, flaw: Flaw, bearing: Collection[Lifetime], now: datetime) -> ExposureClock:
        living = sum(life.gone_at is None for life in bearing)
        ended = None if living else max(life.gone_at for life in bearing if life.gone_at is not None)
        due = self._limits.due(flaw)
        return ExposureClock(
            environment=self._fleet.environment,
            fleet=self._fleet.fleet,
            advisory=flaw.advisory,
            severity=flaw.severity,
            state=_state(flaw, ended, due, now),
            published_at=flaw.published_at,
            fixable_at=flaw.fixable_at,
            locked_at=self._locked_at(flaw.advisory),
            first_clean_at=self._first_clean_at(flaw.advisory, min(life.first_seen for life in bearing)),
            last_clean_at=ended,
            due_at=due,
            living=living,
            seconds=((ended or now) - flaw.published_at).total_seconds(),
        )

    def _has(self, artifact: Digest, advisory: str) -> bool:
        return advisory in self._flaws[artifact]

    def _is_clean(self, artifact: Digest, advisory: str) -> bool:
        """What nobody has examined whole is not clean."""
        return artifact in self._whole and not self._has(artifact, advisory)

    def _locked_at(self, advisory: str) -> datetime | None:
        """When the first clean release after one that has it was made."""
        had = False
        for at, artifact in self._made:
            if had and self._is_clean(artifact, advisory):
                return at
            had = had or self._has(artifact, advisory)
        return None

    def _first_clean_at(self, advisory: str, since: datetime) -> datetime | None:
        served = (
            life.served_from
            for life, artifact in self._lives
            if self._is_clean(artifact, advisory) and life.served_from is not None and life.served_from >= since
        )
        return min(served, default=None)


def _state(flaw: Flaw, ended: datetime | None, due: datetime | None, now: datetime) -> ClockState:
    if ended is not None:
        return ClockState.CLOSED if due is None or ended <= due else ClockState.CLOSED_LATE
    if due is None:
        return ClockState.OPEN
    if now > due:
        return ClockState.OVERDUE
    risky = flaw.published_at + RISK * (due - flaw.published_at)
    return ClockState.AT_RISK if now >= risky else ClockState.OPEN
