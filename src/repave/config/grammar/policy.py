"""``policy``: how fresh everything is kept."""

from pydantic import Field

from repave.config.grammar.fields import Duration, Section


class FixWithinSection(Section):
    """From an advisory's publication to the last instance that is clean."""

    critical: Duration = Field(default=604800.0, description="Default: 7d.")
    high: Duration = Field(default=2592000.0, description="Default: 30d.")


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
