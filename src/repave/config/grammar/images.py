"""``images``: what things are made of."""

from typing import Annotated

from pydantic import Field

from repave.config.grammar.fields import (
    Mirror,
    Package,
    Release,
    Requirement,
    Run,
    Section,
    Source,
    Suite,
    TargetPath,
    User,
    choice,
)


class BaseSection(Section):
    """The distribution below an image."""

    distribution: Annotated[str, *choice("debian")] = Field(description="The distribution.")
    release: Release = Field(description="Its release, by the name that stays its own.")
    suites: list[Suite] = Field(
        default=[],
        min_length=1,
        description="Where packages may come from. Default: the release and its security suite.",
    )
    architecture: Annotated[str, *choice("amd64", "arm64")] = Field(default="amd64", description="The processor.")
    mirror: Mirror = Field(default="", description="Base address of the archive. Default: the distribution's own.")


class ImageSection(Section):
    """What an image is made of."""

    kind: Annotated[str, *choice("container", "vm", "function")] = Field(description="What baking it yields.")
    boot: Annotated[str, *choice("golden", "bootstrap")] = Field(
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
