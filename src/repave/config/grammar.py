"""The whole format of `repave.yaml`, as pydantic models: what may stand where, with the words editors show.

What this version cannot act on yet is part of the format, and refused by name in ``repave.config.unsupported``.
"""

from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, PlainValidator, Tag, WithJsonSchema

from repave.config import quantities, words
from repave.config.quantities import SizeRange, Window
from repave.model.amount import Amount
from repave.model.release import SecretReference


def _schema(pattern: str, *examples: object, description: str = "") -> WithJsonSchema:
    """What an editor is told of a text: its pattern and how one looks."""
    schema: dict[str, Any] = {"type": "string", "pattern": pattern}
    if description:
        schema["description"] = description
    return WithJsonSchema(schema | ({"examples": list(examples)} if examples else {}))


def _whole(lowest: int, highest: int | None = None, *, what: str = "a whole number") -> tuple[Any, Any]:
    """Reader and schema of a bounded whole number."""
    reader = partial(quantities.whole_number, lowest=lowest, highest=highest, what=what)
    schema: dict[str, Any] = {"type": "integer", "minimum": lowest}
    return PlainValidator(reader), WithJsonSchema(schema | ({"maximum": highest} if highest else {}))


def _choice(*names: str) -> tuple[Any, Any]:
    """Reader and schema of one of a few words."""
    return PlainValidator(words.choice(names)), WithJsonSchema({"type": "string", "enum": list(names)})


def _either(pattern: str, lowest: int, highest: int, *examples: object) -> WithJsonSchema:
    """A whole number or a text."""
    number = {"type": "integer", "minimum": lowest, "maximum": highest}
    return WithJsonSchema({"anyOf": [number, {"type": "string", "pattern": pattern}], "examples": list(examples)})


Label = Annotated[str, PlainValidator(words.label), _schema(words.LABEL_PATTERN)]
Zone = Annotated[str, PlainValidator(words.matching(words.ZONE_PATTERN, words.ZONE)), _schema(words.ZONE_PATTERN)]
Variable = Annotated[
    str, PlainValidator(words.matching(words.VARIABLE_PATTERN, words.VARIABLE)), _schema(words.VARIABLE_PATTERN)
]
Release = Annotated[
    str,
    PlainValidator(words.release),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": words.RELEASE_PATTERN,
            "not": {"enum": sorted(words.MOVING_RELEASES)},
            "examples": ["bookworm"],
        }
    ),
]
Suite = Annotated[str, PlainValidator(words.matching(words.SUITE_PATTERN, words.SUITE)), _schema(words.SUITE_PATTERN)]
Mirror = Annotated[
    str, PlainValidator(words.matching(words.MIRROR_PATTERN, words.MIRROR)), _schema(words.MIRROR_PATTERN)
]
Package = Annotated[str, PlainValidator(words.debian_package), _schema(words.DEBIAN_PACKAGE_PATTERN, "python3")]
Requirement = Annotated[str, PlainValidator(words.requirement), _schema(words.REQUIREMENT_PATTERN, "flask ~= 3.0")]
Source = Annotated[str, PlainValidator(words.source_path), _schema(words.SOURCE_PATTERN, "app/")]
TargetPath = Annotated[str, PlainValidator(words.target_path), _schema(words.TARGET_PATTERN, "/srv/app/")]
User = Annotated[
    str,
    PlainValidator(words.user),
    WithJsonSchema({"type": "string", "pattern": words.USER_PATTERN, "not": {"const": "root"}}),
]
HealthPath = Annotated[str, PlainValidator(words.health_path), _schema(words.HEALTH_PATH_PATTERN, "/healthz")]
Secret = Annotated[SecretReference, PlainValidator(words.secret_reference), _schema(words.REFERENCE_PATTERN)]
Text = Annotated[
    str,
    PlainValidator(words.text),
    WithJsonSchema({"type": ["string", "number", "boolean"], "description": "Taken as it is written."}),
]
Run = Annotated[
    tuple[str, ...],
    PlainValidator(words.command),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"\S"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ],
            "examples": ["python3 -m gunicorn --bind 0.0.0.0:8080 app:app"],
        }
    ),
]
Duration = Annotated[
    float,
    PlainValidator(quantities.positive_duration_seconds),
    _schema(quantities.DURATION_PATTERN, "30s", "10m", "2h", "30d"),
]
AmountText = Annotated[
    Amount,
    PlainValidator(quantities.amount),
    _either(quantities.AMOUNT_PATTERN, 0, quantities.LARGEST_SIZE, 2, "25%"),
]
Share = Annotated[
    str,
    PlainValidator(words.matching(quantities.AMOUNT_PATTERN, "a share such as `60%`")),
    _schema(quantities.AMOUNT_PATTERN, "60%"),
]
Size = Annotated[
    SizeRange, PlainValidator(quantities.size), _either(quantities.SIZE_PATTERN, 0, quantities.LARGEST_SIZE, 6, "6..20")
]
Listen = Annotated[
    str,
    PlainValidator(quantities.listen_address),
    _either(quantities.LISTEN_PATTERN, 1, quantities.LARGEST_PORT, 8080, "127.0.0.1:8080"),
]
Memory = Annotated[int, PlainValidator(quantities.memory_bytes), _schema(quantities.MEMORY_PATTERN, "256MiB")]
WindowText = Annotated[
    Window,
    PlainValidator(quantities.window),
    _schema(quantities.WINDOW_PATTERN, "Mon-Fri 09:00-16:00 Europe/Prague"),
]
Port = Annotated[int, *_whole(1, quantities.LARGEST_PORT, what="a port")]
Count = Annotated[int, *_whole(1, 100)]
Rate = Annotated[int, *_whole(1)]
Cpus = Annotated[
    float,
    PlainValidator(quantities.cpus),
    WithJsonSchema({"type": "number", "minimum": quantities.FEWEST_CPUS, "maximum": quantities.MOST_CPUS}),
]


