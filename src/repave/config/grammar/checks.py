"""``checks`` among the ``gates``: what is tried on a release before it goes on."""

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from repave.config.grammar.fields import Duration, HealthPath, Label, Section, Source, Text, whole

Status = Annotated[int, *whole(100, 599, what="a status of HTTP")]


class ProgramSection(Section):
    """A program of the project, run in a container of its own; it passes when it exits with 0."""

    run: Source = Field(description="Its file, whose first line says by what it is run: `#!/bin/sh`.")
    files: list[Source] = Field(default=[], description="Files and folders of the project that it needs beside it.")
    image: Label = Field(
        default="",
        description="What it runs in: an image of kind `container`, as the release has it. Default: the only such "
        "image of the environment's fleets.",
    )
    fleet: Label = Field(default="", description="Whose address it is told. Default: the only one with a port.")
    timeout: Duration = Field(default=60.0, description="It is ended, and has failed, after so long. Default: 1m.")


class RequestSection(Section):
    """A GET request to a fleet's address, and the answer that it must get."""

    http: HealthPath = Field(description="The path.")
    status: Status = Field(default=200, description="Of the answer. Default: 200.")
    contains: Text = Field(default="", description="Must stand in the answer. Default: anything may.")
    fleet: Label = Field(default="", description="Who is asked. Default: the only fleet that speaks HTTP.")
    timeout: Duration = Field(default=5.0, description="Until all of the answer is there. Default: 5s.")


def _kind_of_check(value: object) -> str:
    if isinstance(value, dict | Section):
        asks = "http" in value if isinstance(value, dict) else isinstance(value, RequestSection)
        return REQUEST if asks else PROGRAM
    return PROGRAM_FILE


PROGRAM_FILE, PROGRAM, REQUEST = "(file)", "(program)", "(request)"
CHECK_BRANCHES: dict[str, type[Section] | None] = {PROGRAM_FILE: None, PROGRAM: ProgramSection, REQUEST: RequestSection}
"""By the tag that pydantic puts into the place of an error: which of the shapes it took."""

AnyCheck = Annotated[
    Annotated[Source, Tag(PROGRAM_FILE)]
    | Annotated[ProgramSection, Tag(PROGRAM)]
    | Annotated[RequestSection, Tag(REQUEST)],
    Discriminator(_kind_of_check),
]
