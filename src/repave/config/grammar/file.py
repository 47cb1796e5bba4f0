"""The file as a whole."""

from pydantic import Field

from repave.config.grammar.advisories import AdvisoriesSection
from repave.config.grammar.environments import EnvironmentSection
from repave.config.grammar.fields import Label, OriginAddress, Section
from repave.config.grammar.fleets import FleetSection
from repave.config.grammar.gates import PersonSection
from repave.config.grammar.images import ImageSection
from repave.config.grammar.origins import OriginSection, VaultSection
from repave.config.grammar.policy import PolicySection
from repave.config.grammar.review import ReviewSection
from repave.config.grammar.signing import SigningSection


class File(Section):
    """The file that says what each fleet is made of and how many run where."""

    project: Label = Field(description="The name of all of it.")
    images: dict[Label, ImageSection] = Field(min_length=1, description="What things are made of.")
    fleets: dict[Label, FleetSection] = Field(default={}, description="What runs.")
    environments: dict[Label, EnvironmentSection] = Field(default={}, description="Where, and how many.")
    pipeline: list[Label] = Field(
        default=[],
        min_length=1,
        description="Every environment once, in the order releases travel. Default: the file's order.",
    )
    people: dict[Label, PersonSection] = Field(default={}, description="Whose approval counts.")
    policy: PolicySection = Field(
        default_factory=PolicySection.model_construct, description="How fresh everything is kept."
    )
    advisories: AdvisoriesSection = Field(
        default_factory=AdvisoriesSection.model_construct,
        description="Where vulnerabilities are learned, beside Debian's security suites.",
    )
    origins: dict[OriginAddress, OriginSection] = Field(
        default={}, description="By address: what stands in for it, and who we are there."
    )
    vault: VaultSection = Field(
        default_factory=VaultSection.model_construct, description="With whom locked files are shared."
    )
    signing: SigningSection = Field(
        default_factory=SigningSection.model_construct, description="Who signs, and whose signatures count."
    )
    review: ReviewSection | None = Field(
        default=None, description="Where people look at lock changes before they are taken. Default: nobody looks."
    )
    """Unlike other sections it has no defaults."""
