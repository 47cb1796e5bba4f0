"""``fleets``: what runs."""

from typing import Annotated

from pydantic import Field

from repave.config.grammar.fields import (
    AmountText,
    Count,
    Cpus,
    Duration,
    HealthPath,
    Label,
    Memory,
    Port,
    Section,
    choice,
)
from repave.config.grammar.policy import OwnPolicySection
from repave.config.grammar.scaling import ScaleSection
from repave.model.amount import Amount

HTTP = "http"
TCP = "tcp"
"""What clients of a fleet speak, as far as it is read."""

STEADY_SECONDS = 10.0
"""Most of what fails at its start has failed by then."""


class HealthSection(Section):
    """How an instance is asked whether it is well: by HTTP GET, 2xx or 3xx; of `tcp`, by a connection."""

    path: HealthPath = Field(
        default="/", description="What is asked for. Another is taken once all that serve answer it well."
    )
    interval: Duration = Field(default=2.0, description="Time between two checks. Default: 2s.")
    timeout: Duration = Field(default=1.0, description="No answer by then is a bad answer. Default: 1s.")
    healthy: Count = Field(default=2, description="Good answers in a row before it gets requests. Default: 2.")
    unhealthy: Count = Field(default=3, description="Bad answers in a row before it gets none. Default: 3.")
    grace: Duration = Field(
        default=0.0,
        description="A new instance that is not healthy by then has failed. Default: 60s, for virtual machines 5m.",
    )
    steady: Duration = Field(
        default=STEADY_SECONDS, description="Of workers: one is well once its process has run so long. Default: 10s."
    )


class RolloutSection(Section):
    """How a fleet moves to a new release."""

    strategy: Annotated[str, *choice("rolling", "canary", "blue-green")] = Field(
        default="rolling", description="The schedule of the move."
    )
    surge: AmountText = Field(
        default=Amount(value=25, percent=True), description="Instances above the wanted size meanwhile. Default: 25%."
    )
    unavailable: AmountText = Field(
        default=Amount(value=0), description="Serving instances below the wanted size meanwhile. Default: 0."
    )
    steps: list[AmountText] = Field(
        default=[Amount(value=10, percent=True), Amount(value=50, percent=True)],
        min_length=1,
        description="canary: how much is new, at least 1, at each step before the rest. Default: 10%, then 50%.",
    )
    pause: Duration = Field(default=600.0, description="canary: how long each step is judged. Default: 10m.")
    checkpoint: bool = Field(
        default=False, description="canary: true has each step wait for `repave resume` as well. Default: false."
    )
    baseline: Annotated[str, *choice("fresh", "running")] = Field(
        default="fresh",
        description="canary: compared with as many of the old release, started beside it, or with those that run.",
    )
    keep: Duration = Field(
        default=600.0, description="blue-green: the old group stands by so long after the switch. Default: 10m."
    )


class HealingSection(Section):
    """How fast instances may be replaced for looking sick."""

    limit: AmountText = Field(
        default=Amount(value=20, percent=True), description="At most so many (at least 1) per window. Default: 20%."
    )
    window: Duration = Field(default=600.0, description="Default: 10m.")
    flaps: Count = Field(
        default=3, description="One that falls sick so often within the window is replaced, well or not. Default: 3."
    )


class BudgetSection(Section):
    """How fast instances may be taken out; the wanted number serves all the while."""

    per_hour: AmountText | None = Field(
        default=None, description="Within an hour, for whatever reason, at least 1. Urgent ones do not wait for it."
    )
    gentle_per_hour: AmountText = Field(
        default=Amount(value=20, percent=True),
        description="Within an hour, for age and uneven zones, at least 1. Default: 20%.",
    )
    per_zone: AmountText | None = Field(
        default=None, description="Leaving one zone at the same time, at least 1. Urgent ones do not wait for it."
    )


class LimitsSection(Section):
    """What one instance may use."""

    memory: Memory = Field(default=0, description="Default: the machine's; 512MiB for a virtual machine on this one.")
    cpus: Cpus = Field(
        default=0.0,
        description="Processors, or parts of one. Default: the machine's; 2 for a virtual machine on this one.",
    )


class FleetSection(Section):
    """The interchangeable instances of one image: what holds in every environment."""

    image: Label = Field(description="The image they run.")
    port: Port = Field(
        description="The TCP port the application listens on; `none` for workers, which nobody asks anything."
    )
    protocol: Annotated[str, *choice(HTTP, TCP)] = Field(
        default=HTTP,
        description="What clients speak. Of http each request is given to an instance, of tcp each connection. "
        "Default: http.",
    )
    health: HealthSection = Field(
        default_factory=HealthSection.model_construct, description="When an instance is well."
    )
    rollout: RolloutSection = Field(
        default_factory=RolloutSection.model_construct, description="How it moves to a new release."
    )
    healing: HealingSection = Field(
        default_factory=HealingSection.model_construct, description="How fast the sick are replaced."
    )
    budget: BudgetSection = Field(
        default_factory=BudgetSection.model_construct, description="How fast instances may be taken out."
    )
    drain: Duration = Field(
        default=30.0,
        description="An instance leaves when its open requests have ended, a worker when it has ended by itself, or "
        "after this. Default: 30s.",
    )
    after: list[Label] = Field(
        default=[],
        description="Fleets that come first: a release starts here once they carry it; a rollback goes the other way.",
    )
    policy: OwnPolicySection = Field(
        default_factory=OwnPolicySection.model_construct,
        description="Limits of age and of flaws of its own, in every environment.",
    )
    limits: LimitsSection = Field(
        default_factory=LimitsSection.model_construct, description="What one instance may use."
    )
    start: Annotated[str, *choice("cold", "warm", "hot")] = Field(
        default="cold",
        description="warm: virtual machines go on from saved memory of one that was ready; hot: of one that served. "
        "Default: cold.",
    )
    scale: ScaleSection = Field(
        default_factory=ScaleSection.model_construct, description="What moves the size, where it is a range."
    )
