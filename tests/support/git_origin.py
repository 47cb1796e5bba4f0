"""A git repository with what repositories have, and what may go wrong with it."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

CONTENT = {
    "README": b"read me\n",
    "keep/plain.txt": b"one\ntwo\n",
    "keep/crlf.txt": b"one\ntwo\n",
    "keep/version": b"$Format:%H$ $Id$\n",
    "keep/\u00e4 name": b"umlaut\n",
    "keep.txt": b"sorts between a file and a folder\n",
    "hidden/secret.txt": b"not for archives\n",
    ".gitattributes": b"hidden export-ignore\n*.txt text eol=crlf\nkeep/version export-subst ident\n",
}
OTHER = "1" * 40
"""A commit of another repository."""


@dataclass(frozen=True, kw_only=True)
class GitOrigin:
    """A repository in a folder, spoken to by git itself."""

    folder: Path

    @property
    def url(self) -> str:
        """By which it is reached here."""
        return self.folder.as_uri()

    def git(self, *arguments: str, content: bytes = b"") -> str:
        """Run git in it."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.fspath(self.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            **{
                f"GIT_{who}_{what}": "nobody@example.org"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
            **{f"GIT_{who}_DATE": "1700000000 +0000" for who in ("AUTHOR", "COMMITTER")},
        }
        finished = subprocess.run(
            ["git", "-C", self.folder, *arguments], input=content, env=environment, capture_output=True, check=True
        )
        return finished.stdout.decode().strip()

    def commit(self, files: dict[str, bytes]) -> str:
        """Write, commit, and answer the commit's id."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            self.git("add", "--", name)
        self.git("commit", "--quiet", "--allow-empty", "-m", "more")
        return self.git("rev-parse", "HEAD")


def git_origin(folder: Path, *, submodule: bool = False) -> GitOrigin:
    """On the branch ``main``, tagged ``v1`` (with a note) and ``light``; a program and a link are in it, too."""
    folder.mkdir()
    origin = GitOrigin(folder=folder)
    origin.git("init", "--quiet", "-b", "main")
    (folder / "keep").mkdir()
    (folder / "keep/run").write_bytes(b"#!/bin/sh\n")
    (folder / "keep/run").chmod(0o755)
    (folder / "keep/link").symlink_to("../README")
    (folder / "current").symlink_to("keep")
    origin.git("add", "--", "keep", "current")
    if submodule:
        origin.git("update-index", "--add", "--cacheinfo", f"160000,{OTHER},keep/vendor")
    origin.commit(CONTENT)
    origin.git("tag", "-a", "-m", "a note", "v1")
    origin.git("tag", "light")
    return origin
