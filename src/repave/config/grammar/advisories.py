"""``advisories``: where vulnerabilities are learned."""

from typing import Self

from pydantic import ConfigDict, Field, model_validator

from repave.config.grammar.fields import Duration, Place, Section, Service
from repave.config.problems import Unfit, one_of
from repave.model.advisories import DEFAULT_MAX_AGE_SECONDS


class OneKeySection(Section):
    """A mapping of which exactly one key is given."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    @model_validator(mode="after")
    def _of_one_key(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise Unfit(f"a mapping with exactly one key, {one_of(type(self).model_fields)}")
        return self


class OsvSection(OneKeySection):
    """Advisories in the format of OSV: for PyPI, Debian and others. Exactly one key."""

    folder: Place = Field(default="", description="A folder of OSV records, a JSON file each, in subfolders too.")
    zip: Place = Field(default="", description="A zip of OSV records, as OSV exports them (`all.zip`).")
    url: Service = Field(
        default="",
        description="Where such a zip is: OSV's own of PyPI is "
        "`https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip`.",
    )
    api: Service = Field(default="", description="A server of OSV's API: OSV's own is `https://api.osv.dev`.")


class DebianTrackerSection(OneKeySection):
    """The JSON of Debian's security tracker. Exactly one key."""

    file: Place = Field(default="", description="A copy of it.")
    url: Service = Field(
        default="", description="Where it is: Debian's own is `https://security-tracker.debian.org/tracker/data/json`."
    )


class SourceSection(OneKeySection):
    """One source of advisories. Exactly one key."""

    osv: OsvSection = Field(default_factory=OsvSection.model_construct, description="Advisories in OSV's format.")
    debian_tracker: DebianTrackerSection = Field(
        default_factory=DebianTrackerSection.model_construct, description="Debian's security tracker."
    )


class PublishedSection(OneKeySection):
    """A document that others publish. Exactly one key."""

    file: Place = Field(default="", description="A copy of it.")
    url: Service = Field(default="", description="Its address: it is asked for at every scan.")


class AdvisoriesSection(Section):
    """Where vulnerabilities are learned. Debian's security suites are always asked, whatever stands here."""

    sources: list[SourceSection] = Field(default=[], min_length=1, description="What else is asked.")
    kev: PublishedSection = Field(
        default_factory=PublishedSection.model_construct,
        description="CISA's catalogue of known exploited vulnerabilities (JSON): what it lists is marked.",
    )
    epss: PublishedSection = Field(
        default_factory=PublishedSection.model_construct,
        description="FIRST's table of how likely flaws are to be exploited soon (CSV, also compressed by gzip).",
    )
    vex: list[Place] = Field(
        default=[],
        min_length=1,
        description="OpenVEX and CycloneDX documents that say which flaws do not apply: files, or folders of `*.json`.",
    )
    max_age: Duration = Field(
        default=DEFAULT_MAX_AGE_SECONDS,
        description="A source whose data is older is not believed to be complete: the answer is unknown. Default: 7d.",
    )
