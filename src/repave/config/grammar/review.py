"""``review``: where people look at lock changes before they are taken."""

from typing import Annotated

from pydantic import Field, PlainValidator

from repave.config import words
from repave.config.grammar.environments import SecretSection
from repave.config.grammar.fields import Ref, Section, Service, choice, told
from repave.model.review import Forge

ProjectPath = Annotated[
    str,
    PlainValidator(words.matching(words.PROJECT_PATH_PATTERN, words.PROJECT_PATH)),
    told(words.PROJECT_PATH_PATTERN),
]
Author = Annotated[
    str,
    PlainValidator(words.matching(words.AUTHOR_PATTERN, words.AUTHOR)),
    told(words.AUTHOR_PATTERN, "repave <repave@example.org>"),
]
RemoteName = Annotated[
    str, PlainValidator(words.matching(words.REMOTE_PATTERN, words.REMOTE)), told(words.REMOTE_PATTERN, "origin")
]


class ReviewSection(Section):
    """`repave watch` opens lock changes as merge requests, one for repairs, one for updates, and takes none itself."""

    forge: Annotated[str, *choice(*Forge)] = Field(description="Whose API opens the merge request.")
    repository: ProjectPath = Field(description="`owner/name` there; on GitLab also `group/subgroup/name`.")
    token: SecretSection = Field(description="By reference: it may open and change merge requests there.")
    author: Author = Field(description="Who makes the commits.")
    into: Ref = Field(default="main", description="The branch that the lock is to go into. Default: `main`.")
    remote: RemoteName = Field(
        default="origin", description="The repository, as git in this folder knows it. Default: `origin`."
    )
    api: Service = Field(
        default="", description="Its API, where it is neither `https://api.github.com` nor `https://gitlab.com/api/v4`."
    )
