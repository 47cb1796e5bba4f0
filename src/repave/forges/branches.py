"""Branches of a repository, written by git's plumbing: the user's working tree, index and branches stay as they are."""

import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from repave.forges.marks import TRAILER
from repave.ports.commands import Commands, Finished
from repave.ports.errors import Conflict, Unreachable
from repave.ports.reviews import Change

TIMEOUT_SECONDS = 300.0
"""A fetch or a push over a slow line; this ends only what hangs."""

QUIET = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
    "-c",
    "commit.gpgSign=false",
)
"""No hook runs: who commits by hand has theirs for that."""

BASE, OURS = "refs/repave/base", "refs/repave/ours"
"""Where what was fetched is held; no branch of the user's, and no remote's: a push alone moves that of its branch."""

FETCHING = ("--quiet", "--no-tags", "--refmap=", "--no-recurse-submodules", "--no-write-fetch-head")
PUSHING = ("--quiet", "--no-verify", "--no-follow-tags", "--recurse-submodules=no")
"""One ref and nothing else, whatever the user's git is configured to bring along."""


class Branches:
    """Of the repository that the project's folder is in."""

    def __init__(
        self, folder: Path, *, remote: str, author: str, commands: Commands, environment: Mapping[str, str]
    ) -> None:
        """``author``: ``Name <address>``; ``environment``: of the process, for the ssh agent."""
        self._folder = folder
        self._remote = remote
        name, _, address = author.removesuffix(">").rpartition(" <")
        self._person = {
            f"GIT_{who}_{what}": said
            for who in ("AUTHOR", "COMMITTER")
            for what, said in (("NAME", name), ("EMAIL", address))
        }
        self._commands = commands
        passed = {key: environment[key] for key in ("SSH_AUTH_SOCK",) if key in environment}
        self._environment = {"GIT_TERMINAL_PROMPT": "0", **passed}

    def publish(self, change: Change, into: str) -> None:
        """One commit on what the remote's ``into`` is now, on a branch of the remote; there already is nothing to do.

        Raises Conflict where that is not what the change was made from, or the branch has commits of others;
        Unreachable where the remote cannot be spoken to.
        """
        base = self._fetched(f"refs/heads/{into}", BASE)
        if base is None:
            raise Conflict(f"{self._remote} has no branch {into}", hint="`review.into` names the branch to go into")
        prefix = self._git("rev-parse", "--show-prefix").rstrip("\n")
        self._refuse_another_base(change, base, prefix, into)
        there = self._fetched(f"refs/heads/{change.branch}", OURS)
        if there is not None:
            form = f"--format=%(trailers:key={TRAILER},valueonly)%x00%P%x00%ce"
            said, parent, committer = self._git("log", "-1", form, there).split("\0")
            # Whoever amends a commit of ours keeps its trailer.
            if not said.strip() or committer.strip() != self._person["GIT_COMMITTER_EMAIL"]:
                raise Conflict(
                    f"somebody has put commits on {change.branch} of {self._remote}",
                    hint="merge it or delete it: it is written anew by the next pass",
                )
            if (said.strip(), parent.strip()) == (change.lock, base):
                return
        commit = self._commit(change, base, prefix)
        lease = f"--force-with-lease=refs/heads/{change.branch}:{there or ''}"
        self._reach("push", *PUSHING, lease, self._remote, f"{commit}:refs/heads/{change.branch}")

    def _fetched(self, name: str, kept: str) -> str | None:
        """The commit that a ref of the remote is; None where there is no such ref."""
        listed = self._reach("ls-remote", "--exit-code", self._remote, name, missing=2)
        if not listed:
            return None
        self._reach("fetch", *FETCHING, self._remote, f"+{name}:{kept}")
        return self._git("rev-parse", "--verify", f"{kept}^{{commit}}").strip()

    def _refuse_another_base(self, change: Change, base: str, prefix: str, into: str) -> None:
        for path, content in change.before.items():
            shown = self._run("cat-file", "blob", f"{base}:{prefix}{path}", check=False)
            if shown.exit_code != 0 or shown.stdout != content:
                raise Conflict(
                    f"{path} of this folder is not that of {into} of {self._remote}",
                    hint="`git pull`, or push what is here: a change is proposed against what others see",
                )

    def _commit(self, change: Change, base: str, prefix: str) -> str:
        """In an index of its own, which is gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="repave-") as folder:
            own = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self._git("read-tree", base, environment=own)
            for path, content in change.files.items():
                blob = self._git("hash-object", "-w", "--stdin", stdin=content).strip()
                self._git("update-index", "--add", "--cacheinfo", f"100644,{blob},{prefix}{path}", environment=own)
            tree = self._git("write-tree", environment=own).strip()
        moment = f"{int(change.at.timestamp())} +0000"
        dated = {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}
        message = f"{change.title}\n\n{TRAILER}: {change.lock}\n".encode()
        return self._git("commit-tree", tree, "-p", base, environment=dated | self._person, stdin=message).strip()

    def _reach(self, *arguments: str, missing: int = 0) -> str:
        """A command that speaks to the remote; nothing where it ends with ``missing``."""
        finished = self._run(*arguments, environment=self._asking_nobody, check=False)
        if missing and finished.exit_code == missing:
            return ""
        if finished.exit_code != 0:
            told = " ".join(finished.stderr.split())[-300:]
            raise Unreachable(
                f"git {arguments[0]} with {self._remote} failed: {told}",
                hint="the user who runs this needs a way to fetch and push without being asked",
            )
        return finished.stdout.decode(errors="replace")

    @cached_property
    def _asking_nobody(self) -> Mapping[str, str]:
        """The ssh that the folder's git is configured to use, which asks no person."""
        configured = self._run("config", "--get", "core.sshCommand", check=False).stdout.decode(errors="replace")
        return {"GIT_SSH_COMMAND": f"{configured.strip() or 'ssh'} -oBatchMode=yes"}

    def _git(self, *arguments: str, environment: Mapping[str, str] | None = None, stdin: bytes = b"") -> str:
        return self._run(*arguments, environment=environment, stdin=stdin).stdout.decode(errors="replace")

    def _run(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        check: bool = True,
    ) -> Finished:
        return self._commands.run(
            ("git", *QUIET, *arguments),
            cwd=self._folder,
            environment={**self._environment, **(environment or {})},
            stdin=stdin,
            timeout_seconds=TIMEOUT_SECONDS,
            check=check,
        )
