"""Who wrote what a release would bring into an environment, by the commits it was made from."""

import re
from collections.abc import Iterable
from pathlib import Path

from repave.model.gates import Person
from repave.model.release import Release
from repave.operations.source import git
from repave.ports.commands import Commands
from repave.ports.errors import CommandFailed

COMMIT = re.compile(r"[0-9a-f]{40}")
FORMAT = "<%ae>%n%(trailers:key=Co-authored-by,valueonly,unfold)"
"""A line for each author, also for one whose address is empty."""

ADDRESS = re.compile(r"[^\s<>]+@[^\s<>]+")


class Authors:
    """Asks git in the project's folder."""

    def __init__(self, *, folder: Path, people: Iterable[Person], commands: Commands) -> None:
        self._folder = folder
        self._names = {email: person.name for person in people for email in person.emails}
        self._commands = commands

    def of(self, release: Release, present: Release | None) -> frozenset[str] | None:
        """Names of people, and addresses of others, of all commits since the one that ``present`` was made from.

        None where nobody can know all of them: nothing runs yet, no git, a folder with changes that were never
        committed (of either release), a commit that is gone, an author without an address.
        """
        if present is None or not (COMMIT.fullmatch(release.source) and COMMIT.fullmatch(present.source)):
            return None
        which = f"{present.source}..{release.source}"
        try:
            told = git(self._commands, self._folder, "log", f"--format={FORMAT}", which, "--")
        except CommandFailed:
            return None
        found = [ADDRESS.findall(line) for line in told.lower().splitlines() if line.strip()]
        if not all(found):
            return None
        return frozenset(str(self._names.get(email, email)) for emails in found for email in emails)
