"""Who wrote what a release brings, by the commits since the one that runs."""

import subprocess
from dataclasses import replace
from pathlib import Path

from personal_keys import person
from pipeline_cases import release as numbered

from repave.jobs.commands import LocalCommands
from repave.operations.promoting.authors import Authors

NAMES = ("ana", "bob", "eve")


def test_who_wrote_a_release_is_told_by_its_commits(tmp_path: Path) -> None:
    """All since the one that runs, people by their names, with those who wrote along; else nobody knows."""

    def git(*arguments: str, author: str = "ana@example.org") -> str:
        identity = {f"GIT_{who}_EMAIL": author for who in ("AUTHOR", "COMMITTER")}
        identity |= {f"GIT_{who}_NAME": "somebody" for who in ("AUTHOR", "COMMITTER")}
        finished = subprocess.run(
            ["git", *arguments],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", **identity},
            capture_output=True,
            check=True,
        )
        return finished.stdout.decode().strip()

    git("init", "-q")
    commits = []
    for author in ("ana@example.org", "Bob@example.org", "stranger@example.net"):
        words = "more\n\nCo-authored-by: Eve <eve@example.org>" if author.startswith("Bob") else "more"
        git("commit", "-q", "--allow-empty", "-m", words, author=author)
        commits.append(git("rev-parse", "HEAD"))
    people = [replace(person(tmp_path, name), emails=(f"{name}@example.org",)) for name in NAMES]
    authors = Authors(folder=tmp_path, people=people, commands=LocalCommands())
    releases = [replace(numbered(number), source=source) for number, source in enumerate(commits, 1)]
    assert authors.of(releases[2], releases[0]) == frozenset({"bob", "eve", "stranger@example.net"})
    assert authors.of(releases[1], releases[1]) == frozenset()
    assert authors.of(releases[0], None) is None
    for unknown in ("0" * 40, commits[2] + "+dirty", "sha256:" + "0" * 64):
        assert authors.of(replace(releases[2], source=unknown), releases[0]) is None
        assert authors.of(releases[2], replace(releases[0], source=unknown)) is None
    for nameless in ("ana", ""):
        git("commit", "-q", "--allow-empty", "-m", "more", author=nameless)
        last = replace(numbered(4), source=git("rev-parse", "HEAD"))
        assert authors.of(last, releases[2]) is None
