"""The pipeline: environments in the order releases travel, and what is decided of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from repave.model.gates import Gates
from repave.model.names import EnvironmentName, ReleaseNumber


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One environment of the pipeline."""

    environment: EnvironmentName
    gates: Gates = field(default_factory=Gates)


Pipeline = tuple[Stage, ...]
"""In the order releases travel."""


class Rule(StrEnum):
    """What holds a release before an environment."""

    REVOKED = "revoked"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"
    CARRIED = "carried"
    CHECKS = "checks"
    SOAK = "soak"
    METRICS = "metrics"
    FLAWS = "flaws"
    APPROVALS = "approvals"
    WINDOW = "window"
    PAUSED = "paused"


RULES: Mapping[Rule, str] = {
    Rule.REVOKED: "what is revoked is started nowhere",
    Rule.FAILED: "a release that failed here does not come again by itself",
    Rule.ROLLED_BACK: "a person went back: what there was by then does not come again by itself",
    Rule.CARRIED: "a release enters where the environment before carries it",
    Rule.CHECKS: "every check must have passed on it in the environment before, lately and as it is now",
    Rule.SOAK: "it must have run well in the environment before for some time",
    Rule.METRICS: "it must have answered well enough in the environment before, and no data is neither good nor bad",
    Rule.FLAWS: "nothing with a flaw past its deadline enters, and what is not known is not clean",
    Rule.APPROVALS: "people must have agreed, none of them its author",
    Rule.WINDOW: "releases enter at certain times only",
    Rule.PAUSED: "an operator paused the environment",
}


@dataclass(frozen=True, kw_only=True)
class Held:
    """The one rule that holds a release before an environment."""

    environment: EnvironmentName
    release: ReleaseNumber
    rule: Rule
    detail: str
    """In words, with what is missing."""

    since: datetime
    until: datetime | None
    """When it ends by itself, if nothing comes between; None when somebody must do something."""

    remedy: str
    """What can be done; empty when only time helps."""


@dataclass(frozen=True, kw_only=True)
class Enter:
    """A release may enter an environment now."""

    environment: EnvironmentName
    release: ReleaseNumber
    skipped: tuple[ReleaseNumber, ...]
    """Older ones that were on their way there, and go no further; sorted."""

    emergency: str = ""


@dataclass(frozen=True, kw_only=True)
class PipelinePlan:
    """Who may enter, and what holds each that waits: every release on its way stands in one of them."""

    at: datetime
    entering: tuple[Enter, ...] = ()
    """In pipeline order, one of an environment at most."""

    held: tuple[Held, ...] = ()
    """In pipeline order, newest release first."""

    @property
    def wake(self) -> datetime | None:
        """When time alone may change it; None when it does not."""
        return min((held.until for held in self.held if held.until), default=None)
