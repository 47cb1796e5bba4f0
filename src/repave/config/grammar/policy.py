"""``policy``: how fresh everything is kept."""

from typing import Annotated

from pydantic import Field

from repave.config.grammar.fields import Duration, Section, TimeZone, choice
from repave.model.freshness import DEFAULT_EVERY_SECONDS


class FixWithinSection(Section):
    """From an advisory's publication to the last instance that is clean."""

    critical: Duration = Field(default=604800.0, description="Default: 7d.")
    high: Duration = Field(default=2592000.0, description="Default: 30d.")


class OwnFixWithinSection(Section):
    """From an advisory's publication to the last clean instance of it; what is not said here is said by `policy`."""

    critical: Duration | None = Field(default=None, description="Default: as without it.")
    high: Duration | None = Field(default=None, description="Default: as without it.")


class OwnPolicySection(Section):
    """Limits of its own: a fleet's come before its environment's, and those before the project's, key by key."""

    max_age: Duration | None = Field(default=None, description="As in `policy`.")
    hard_max_age: Duration | None = Field(default=None, description="As in `policy`.")
    fix_within: OwnFixWithinSection = Field(
        default_factory=OwnFixWithinSection.model_construct, description="As in `policy`."
    )


class FreshnessSection(Section):
    """What `repave watch` does by itself: repairs at once, whatever stands here."""

    every: Duration = Field(default=DEFAULT_EVERY_SECONDS, description="How often it learns what is new. Default: 1h.")
    updates: Annotated[str, *choice("weekly", "never")] = Field(
        default="weekly",
        description="What repairs nothing: together, once per fleet and week, or not at all. Default: `weekly`.",
    )
    time_zone: TimeZone = Field(
        default="UTC", description="Whose weeks: they begin on Monday at midnight. Default: UTC."
    )


class PolicySection(Section):
    """How fresh everything is kept."""

    max_age: Duration = Field(
        default=2592000.0, description="An instance is replaced within the last third before this age. Default: 30d."
    )
    hard_max_age: Duration = Field(
        default=7776000.0, description="No instance gets older, as far as capacity allows. Default: 90d."
    )
    fix_within: FixWithinSection = Field(
        default_factory=FixWithinSection.model_construct, description="How fast flaws are repaired."
    )
    freshness: FreshnessSection = Field(
        default_factory=FreshnessSection.model_construct, description="What `repave watch` does by itself."
    )
