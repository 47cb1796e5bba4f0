"""A commit's files as one tar: fetched, exported raw, and checked against the names that git gave them."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from repave.pinners.git.address import GitAddress
from repave.pinners.git.program import Git
from repave.pinners.git.trees import SUBMODULE, object_name, tree_name
from repave.pinners.naming import suggestion
from repave.ports.errors import CommandFailed, Corrupt, Gone, Invalid, WorldError
from repave.scratch.held import held

RAW = "* -export-ignore -export-subst -text -eol -crlf -ident -filter -working-tree-encoding\n"
"""Attributes that go before the repository's own: every file is exported as it is committed (gitattributes(5))."""

RUN = "run-"
"""How names of folders begin in which something is under way."""

EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


class GitExports:
    """The exports port for git repositories; also answers which commit a tag or branch is."""

    def __init__(self, root: Path, *, git: Git) -> None:
        """``root`` is a folder of its own for what is under way."""
        self._root = root
        self._git = git

    def makes(self, address: str) -> bool:
        """Addresses that begin with ``git+``."""
        return address.startswith("git+")

    def write(self, address: str, target: BinaryIO) -> None:
        """Write the tar; see the port."""
        self.export(GitAddress.parse(address), target)

    def commit_of(self, url: str, reference: str) -> str:
        """The commit that a tag or branch names now. Raises Invalid when there is none of that name."""
        with self._place() as place:
            peeled = f"{reference}^{{}}"
            named = self._references(url, place, reference, peeled)
            commit = named.get(peeled) or named.get(reference)
            if commit is None:
                kind = "tag" if reference.startswith("refs/tags/") else "branch"
                names = [name.split("/", 2)[2] for name in self._references(url, place) if name.count("/") > 1]
                raise Invalid(
                    f"{url} has no {kind} {reference.split('/', 2)[2]}",
                    hint=suggestion(reference.split("/", 2)[2], names, otherwise="`git ls-remote` lists them"),
                )
        return commit

    def export(self, address: GitAddress, target: BinaryIO) -> tuple[str, ...]:
        """Write the tar, and answer the submodules that it leaves empty, by path. Raises as the port says."""
        with self._place() as place:
            repository = place / "repository"
            repository.mkdir()
            self._run(address, repository, "init", "--quiet", "--bare", "--template=", ".")
            (repository / "info").mkdir(exist_ok=True)
            (repository / "info" / "attributes").write_text(RAW, encoding="ascii")
            self._fetch(address, repository)
            tree = self._tree(address, repository)
            submodules = self._submodules(address, tree, repository)
            archive = place / "archive.tar"
            below = ("--", address.path) if address.path else ()
            self._run(address, repository, "archive", "--format=tar", f"--output={archive}", address.commit, *below)
            found = tree_name(archive, path=address.path, submodules=submodules)
            if found != tree:
                raise Corrupt(
                    f"the files of {address} are those of tree {found}, not of tree {tree}: nothing was kept",
                    hint="the repository or this machine's git changed them on the way: look there first",
                )
            with archive.open("rb") as content:
                shutil.copyfileobj(content, target)
        return tuple(sorted(path.decode(errors="replace") for path in submodules))

    def _fetch(self, address: GitAddress, repository: Path) -> None:
        quiet = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head")
        try:
            self._run(address, repository, *quiet, "--depth=1", "--", address.url, address.commit)
        except (CommandFailed, Gone, Invalid):
            # Some servers hand out nothing but what a branch or tag names: then the commit is among all of that.
            self._run(address, repository, *quiet, "--", address.url, *EVERYTHING)

    def _tree(self, address: GitAddress, repository: Path) -> str:
        """The tree of the commit or of its folder; the commit itself is checked against its own name."""
        try:
            commit = self._run(address, repository, "cat-file", "commit", address.commit)
        except WorldError as missing:
            raise Invalid(
                f"{address.url} has no commit {address.commit}", hint="look it up again; a tag's own id is none"
            ) from missing
        if object_name("commit", commit) != address.commit:
            raise Corrupt(f"{address.url} gave another commit under the name {address.commit}")
        tree = commit.split(b"\n", 1)[0].removeprefix(b"tree ").decode()
        if not address.path:
            return tree
        try:
            kind = self._run(address, repository, "cat-file", "-t", f"{tree}:{address.path}").decode().strip()
        except WorldError as missing:
            raise self._no_folder(address, "is not there") from missing
        if kind != "tree":
            raise self._no_folder(address, "is a file")
        return self._run(address, repository, "rev-parse", "--verify", f"{tree}:{address.path}").decode().strip()

    def _no_folder(self, address: GitAddress, what: str) -> Invalid:
        return Invalid(
            f"{address.path} of {address.url} {what} in commit {address.commit}", hint="`path` names a folder of it"
        )

    def _submodules(self, address: GitAddress, tree: str, repository: Path) -> Mapping[bytes, str]:
        entries = self._run(address, repository, "ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0")
        parted = (entry.partition(b"\t") for entry in entries if entry.startswith(SUBMODULE.encode()))
        return {path: described.split()[2].decode() for described, _, path in parted}

    def _references(self, url: str, place: Path, *wanted: str) -> dict[str, str]:
        """Commits by the full name of what names them."""
        answer = self._git.run(("ls-remote", "--quiet", "--", url, *wanted), url=url, cwd=place)
        lines = (line.split("\t") for line in answer.decode(errors="replace").splitlines() if "\t" in line)
        return {name: commit for commit, name in lines}

    def _run(self, address: GitAddress, repository: Path, *arguments: str) -> bytes:
        return self._git.run(arguments, url=address.url, cwd=repository)

    @contextmanager
    def _place(self) -> Iterator[Path]:
        self._root.mkdir(parents=True, exist_ok=True)
        with held(self._root, prefix=RUN) as folder:
            yield folder.resolve()
