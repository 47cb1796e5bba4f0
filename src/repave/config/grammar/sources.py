"""``images.NAME.fetch`` and ``images.NAME.git``: what comes by its address."""

from pydantic import Field

from repave.config.grammar.fields import Address, Commit, Mode, Ref, Repository, Section, Sha256, Source, TargetPath


class FetchSection(Section):
    """One file by its address."""

    url: Address = Field(description="Where it is.")
    into: TargetPath = Field(description="Where it goes; with a trailing slash the folder in which it keeps its name.")
    sha256: Sha256 = Field(
        default="", description="What it must be. Default: what is found at the first lock, which then stays."
    )
    mode: Mode = Field(default=0o644, description="`0755` for a program. Default: `0644`.")
    unpack: bool = Field(default=False, description="True lays out the members of a tar or zip below `into` instead.")


class GitSection(Section):
    """The files of one commit of a git repository; exactly one of `commit`, `tag` and `branch` says which."""

    url: Repository = Field(description="Where the repository is: `https`, `ssh` or `file`.")
    into: TargetPath = Field(description="The folder they go to.")
    commit: Commit = Field(default="", description="The commit by its whole id.")
    tag: Ref = Field(default="", description="A tag: the lock pins the commit it names.")
    branch: Ref = Field(default="", description="A branch: the lock pins the commit it names.")
    path: Source = Field(default="", description="The folder of the repository that is taken. Default: all of it.")
