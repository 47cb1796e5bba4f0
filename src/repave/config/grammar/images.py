"""``images``: what things are made of."""

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from repave.config.grammar.fields import (
    BaseImage,
    Duration,
    Keyring,
    Memory,
    Mirror,
    Package,
    Processes,
    Release,
    Requirement,
    Run,
    Section,
    Source,
    Suite,
    TargetPath,
    Unit,
    User,
    choice,
)
from repave.config.grammar.guards import GuardsSection
from repave.config.grammar.sources import FetchSection, GitSection

ARCHITECTURES = ("amd64", "arm64")


class BaseSection(Section):
    """The distribution below an image."""

    distribution: Annotated[str, *choice("debian", "ubuntu")] = Field(description="The distribution.")
    release: Release = Field(description="Its release, by the name that stays its own.")
    suites: list[Suite] = Field(
        default=[],
        min_length=1,
        description="Where packages may come from. Default: the release and where its repairs are published.",
    )
    architecture: Annotated[str, *choice(*ARCHITECTURES)] = Field(default="amd64", description="The processor.")
    mirror: Mirror = Field(default="", description="Base address of the archive. Default: the distribution's own.")
    keyring: Keyring = Field(
        default="",
        description="The keys that sign the archive, on the machine that locks. Default: the distribution's own.",
    )


class BaseImageSection(Section):
    """An image of a registry below an image."""

    image: BaseImage = Field(description="Registry, name, and digest or tag; the lock pins a tag to its digest.")
    architecture: Annotated[str, *choice(*ARCHITECTURES)] = Field(default="amd64", description="The processor.")


class NodeSection(Section):
    """A Node application, as `npm ci --omit=dev` would install it."""

    lock: Source = Field(description="Its `package-lock.json`.")
    into: TargetPath = Field(description="The folder in the image in which `node_modules` is made.")


class BuildLimitsSection(Section):
    """What the commands of `build` may take, all together; who takes more is stopped."""

    time: Duration = Field(default=600.0, description="From the first one's start to the last one's end. Default: 10m.")
    memory: Memory = Field(default=1 << 30, description="Of all their processes. Default: 1GiB.")
    processes: Processes = Field(default=256, description="Processes and threads at once. Default: 256.")
    output: Memory = Field(
        default=512 << 20,
        description="What the application's folders and /tmp may hold, with what is there before. Default: 512MiB.",
    )


def _kind_of_base(value: object) -> str:
    image = "image" in value if isinstance(value, dict) else isinstance(value, BaseImageSection)
    return IMAGE_BASE if image else DISTRIBUTION_BASE


def _kind_of_node(value: object) -> str:
    return NODE_MAPPING if isinstance(value, dict | NodeSection) else NODE_FOLDER


DISTRIBUTION_BASE, IMAGE_BASE = "(distribution)", "(image)"
NODE_FOLDER, NODE_MAPPING = "(folder)", "(application)"
IMAGE_BRANCHES: dict[str, type[Section] | None] = {
    DISTRIBUTION_BASE: BaseSection,
    IMAGE_BASE: BaseImageSection,
    NODE_FOLDER: None,
    NODE_MAPPING: NodeSection,
}
"""By the tag that pydantic puts into the place of an error: which of two shapes it took."""

AnyBase = Annotated[
    Annotated[BaseSection, Tag(DISTRIBUTION_BASE)] | Annotated[BaseImageSection, Tag(IMAGE_BASE)],
    Discriminator(_kind_of_base),
]
AnyNode = Annotated[
    Annotated[Source, Tag(NODE_FOLDER)] | Annotated[NodeSection, Tag(NODE_MAPPING)], Discriminator(_kind_of_node)
]


class ImageSection(Section):
    """What an image is made of."""

    kind: Annotated[str, *choice("container", "vm", "function")] = Field(description="What baking it yields.")
    boot: Annotated[str, *choice("golden", "bootstrap")] = Field(
        default="golden", description="vm: content baked into the disk, or installed at first start."
    )
    disk: Memory = Field(default=4 << 30, description="vm: the size of its disk, all together. Default: 4GiB.")
    base: AnyBase = Field(description="What is below: a distribution, or an image of a registry.")
    packages: list[Package] = Field(default=[], description="Packages of the distribution.")
    python: list[Requirement] = Field(
        default=[], description="Python requirements: ranges here, exact versions in the lock."
    )
    node: AnyNode = Field(
        default="", description="A Node application: its folder with `package-lock.json`, which `files` maps."
    )
    fetch: list[FetchSection] = Field(default=[], description="Files by address.")
    git: list[GitSection] = Field(default=[], description="Files of git repositories.")
    files: dict[Source, TargetPath] = Field(
        default={}, description="The application: files and folders of the project, and where they go in the image."
    )
    build: list[Run] = Field(
        default=[],
        description="Commands that change the application's folders while it is baked: no network, no root, no shell.",
    )
    build_limits: BuildLimitsSection = Field(
        default_factory=BuildLimitsSection.model_construct, description="What these commands may take."
    )
    run: Run = Field(
        default=(), description="The command. No shell interprets it. Only virtual machines with `units` need none."
    )
    user: User = Field(default="nobody", description="Who runs the command: never root.")
    units: list[Unit] = Field(
        default=[],
        min_length=1,
        description="vm: what systemd starts beside the command, or instead of it: units of packages or `files`.",
    )
    data: list[TargetPath] = Field(
        default=[], description="Where the application keeps data: refused, unless the image is `ephemeral`."
    )
    ephemeral: bool = Field(
        default=False, description="True admits what keeps state on its own disk: the state is lost at every rollout."
    )
    guards: GuardsSection = Field(
        default_factory=GuardsSection.model_construct, description="What must not go in by mistake."
    )
