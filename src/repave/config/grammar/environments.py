"""``environments``: where it runs, and how many."""

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from repave.config.grammar.fields import (
    Label,
    Listen,
    Secret,
    Section,
    Size,
    Text,
    Variable,
    Zone,
)
from repave.config.grammar.gates import GatesSection
from repave.config.grammar.policy import OwnPolicySection


class FleetSizeSection(Section):
    """What one environment says of one fleet."""

    size: Size = Field(description="How many instances; a range where `scale` of the fleet moves it.")
    listen: Listen = Field(
        default="", description="Where clients reach it; a port alone is on loopback. Default: a free port, kept."
    )


class SecretSection(Section):
    """A secret by reference, resolved when an instance starts."""

    secret: Secret = Field(description="`env:NAME`, a variable of repave's own environment, or `file:PATH`.")


def _kind_of_value(value: object) -> str:
    return REFERENCE_VALUE if isinstance(value, dict | SecretSection) else TEXT_VALUE


TEXT_VALUE = "(text)"
REFERENCE_VALUE = "(reference)"
Value = Annotated[
    Annotated[Text, Tag(TEXT_VALUE)] | Annotated[SecretSection, Tag(REFERENCE_VALUE)], Discriminator(_kind_of_value)
]


class EnvironmentSection(Section):
    """Sizes, zones and configuration. Never a version."""

    provider: Label = Field(description="Where its instances run: `local`, or a cloud.")
    zones: list[Zone] = Field(
        default=[], min_length=1, description="What fails separately. For `local`: labels. Default: one zone."
    )
    fleets: dict[Label, FleetSizeSection] = Field(min_length=1, description="The fleets it holds.")
    config: dict[Variable, Value] = Field(
        default={}, description="Environment variables, delivered when an instance starts; never part of an image."
    )
    policy: OwnPolicySection = Field(
        default_factory=OwnPolicySection.model_construct,
        description="Limits of age and of flaws of its own, where a fleet has none.",
    )
    gates: GatesSection = Field(
        default_factory=GatesSection.model_construct, description="What must hold before a release enters, and leaves."
    )