class Section(BaseModel):
    """A mapping of the file: every key is known, none is converted from another type.

    Only the whole file's reader is ever built, at the first reading: building each section's own would cost every
    command tens of milliseconds.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class BaseSection(Section):
    """The distribution below an image."""

    distribution: Annotated[str, *_choice("debian")] = Field(description="The distribution.")
    release: Release = Field(description="Its release, by the name that stays its own.")
    suites: list[Suite] = Field(
        default=[],
        min_length=1,
        description="Where packages may come from. Default: the release and its security suite.",
    )
    architecture: Annotated[str, *_choice("amd64", "arm64")] = Field(default="amd64", description="The processor.")
    mirror: Mirror = Field(default="", description="Base address of the archive. Default: the distribution's own.")


class ImageSection(Section):
    """What an image is made of."""

    kind: Annotated[str, *_choice("container", "vm", "function")] = Field(description="What baking it yields.")
    boot: Annotated[str, *_choice("golden", "bootstrap")] = Field(
        default="golden", description="vm: content baked into the disk, or installed at first start."
    )
    base: BaseSection = Field(description="The distribution below.")
    packages: list[Package] = Field(default=[], description="Packages of the distribution.")
    python: list[Requirement] = Field(
        default=[], description="Python requirements: ranges here, exact versions in the lock."
    )
    files: dict[Source, TargetPath] = Field(
        default={}, description="The application: files and folders of the project, and where they go in the image."
    )
    run: Run = Field(description="The command. No shell interprets it.")
    user: User = Field(default="nobody", description="Who runs the command: never root.")
    ephemeral: bool = Field(
        default=False, description="True admits what keeps state on its own disk: the state is lost at every rollout."
    )


class HealthSection(Section):
    """How the load balancer asks an instance whether it is well: HTTP GET, 2xx or 3xx is well."""

    path: HealthPath = Field(default="/", description="What is asked for.")
    interval: Duration = Field(default=2.0, description="Time between two checks. Default: 2s.")
    timeout: Duration = Field(default=1.0, description="No answer by then is a bad answer. Default: 1s.")
    healthy: Count = Field(default=2, description="Good answers in a row before it gets requests. Default: 2.")
    unhealthy: Count = Field(default=3, description="Bad answers in a row before it gets none. Default: 3.")
    grace: Duration = Field(
        default=60.0, description="A new instance that is not healthy by then has failed. Default: 60s."
    )


class RolloutSection(Section):
    """How a fleet moves to a new release."""

    strategy: Annotated[str, *_choice("rolling", "canary", "blue-green")] = Field(
        default="rolling", description="The schedule of the move."
    )
    surge: AmountText = Field(
        default=Amount(value=25, percent=True), description="Instances above the wanted size meanwhile. Default: 25%."
    )
    unavailable: AmountText = Field(
        default=Amount(value=0), description="Serving instances below the wanted size meanwhile. Default: 0."
    )


class HealingSection(Section):
    """How fast instances may be replaced for looking sick."""

    limit: AmountText = Field(
        default=Amount(value=20, percent=True), description="At most so many (at least 1) per window. Default: 20%."
    )
    window: Duration = Field(default=600.0, description="Default: 10m.")


class LimitsSection(Section):
    """What one instance may use."""

    memory: Memory = Field(default=0, description="Default: the machine's.")
    cpus: Cpus = Field(default=0.0, description="Processors, or parts of one. Default: the machine's.")


class ScaleSection(Section):
    """What moves the size within its range."""

    cpu: Share = Field(default="", description="Average processor use to aim at.")
    requests_per_instance: Rate = Field(default=0, description="Requests per second and instance to aim at.")


class FleetSection(Section):
    """The interchangeable instances of one image: what holds in every environment."""

    image: Label = Field(description="The image they run.")
    port: Port = Field(description="The TCP port the application listens on.")
    health: HealthSection = Field(
        default_factory=HealthSection.model_construct, description="When an instance is well."
    )
    rollout: RolloutSection = Field(
        default_factory=RolloutSection.model_construct, description="How it moves to a new release."
    )
    healing: HealingSection = Field(
        default_factory=HealingSection.model_construct, description="How fast the sick are replaced."
    )
    drain: Duration = Field(
        default=30.0, description="An instance leaves when its open requests have ended, or after this. Default: 30s."
    )
    limits: LimitsSection = Field(
        default_factory=LimitsSection.model_construct, description="What one instance may use."
    )
    scale: ScaleSection = Field(default_factory=ScaleSection.model_construct, description="What moves the size.")


class FleetSizeSection(Section):
    """What one environment says of one fleet."""

    size: Size = Field(description="How many instances.")
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


ALWAYS = Window(days=quantities.DAYS, start="00:00", end="23:59", zone="UTC")


class GatesSection(Section):
    """What must hold before a release enters."""

    checks: list[Source] = Field(default=[], description="Programs of the project that must succeed.")
    soak: Duration = Field(default=0.0, description="How long it must have run well in the environment before.")
    approvals: Rate = Field(default=0, description="How many people must have agreed.")
    window: WindowText = Field(default=ALWAYS, description="When it may enter.")


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
    gates: GatesSection = Field(
        default_factory=GatesSection.model_construct, description="What must hold before a release enters."
    )


class FixWithinSection(Section):
    """From an advisory's publication to the last instance that is clean."""

    critical: Duration = Field(default=604800.0, description="Default: 7d.")
    high: Duration = Field(default=2592000.0, description="Default: 30d.")


class PolicySection(Section):
    """How fresh everything is kept."""

    max_age: Duration = Field(default=2592000.0, description="An instance is replaced at this age. Default: 30d.")
    hard_max_age: Duration = Field(default=7776000.0, description="No instance gets older. Default: 90d.")
    fix_within: FixWithinSection = Field(
        default_factory=FixWithinSection.model_construct, description="How fast flaws are repaired."
    )


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
    policy: PolicySection = Field(
        default_factory=PolicySection.model_construct, description="How fresh everything is kept."
    )
