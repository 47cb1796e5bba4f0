"""Policy: what the user declared for one fleet in one environment. The first of the planner's four types."""

from dataclasses import dataclass, field
from math import ceil

from repave.model.amount import Amount
from repave.model.exposure import FixWithin
from repave.model.freshness import DeclaredLimit
from repave.model.names import FleetKey, ZoneName
from repave.model.scaling import ScalePolicy


@dataclass(frozen=True, kw_only=True)
class HealthPolicy:
    """How the load balancer asks an instance whether it is well."""

    path: str | None = "/"
    """HTTP GET, 2xx or 3xx is well. None: clients speak another protocol, and one that takes a connection is well."""

    interval_seconds: float = 2.0
    timeout_seconds: float = 1.0
    healthy: int = 2
    """Good answers in a row before it serves."""

    unhealthy: int = 3
    """Bad answers in a row before it no longer serves."""

    grace_seconds: float = 60.0
    """A new instance that is not healthy by then has failed (60 s suits containers)."""

    steady_seconds: float | None = None
    """Of a fleet without a port, which is asked nothing: well once its process has run so long. None: it is asked."""


LONGEST_COMPARED_SECONDS = 600.0
"""Older answers say little of how a release answers now."""


@dataclass(frozen=True, kw_only=True)
class RolloutPolicy:
    """How capacity moves to a new revision. Defaults: launch first, never below the wanted size."""

    strategy: str = "rolling"
    surge: Amount = Amount(value=25, percent=True)
    """Instances above the wanted size while rolling; at least 1 where ``unavailable`` is 0."""

    unavailable: Amount = Amount(value=0)
    """Serving instances below the wanted size while rolling."""

    steps: tuple[Amount, ...] = (Amount(value=10, percent=True), Amount(value=50, percent=True))
    """canary: so much of the fleet is new, at least 1, while it is judged; after the last step comes the rest."""

    pause_seconds: float = 600.0
    """canary: so long each step is judged."""

    checkpoint: bool = False
    """canary: whether each step also waits for a person."""

    baseline: str = "fresh"
    """canary: what the new is compared with: as many of the old release, started beside it (``fresh``), or the old
    ones that run (``running``). What is fresh is as cold as the new, so no slow start is held against a release."""

    keep_seconds: float = 600.0
    """After a switch the old ones stand by so long, as an instant way back."""

    stop_in_a_row: int = 2
    """New instances that fail one after another: the new revision is bad, not unlucky."""

    stop_share: Amount = Amount(value=20, percent=True)
    """Failures among the new in all; never fewer than ``stop_in_a_row``, or a small fleet would stop at the first."""

    @property
    def metrics_window_seconds(self) -> float:
        """Of how long a time metrics are compared; 0 where none are."""
        return min(self.pause_seconds, LONGEST_COMPARED_SECONDS) if self.strategy == "canary" else 0.0

    @property
    def waits_seconds(self) -> float:
        """For how long a rollout waits because the policy says so."""
        waits = {"canary": len(self.steps) * self.pause_seconds, "blue-green": self.keep_seconds}
        return waits.get(self.strategy, 0.0)


@dataclass(frozen=True, kw_only=True)
class HealingPolicy:
    """How fast running instances may be replaced for looking sick: a false alarm must not take the fleet."""

    limit: Amount = Amount(value=20, percent=True)
    """At least 1."""

    window_seconds: float = 600.0

    flaps: int = 3
    """An instance that falls sick so often within the window is replaced, also when it is well again."""


@dataclass(frozen=True, kw_only=True)
class BudgetPolicy:
    """How fast instances may be taken out. The floor holds beside it, always: the wanted size less ``unavailable``."""

    per_hour: Amount | None = None
    """Within an hour, for whatever reason, at least 1: what is not urgent waits. None: as fast as the floor allows."""

    gentle_per_hour: Amount = Amount(value=20, percent=True)
    """Within an hour, for age and uneven zones, at least 1: nobody asked for it, and nothing hurries."""

    per_zone: Amount | None = None
    """Leaving one zone at the same time, at least 1; a share is one of the whole fleet. None: no limit."""


@dataclass(frozen=True, kw_only=True)
class AgePolicy:
    """How old instances may become; None: as old as they like."""

    soft_seconds: float | None = None
    """An instance is replaced within the last third before this age, when nothing else moves."""

    hard_seconds: float | None = None
    """No instance becomes older, as far as capacity allows: replacing begins early enough."""


@dataclass(frozen=True, kw_only=True)
class FleetPolicy:
    """All that a person declared about one fleet in one environment."""

    fleet: FleetKey
    zones: tuple[ZoneName, ...]
    health: HealthPolicy = field(default_factory=HealthPolicy)
    rollout: RolloutPolicy = field(default_factory=RolloutPolicy)
    healing: HealingPolicy = field(default_factory=HealingPolicy)
    budget: BudgetPolicy = field(default_factory=BudgetPolicy)
    age: AgePolicy = field(default_factory=AgePolicy)
    fix_within: FixWithin = field(default_factory=FixWithin)
    declared: tuple[DeclaredLimit, ...] = ()
    """Those of the two above that are not the project's."""

    scale: ScalePolicy | None = None
    """How its size follows what is measured; None keeps it where it was set."""

    drain_timeout_seconds: float = 30.0
    """An instance leaves when idle, or after this long."""

    after: tuple[FleetKey, ...] = ()
    """Fleets of the environment whose turn comes before this one's, those before them included."""

    before: tuple[FleetKey, ...] = ()
    """Fleets of the environment whose turn comes after this one's, those after them included."""

    def __post_init__(self) -> None:
        """A fleet lives somewhere: at least one zone."""
        if not self.zones:
            raise ValueError(f"{self.fleet} has no zone")

    def waits_seconds(self, size: int) -> float:
        """For how long a rollout of so many waits because the policy says so.

        For pauses; and where what leaves has more to end than requests, for that, batch by batch.
        """
        by_requests = self.health.path is not None and self.health.steady_seconds is None
        if by_requests:
            return self.rollout.waits_seconds
        at_once = max(1, self.rollout.surge.of(size) + self.rollout.unavailable.of(size))
        batches = ceil(size / at_once) + 1
        return self.rollout.waits_seconds + batches * ((self.health.steady_seconds or 0.0) + self.drain_timeout_seconds)

    def metrics_window_seconds(self, *, rolling: bool) -> float:
        """The longest time that any part of the policy wants metrics of; 0 when none wants any.

        Releases are compared while rolling only: else a size would follow what was long ago.
        """
        scaling = self.scale.window_seconds if self.scale and self.scale.targets else 0.0
        return max(scaling, self.rollout.metrics_window_seconds) if rolling else scaling
