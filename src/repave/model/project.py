"""The whole of `repave.yaml` as declared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from repave.model.advisories import AdvisorySettings
from repave.model.exposure import FixWithin
from repave.model.freshness import Freshness, FreshnessPolicy
from repave.model.gates import Gates, Person
from repave.model.names import EnvironmentName, FleetName, ImageName, ProjectName, ProviderName, ZoneName
from repave.model.origins import Origins
from repave.model.policy import AgePolicy, BudgetPolicy, HealingPolicy, HealthPolicy, RolloutPolicy
from repave.model.recipe import Image
from repave.model.release import Limits, SecretReference
from repave.model.review import ReviewSettings
from repave.model.scaling import Scale
from repave.model.signing import SigningSettings


class Start(StrEnum):
    """What the instances of a fleet start from, where the provider can."""

    COLD = "cold"
    """Their image."""

    WARM = "warm"
    """Saved memory of one that was ready, and knew no configuration."""

    HOT = "hot"
    """Saved memory of one whose application served."""


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The interchangeable instances of one image: what holds in every environment."""

    name: FleetName
    image: ImageName
    port: int | None
    """TCP port the application listens on; None for workers, which nobody asks anything."""

    health: HealthPolicy = field(default_factory=HealthPolicy)
    rollout: RolloutPolicy = field(default_factory=RolloutPolicy)
    healing: HealingPolicy = field(default_factory=HealingPolicy)
    budget: BudgetPolicy = field(default_factory=BudgetPolicy)
    drain_timeout_seconds: float = 30.0
    after: tuple[FleetName, ...] = ()
    """Fleets whose turn comes first; an environment that lacks one has nothing to wait for."""

    freshness: Freshness = field(default_factory=Freshness)
    """Limits of its own, before those of the environment and the project."""

    limits: Limits = Limits()
    start: Start = Start.COLD

    scale: Scale = field(default_factory=Scale)
    """What moves the size in environments that give it a range."""

    @property
    def speaks_http(self) -> bool:
        """Whether requests can be sent to it, and answers be counted."""
        return self.port is not None and self.health.path is not None


@dataclass(frozen=True, kw_only=True)
class FleetSize:
    """What one environment says of one fleet."""

    size: int
    """How many; where it is a range, its lower end."""

    highest: int | None = None
    """The upper end of a range; None for a size that nothing moves."""

    listen: str | None = None
    """``address:port`` clients use; None means a free port on loopback, chosen once and kept."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Sizes, zones and configuration. Never a version."""

    name: EnvironmentName
    provider: ProviderName
    zones: tuple[ZoneName, ...]
    fleets: Mapping[FleetName, FleetSize]
    configuration: Mapping[str, str | SecretReference] = field(default_factory=dict)
    freshness: Freshness = field(default_factory=Freshness)
    """Limits of its own, before those of the project."""

    gates: Gates = field(default_factory=Gates)


@dataclass(frozen=True, kw_only=True)
class Project:
    """One file: images, fleets, environments and the order of the environments."""

    name: ProjectName
    images: Mapping[ImageName, Image]
    fleets: Mapping[FleetName, Fleet]
    environments: Mapping[EnvironmentName, Environment]
    pipeline: tuple[EnvironmentName, ...]
    """Every environment once, in the order releases travel."""

    people: tuple[Person, ...] = ()
    """Whose approval counts."""

    age: AgePolicy = field(default_factory=AgePolicy)
    fix_within: FixWithin = field(default_factory=FixWithin)
    freshness: FreshnessPolicy = field(default_factory=FreshnessPolicy)
    advisories: AdvisorySettings = field(default_factory=AdvisorySettings)
    origins: Origins = field(default_factory=Origins)
    shared_vaults: tuple[str, ...] = ()
    """Folders, relative to the project's unless absolute, and repositories (``oci://...``), each once."""
    signing: SigningSettings = field(default_factory=SigningSettings)
    review: ReviewSettings | None = None
    """Where people look at lock changes; None: they are taken as they are made."""
