"""``images.NAME.guards``: what must not go into an image by mistake."""

from typing import Annotated

from pydantic import Field

from repave.config.grammar.fields import GuardedPath, Reason, Section, choice


class AllowedSection(Section):
    """A place that somebody has looked at."""

    path: GuardedPath = Field(
        description="A file of the project or of the image; with a trailing slash, everything below. "
        "`build/1` is the first command of `build`."
    )
    reason: Reason = Field(description="Why it may stay.")


class GuardsSection(Section):
    """What is done about what the guards see."""

    secrets: Annotated[str, *choice("stop", "report")] = Field(
        default="stop", description="Keys, tokens and passwords among the application's files. Default: `stop`."
    )
    setuid: Annotated[str, *choice("stop", "report")] = Field(
        default="report",
        description="Programs that run as their owner or group, such as `su` of the base. Default: `report`.",
    )
    writable: Annotated[str, *choice("stop", "report")] = Field(
        default="report", description="Files and folders that anyone may write. Default: `report`."
    )
    unpinned: Annotated[str, *choice("stop", "report")] = Field(
        default="stop",
        description="Commands of `build`, and files of cloud-init, systemd and cron, that bring in what no lock pins. "
        "Default: `stop`.",
    )
    allow: list[AllowedSection] = Field(default=[], description="What may stay, and why.")
